/** A network: an address and how many of its bits count (RFC 4632). */
interface Network {
  readonly bytes: readonly number[];
  readonly bits: number;
}

/** IPv4 is looked at as IPv6 has it, so that both forms of one address are the same (RFC 4291 section 2.5.5.2). */
const mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255];

function ipv4Bytes(text: string): readonly number[] | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)) return undefined;
  return parts.map(Number);
}

function groupsOf(text: string): readonly number[] | undefined {
  if (text === '') return [];
  const groups = text.split(':');
  const last = groups.at(-1) as string;
  const tail = last.includes('.') ? ipv4Bytes(last) : [];
  const words = last.includes('.') ? groups.slice(0, -1) : groups;
  if (tail === undefined || !words.every((word) => /^[0-9a-f]{1,4}$/i.test(word))) return undefined;
  return [...words.flatMap((word) => [Number.parseInt(word, 16) >> 8, Number.parseInt(word, 16) & 255]), ...tail];
}

/** RFC 4291 section 2.2; a zone (`%eth0`) is left out. */
function ipv6Bytes(text: string): readonly number[] | undefined {
  const [head = '', tail, ...more] = text.replace(/%.*$/, '').split('::');
  const [left, right] = [groupsOf(head), groupsOf(tail ?? '')];
  if (left === undefined || right === undefined || more.length > 0) return undefined;
  const missing = 16 - left.length - right.length;
  if (tail === undefined ? missing !== 0 : missing < 2) return undefined;
  return [...left, ...Array.from({ length: missing }, () => 0), ...right];
}

function addressBytes(text: string): readonly number[] | undefined {
  const four = ipv4Bytes(text);
  return four === undefined ? ipv6Bytes(text) : [...mapped, ...four];
}

function networkOf(text: string): Network | undefined {
  const [address = '', length, ...more] = text.split('/');
  const bytes = addressBytes(address);
  const offset = ipv4Bytes(address) === undefined ? 0 : 96;
  const bits = length === undefined ? 128 : offset + Number(length);
  if (bytes === undefined || more.length > 0 || (length !== undefined && !/^\d{1,3}$/.test(length)) || bits > 128) return undefined;
  return { bytes, bits };
}

/** Fewer bits are nearly everybody. */
const ownBitsMin = { four: 8, six: 16 } as const;

/** Why a text is no network that a list of the few who may do something should hold; undefined when it is one. */
export function networkFault(text: string): string | undefined {
  const network = networkOf(text);
  if (network === undefined) return 'Expected an address, or a network such as 203.0.113.0/24 or 2001:db8::/32.';
  const { bits, bytes } = network;
  const isFour = bits >= 96 && mapped.every((byte, at) => byte === bytes[at]);
  const holdsAllOfFour = contains(network, [...mapped, 0, 0, 0, 0]) && bits <= 96;
  if (holdsAllOfFour || (isFour ? bits - 96 < ownBitsMin.four : bits < ownBitsMin.six))
    return `Expected ${ownBitsMin.four} bits at least of IPv4, and ${ownBitsMin.six} of IPv6: this is nearly everybody.`;
  const beyond = bytes.some((byte, at) => (byte & (0xff >> Math.min(8, Math.max(0, bits - at * 8)))) !== 0);
  return beyond ? 'Expected a network whose address has no bits behind its length, or a single address.' : undefined;
}

/**
 * Who an address counts as where nobody may have more than a share: an address of IPv4 for itself, one of IPv6 for the network of 64
 * bits that one host may have whole (RFC 4291 section 2.5.4). What is no address counts for itself.
 */
export function sourceNetwork(address: string): string {
  const bytes = addressBytes(address);
  if (bytes === undefined || mapped.every((byte, at) => byte === bytes[at])) return address;
  return `${bytes
    .slice(0, 8)
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('')}/64`;
}

/** Networks that somebody may come from: `203.0.113.0/24`, `2001:db8::/32`, single addresses. */
export class AddressList {
  readonly #networks: readonly Network[];

  private constructor(networks: readonly Network[]) {
    this.#networks = networks;
  }

  /** The first text that is no network, or the list. */
  static parse(texts: readonly string[]): AddressList | string {
    const networks: Network[] = [];
    for (const text of texts) {
      const network = networkOf(text.trim());
      if (network === undefined) return text;
      networks.push(network);
    }
    return new AddressList(networks);
  }

  /** False for what is no address. */
  has(address: string): boolean {
    const bytes = addressBytes(address.replace(/^\[(.*)\]$/, '$1'));
    return bytes !== undefined && this.#networks.some((network) => contains(network, bytes));
  }
}

function contains({ bytes, bits }: Network, address: readonly number[]): boolean {
  const whole = bits >> 3;
  const mask = (0xff00 >> (bits & 7)) & 255;
  return bytes.slice(0, whole).every((byte, at) => byte === address[at]) && (((bytes[whole] ?? 0) ^ (address[whole] ?? 0)) & mask) === 0;
}
