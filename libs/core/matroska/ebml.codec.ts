/** Element ids of Matroska (RFC 9559 section 5) and EBML (RFC 8794 section 11.2), as they stand in the bytes. */
export const element = {
  ebml: 0x1a45dfa3,
  docType: 0x4282,
  docTypeVersion: 0x4287,
  docTypeReadVersion: 0x4285,
  segment: 0x18538067,
  info: 0x1549a966,
  timestampScale: 0x2ad7b1,
  muxingApp: 0x4d80,
  writingApp: 0x5741,
  tracks: 0x1654ae6b,
  trackEntry: 0xae,
  trackNumber: 0xd7,
  trackUid: 0x73c5,
  trackType: 0x83,
  flagLacing: 0x9c,
  codecId: 0x86,
  codecPrivate: 0x63a2,
  video: 0xe0,
  pixelWidth: 0xb0,
  pixelHeight: 0xba,
  audio: 0xe1,
  samplingFrequency: 0xb5,
  channels: 0x9f,
  cluster: 0x1f43b675,
  timestamp: 0xe7,
  simpleBlock: 0xa3,
} as const;

/** The size of an element whose end is not known when it begins: it lasts until something that cannot be inside it. */
export const unknownSize = Uint8Array.of(0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff);

const encoder = new TextEncoder();

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** A whole number in as few bytes as it needs, big-endian, at least one. */
export function uintBytes(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; bytes.length === 0 || rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Uint8Array.from(bytes);
}

/** RFC 8794 section 4.4, in four bytes: up to 256 MB. */
function size(length: number): Uint8Array {
  return Uint8Array.of(0x10 | (length >>> 24), length >>> 16, length >>> 8, length);
}

export function master(id: number, ...children: readonly Uint8Array[]): Uint8Array {
  return bytesElement(id, concat(children));
}

export function bytesElement(id: number, payload: Uint8Array): Uint8Array {
  return concat([uintBytes(id), size(payload.length), payload]);
}

export function uintElement(id: number, value: number): Uint8Array {
  return bytesElement(id, uintBytes(value));
}

export function textElement(id: number, value: string): Uint8Array {
  return bytesElement(id, encoder.encode(value));
}

export function floatElement(id: number, value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value);
  return bytesElement(id, bytes);
}
