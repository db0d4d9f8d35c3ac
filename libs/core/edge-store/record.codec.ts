import type { Checksum } from './checksum.types.ts';

/**
 * A record in a segment file: a prefix of 20 bytes, then the head (whose meaning is its writer's), then the body.
 *
 *   0  magic             4  checksum of bytes 8 to the end of the head
 *   8  length of head   12  length of body   16  checksum of the body
 *
 * All little-endian. Whatever is read at a place where another record lies by now, or half a one, or nothing, fails a check.
 */
const magic = 0x53_54_52_31;
export const recordPrefixBytes = 20;

export interface RecordParts {
  readonly head: Uint8Array;
  readonly body: Uint8Array;
}

export function recordBytes({ body, head }: RecordParts): number {
  return recordPrefixBytes + head.length + body.length;
}

/** Writes a record into `into` at `at`. */
export function encodeRecord({ body, head }: RecordParts, into: Uint8Array, at: number, checksum: Checksum): void {
  const view = new DataView(into.buffer, into.byteOffset + at);
  view.setUint32(0, magic, true);
  view.setUint32(8, head.length, true);
  view.setUint32(12, body.length, true);
  view.setUint32(16, checksum(body), true);
  into.set(head, at + recordPrefixBytes);
  into.set(body, at + recordPrefixBytes + head.length);
  view.setUint32(4, checksum(into.subarray(at + 8, at + recordPrefixBytes + head.length)), true);
}

/** What was read, and found as it was written. */
export interface ReadRecord extends RecordParts {
  /** The checksum of the head, the lengths of both included. */
  readonly headSum: number;
}

/** The parts of a record that fills `bytes`; undefined when anything about it is not as it was written. */
export function decodeRecord(bytes: Uint8Array, checksum: Checksum): ReadRecord | undefined {
  if (bytes.length < recordPrefixBytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const headEnd = recordPrefixBytes + view.getUint32(8, true);
  if (view.getUint32(0, true) !== magic || headEnd + view.getUint32(12, true) !== bytes.length) return undefined;
  const headSum = view.getUint32(4, true);
  if (checksum(bytes.subarray(8, headEnd)) !== headSum) return undefined;
  const body = bytes.subarray(headEnd);
  return checksum(body) === view.getUint32(16, true) ? { head: bytes.subarray(recordPrefixBytes, headEnd), body, headSum } : undefined;
}
