import type { Checksum } from './checksum.types.ts';

/**
 * A frame of a journal, little-endian:
 *
 *   0  magic   4  length of payload   8  checksum of kind and payload   12  kind   13  payload
 */
const magic = 0x31_4a_45_ab;
const prefixBytes = 13;
/** No writer makes a larger one: what claims to be is no frame. */
export const framePayloadMax = 64 * 1024 * 1024;

export function encodeFrame(kind: number, payload: Uint8Array, checksum: Checksum): Uint8Array {
  const bytes = new Uint8Array(prefixBytes + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, magic, true);
  view.setUint32(4, payload.length, true);
  bytes[12] = kind;
  bytes.set(payload, prefixBytes);
  view.setUint32(8, checksum(bytes.subarray(12)), true);
  return bytes;
}

/** The end of the frame at `at`; undefined when there is no whole one. */
function frameEnd(bytes: Uint8Array, view: DataView, at: number, checksum: Checksum): number | undefined {
  if (at + prefixBytes > bytes.length || view.getUint32(at, true) !== magic) return undefined;
  const length = view.getUint32(at + 4, true);
  const end = at + prefixBytes + length;
  if (length > framePayloadMax || end > bytes.length) return undefined;
  return checksum(bytes.subarray(at + 12, end)) === view.getUint32(at + 8, true) ? end : undefined;
}

/**
 * Reads frames up to the first that is not whole.
 * `torn`: a writer was stopped in the middle of the last one. `damaged`: whole frames come behind what is not one, so
 * that what was lost may have been promised to somebody.
 */
export function readFrames(bytes: Uint8Array, checksum: Checksum, onFrame: (kind: number, payload: Uint8Array) => void): 'whole' | 'torn' | 'damaged' {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  while (at < bytes.length) {
    const end = frameEnd(bytes, view, at, checksum);
    if (end === undefined) return hasFrameBehind(bytes, view, at + 1, checksum) ? 'damaged' : 'torn';
    onFrame(bytes[at + 12] as number, bytes.subarray(at + prefixBytes, end));
    at = end;
  }
  return 'whole';
}

function hasFrameBehind(bytes: Uint8Array, view: DataView, from: number, checksum: Checksum): boolean {
  for (let at = bytes.indexOf(magic & 0xff, from); at >= 0; at = bytes.indexOf(magic & 0xff, at + 1)) {
    if (frameEnd(bytes, view, at, checksum) !== undefined) return true;
  }
  return false;
}
