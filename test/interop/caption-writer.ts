/** Caption pairs and their messages, written after CTA-608 and CTA-708 and independently of what reads them. */

export type Pair = readonly [kind: number, first: number, second: number];

const parity = (byte: number): number => {
  let ones = 0;
  for (let bits = byte; bits > 0; bits >>= 1) ones += bits & 1;
  return ones % 2 === 0 ? byte | 0x80 : byte;
};

/** Pairs of CEA-608; `channel` 1 to 4. */
export class LineWriter {
  readonly pairs: Pair[] = [];
  readonly #field: number;
  readonly #bit: number;

  constructor(channel = 1) {
    this.#field = channel > 2 ? 1 : 0;
    this.#bit = channel % 2 === 0 ? 0x08 : 0;
  }

  pair(first: number, second: number): this {
    this.pairs.push([this.#field, parity(first), parity(second)]);
    return this;
  }

  /** Control codes are sent twice. */
  code(first: number, second: number): this {
    return this.pair(first | this.#bit, second).pair(first | this.#bit, second);
  }

  command(second: number): this {
    return this.code(0x14 | this.#field, second);
  }

  /** @param row 14 or 15 */
  row(row: 14 | 15, style = 0x10): this {
    return this.code(0x14, (row === 15 ? 0x60 : 0x40) | style);
  }

  text(text: string): this {
    const bytes = [...text].map((letter) => letter.charCodeAt(0));
    for (let i = 0; i < bytes.length; i += 2) this.pair(bytes[i] as number, bytes[i + 1] ?? 0);
    return this;
  }

  popOn(...lines: readonly string[]): this {
    this.command(0x20).command(0x2e);
    lines.forEach((line, at) => this.row(at === lines.length - 1 ? 15 : 14).text(line));
    return this.command(0x2f);
  }

  rollUp(line: string, depth = 2): this {
    return this.command(0x23 + depth)
      .command(0x2d)
      .row(15)
      .text(line);
  }
}

/** A packet of CEA-708 with one service block. */
export function servicePacket(bytes: readonly number[], { sequence = 0, service = 1 } = {}): Pair[] {
  const packet = [0, (service << 5) | bytes.length, ...bytes];
  if (packet.length % 2 === 1) packet.push(0);
  packet[0] = (sequence << 6) | (packet.length / 2);
  return Array.from({ length: packet.length / 2 }, (_, at) => [at === 0 ? 3 : 2, packet[at * 2] as number, packet[at * 2 + 1] as number] as const);
}

/** DefineWindow 0 with two rows at the bottom, visible. */
export const defineWindow = [0x98, 0x20, 0x80 | 100, 50, 0x71, 31, 0x09] as const;

export function bytesOf(pairs: readonly Pair[]): Uint8Array {
  return Uint8Array.from(pairs.flat());
}

/** A message as encoders put it before a picture: NAL unit with its length of four bytes. */
export function captionUnit(pairs: readonly Pair[], codec: 'avc' | 'hevc' = 'avc'): Uint8Array {
  const data = [0xb5, 0, 0x31, ...Buffer.from('GA94'), 3, 0x40 | pairs.length, 0xff, ...pairs.flatMap(([kind, one, other]) => [0xfc | kind, one, other]), 0xff];
  const head = codec === 'avc' ? [6] : [39 << 1, 1];
  const sizes = [...Array.from({ length: Math.floor(data.length / 255) }, () => 255), data.length % 255];
  const nal = [...head, ...escaped([4, ...sizes, ...data, 0x80])];
  return Uint8Array.from([0, 0, nal.length >> 8, nal.length & 255, ...nal]);
}

function escaped(bytes: readonly number[]): number[] {
  const out: number[] = [];
  let zeros = 0;
  for (const byte of bytes) {
    if (zeros >= 2 && byte <= 3) {
      out.push(3);
      zeros = 0;
    }
    zeros = byte === 0 ? zeros + 1 : 0;
    out.push(byte);
  }
  return out;
}
