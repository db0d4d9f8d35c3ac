import { base32 } from 'multiformats/bases/base32';
import { CID } from 'multiformats/cid';
import * as raw from 'multiformats/codecs/raw';
import { create } from 'multiformats/hashes/digest';

/** Multicodec code of SHA-256. */
const sha256Code = 0x12;

/** The CID of a blob whose SHA-256 is given: version 1, raw codec, base32. */
export function blobCid(sha256: Uint8Array): string {
  return CID.createV1(raw.code, create(sha256Code, sha256)).toString(base32);
}

/** The SHA-256 within a blob's CID; undefined when the text is not such a CID in its one canonical spelling. */
export function blobDigest(cid: string): Uint8Array | undefined {
  if (!/^b[a-z2-7]{58}$/.test(cid)) return undefined;
  try {
    const parsed = CID.parse(cid, base32);
    const { code, digest } = parsed.multihash;
    if (parsed.version !== 1 || parsed.code !== raw.code || code !== sha256Code || digest.length !== 32) return undefined;
    return parsed.toString(base32) === cid ? digest : undefined;
  } catch {
    return undefined;
  }
}
