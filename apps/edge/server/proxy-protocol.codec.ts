/**
 * The PROXY protocol of HAProxy, version 1 (a line) and 2 (binary): what a load balancer says ahead of a connection about who
 * is behind it (proxy-protocol.txt, sections 2.1 and 2.2).
 */
export type ProxyHeader =
  /** Not all of it has come. */
  | { readonly kind: 'more' }
  | { readonly kind: 'invalid'; readonly detail: string }
  /** The bytes that the header takes; `client` is undefined for the balancer's own probes and for what is no TCP. */
  | { readonly kind: 'header'; readonly length: number; readonly client: string | undefined };

const signature = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a];
const firstWord = [...'PROXY '].map((char) => char.charCodeAt(0));
/** Section 2.1: the longest line, with its end. */
const lineBytesMax = 107;
/** Addresses and type-length-values of version 2. */
const bodyBytesMax = 2048;

const more: ProxyHeader = { kind: 'more' };
const invalid = (detail: string): ProxyHeader => ({ kind: 'invalid', detail });

function begins(bytes: Uint8Array, with_: readonly number[]): boolean {
  return with_.every((byte, at) => at >= bytes.length || bytes[at] === byte);
}

export function readProxyHeader(bytes: Uint8Array): ProxyHeader {
  if (bytes.length === 0) return more;
  if (begins(bytes, signature)) return bytes.length < 16 ? more : binary(bytes);
  if (begins(bytes, firstWord)) return line(bytes);
  return invalid('It does not begin with the PROXY protocol.');
}

const octet = /^(?:0|[1-9]\d{0,2})$/;

function isIpv4(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => octet.test(part) && Number(part) <= 255);
}

/** Near enough: what the kernel gave the balancer, not what a person typed. */
function isIpv6(text: string): boolean {
  return text.length <= 39 && text.includes(':') && /^[0-9A-Fa-f:]+$/.test(text);
}

function isPort(text: string): boolean {
  return /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535;
}

function line(bytes: Uint8Array): ProxyHeader {
  const end = bytes.indexOf(0x0a);
  if (end < 0) return bytes.length >= lineBytesMax ? invalid('Its line has no end.') : more;
  if (end >= lineBytesMax || bytes[end - 1] !== 0x0d) return invalid('Its line does not end as it should.');
  const text = String.fromCharCode(...bytes.subarray(0, end - 1));
  const [, family, source = '', destination = '', sourcePort = '', destinationPort = '', ...rest] = text.split(' ');
  // Section 2.1: what follows UNKNOWN is ignored.
  if (family === 'UNKNOWN') return { kind: 'header', length: end + 1, client: undefined };
  const isAddress = family === 'TCP4' ? isIpv4 : family === 'TCP6' ? isIpv6 : undefined;
  const fits = isAddress?.(source) === true && isAddress(destination) && isPort(sourcePort) && isPort(destinationPort) && rest.length === 0;
  return fits ? { kind: 'header', length: end + 1, client: source } : invalid('Its line names no two addresses.');
}

function binary(bytes: Uint8Array): ProxyHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [command, family, size] = [view.getUint8(12), view.getUint8(13), view.getUint16(14)];
  if (command >> 4 !== 2) return invalid('It is of another version than 1 or 2.');
  if (size > bodyBytesMax) return invalid('Its header is too long.');
  const length = 16 + size;
  if (bytes.length < length) return more;
  // LOCAL: the balancer speaks for itself.
  if ((command & 0x0f) === 0) return { kind: 'header', length, client: undefined };
  if ((command & 0x0f) !== 1) return invalid('Its command is neither LOCAL nor PROXY.');
  if (family === 0x11)
    return size < 12 ? invalid('It has no room for its addresses.') : { kind: 'header', length, client: [...bytes.subarray(16, 20)].join('.') };
  if (family === 0x21) return size < 36 ? invalid('It has no room for its addresses.') : { kind: 'header', length, client: ipv6At(view, 16) };
  return { kind: 'header', length, client: undefined };
}

function ipv6At(view: DataView, at: number): string {
  return Array.from({ length: 8 }, (_none, group) => view.getUint16(at + 2 * group).toString(16)).join(':');
}
