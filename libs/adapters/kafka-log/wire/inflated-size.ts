/** What zlib says when there is more to come than it may give. */
const tooLargeCode = 'ERR_BUFFER_TOO_LARGE';
const xerialMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const xerialHeaderBytes = 16;

/** True for the failure of a decompression that was given too little room. */
export function isTooLarge(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === tooLargeCode;
}

/**
 * How long what was compressed by snappy says to be: each block begins with it, as a varint, and decoders hold it to that. In
 * xerial's framing, which Java's clients write, blocks follow one another behind their lengths.
 */
export function snappySize(bytes: Buffer): number {
  if (!bytes.subarray(0, xerialMagic.length).equals(xerialMagic)) return snappyBlockSize(bytes, 0);
  let size = 0;
  for (let at = xerialHeaderBytes; at + 4 <= bytes.length; at += 4 + bytes.readUInt32BE(at)) size += snappyBlockSize(bytes, at + 4);
  return size;
}

function snappyBlockSize(bytes: Buffer, start: number): number {
  let size = 0;
  for (let [at, scale] = [start, 1]; at < Math.min(start + 5, bytes.length); at++, scale *= 128) {
    const byte = bytes[at] as number;
    size += (byte & 0x7f) * scale;
    if (byte < 0x80) break;
  }
  return size;
}

/** LZ4 frame format 1.6.1: magic number, flags, block size, optional sizes, checksum of the header. */
const frameStart = 4;
const flag = { contentSize: 0x08, dictionary: 0x01, blockChecksum: 0x10 } as const;
const storedBlock = 0x80000000;

/**
 * How long what was compressed by LZ4 becomes, found out by walking through it without making it. What is no frame has no
 * length here, and its decoder says what is wrong.
 * @param sizeMax beyond which nobody needs to know more
 */
export function lz4Size(bytes: Buffer, sizeMax: number): number {
  if (bytes.length < frameStart + 3) return 0;
  const flags = bytes[frameStart] as number;
  let at = frameStart + 3 + (flags & flag.contentSize ? 8 : 0) + (flags & flag.dictionary ? 4 : 0);
  let size = 0;
  while (at + 4 <= bytes.length && size <= sizeMax) {
    const word = bytes.readUInt32LE(at);
    const length = word % storedBlock;
    if (length === 0) break;
    const end = Math.min(at + 4 + length, bytes.length);
    size += word >= storedBlock ? length : lz4BlockSize(bytes, at + 4, end);
    at = end + (flags & flag.blockChecksum ? 4 : 0);
  }
  return size;
}

/** LZ4 block format: sequences of a token, literals, and a match of which only the length matters here. */
function lz4BlockSize(bytes: Buffer, start: number, end: number): number {
  let size = 0;
  for (let at = start; at < end;) {
    const token = bytes[at++] as number;
    let literals = token >> 4;
    if (literals === 15) for (let more = 255; more === 255 && at < end; literals += more) more = bytes[at++] as number;
    at += literals;
    size += literals;
    if (at >= end) break;
    at += 2;
    let match = (token & 15) + 4;
    if ((token & 15) === 15) for (let more = 255; more === 255 && at < end; match += more) more = bytes[at++] as number;
    size += match;
  }
  return size;
}
