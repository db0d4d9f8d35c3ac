/** A record as it lies on the disk. Immutable. */
export interface RawRecord {
  /** The record with one of its texts replaced by another of the same length, wherever it stands in it. */
  alter(from: string, to: string): RawRecord;
}

/** Somebody who has the disk of the log, and edits what is on it while nobody runs. */
export interface Forger {
  /** Replaces all records of a partition by others. */
  edit(topic: string, partition: number, change: (records: readonly RawRecord[]) => readonly RawRecord[]): void;
  /** Makes each of two partitions the other. */
  swap(topic: string, one: number, other: number): void;
}
