import { hashRecord, recordText, type LedgerHash } from '#core/ledger';
import { asWritten, type LogRecord } from '#events';

/**
 * Writes the leaf hash of a record. There is no other way from a record of the log to its leaf: of one that came straight
 * onto Kafka it is what its writer wrote that counts, not what a reader adds by its settings, wherever it was kept since.
 */
export function hashLeaf(record: LogRecord, hash: LedgerHash, out: Uint8Array, at = 0): void {
  hashRecord(asWritten(record), hash, out, at);
}

/** What the leaf hash of a record is the SHA-256 of, as bundles hold it. */
export function leafInput(record: LogRecord, hash: LedgerHash): Uint8Array {
  return new TextEncoder().encode(`\0${recordText(asWritten(record), hash)}`);
}
