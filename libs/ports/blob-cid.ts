import { base32 } from 'multiformats/bases/base32';

/** Version 1, raw codec, SHA-256 of 32 bytes: what every CID of a blob begins with. */
const head = Uint8Array.of(0x01, 0x55, 0x12, 0x20);
const digestBytes = 32;

/** The CID of a blob whose SHA-256 is given: version 1, raw codec, base32. */
export function blobCid(sha256: Uint8Array): string {
  const bytes = new Uint8Array(head.length + digestBytes);
  bytes.set(head);
  bytes.set(sha256, head.length);
  return base32.encode(bytes);
}

/** The SHA-256 within a blob's CID; undefined when the text is not such a CID in its one canonical spelling. */
export function blobDigest(cid: string): Uint8Array | undefined {
  if (!/^b[a-z2-7]{58}$/.test(cid)) return undefined;
  try {
    // Bits behind the last byte that are not zero are an error.
    const bytes = base32.decode(cid);
    const isBlob = bytes.length === head.length + digestBytes && head.every((byte, at) => bytes[at] === byte);
    return isBlob ? bytes.subarray(head.length) : undefined;
  } catch {
    return undefined;
  }
}
