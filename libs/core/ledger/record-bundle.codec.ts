import { ledgerInvalid } from './ledger.errors.ts';

/** A record in a bundle. */
export interface BundledRecord {
  /** Its place in the partition, on the log that it was read from. */
  readonly offset: bigint;
  /** What its leaf hash is the SHA-256 of: 0x00 and the record's bytes. */
  readonly leafInput: Uint8Array;
}

const headBytes = 12;

/**
 * Up to 256 records, one behind the other. C2SP's entry bundles hold 65,535 bytes of an entry at most, and no offsets;
 * records of ours may have a megabyte.
 *
 *     record = offset (uint64) length (uint32) leafInput (length bytes), big-endian
 */
export function encodeBundle(records: readonly BundledRecord[]): Uint8Array {
  const bytes = new Uint8Array(records.reduce((sum, { leafInput }) => sum + headBytes + leafInput.length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const { offset, leafInput } of records) {
    view.setBigUint64(at, offset);
    view.setUint32(at + 8, leafInput.length);
    bytes.set(leafInput, at + headBytes);
    at += headBytes + leafInput.length;
  }
  return bytes;
}

/** @throws OperatingError `LEDGER_INVALID` when it is cut off or damaged; what came before was given. */
export function* decodeBundle(bytes: Uint8Array): Generator<BundledRecord, void> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length;) {
    const length = at + headBytes <= bytes.length ? view.getUint32(at + 8) : -1;
    const end = at + headBytes + length;
    if (length < 1 || end > bytes.length) throw ledgerInvalid('A bundle of records is cut off.');
    yield { offset: view.getBigUint64(at), leafInput: bytes.subarray(at + headBytes, end) };
    at = end;
  }
}

/** The first `count` records of a bundle. @throws OperatingError `LEDGER_INVALID` */
export function cutBundle(bytes: Uint8Array, count: number): Uint8Array {
  let end = 0;
  let taken = 0;
  for (const { leafInput } of decodeBundle(bytes)) {
    if (taken++ === count) break;
    end += headBytes + leafInput.length;
  }
  return bytes.subarray(0, end);
}
