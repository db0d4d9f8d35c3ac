/** What a box is made of: bytes as they are, or a few numbers below 256. */
export type BoxPart = Uint8Array | readonly number[];

/** A box with its header, ISO/IEC 14496-12 section 4.2. */
export function box(type: string, ...parts: readonly BoxPart[]): Uint8Array {
  const bytes = new Uint8Array(8 + parts.reduce((sum, part) => sum + part.length, 0));
  bytes.set(uint32(bytes.length));
  for (let i = 0; i < 4; i++) bytes[4 + i] = type.charCodeAt(i);
  let at = 8;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** A box with version and flags. */
export function fullBox(type: string, version: number, flags: number, ...parts: readonly BoxPart[]): Uint8Array {
  return box(type, uint32(version * 0x1000000 + flags), ...parts);
}

export function uint16(value: number): readonly number[] {
  return [(value >>> 8) & 0xff, value & 0xff];
}

export function uint32(value: number): readonly number[] {
  return [(value >>> 24) & 0xff, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];
}

export function zeros(count: number): Uint8Array {
  return new Uint8Array(count);
}

export function ascii(text: string): readonly number[] {
  return [...text].map((one) => one.charCodeAt(0));
}
