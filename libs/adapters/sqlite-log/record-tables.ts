import type { LogRecord } from '#events';
import { HeaderDictionary } from './header-dictionary.ts';
import type { LogDatabase } from './log-database.ts';
import { PartitionRecords } from './partition-records.ts';

/** The records of all partitions. */
export class RecordTables {
  readonly #db: LogDatabase;
  readonly #headers: HeaderDictionary;
  readonly #partitions = new Map<number, PartitionRecords>();

  constructor(db: LogDatabase) {
    this.#db = db;
    this.#headers = new HeaderDictionary(db);
  }

  /** The partition's table must exist. */
  of(ref: number): PartitionRecords {
    const known = this.#partitions.get(ref);
    if (known !== undefined) return known;
    const records = new PartitionRecords(this.#db, ref, this.#headers);
    this.#partitions.set(ref, records);
    return records;
  }

  /** Within a write transaction; {@link PartitionRecords.flush} ends it. */
  add(ref: number, offset: number, recordedAt: number, record: LogRecord): void {
    const { names, text } = this.#headers.encode(record.headers);
    this.of(ref).add(offset, recordedAt, record.key, names, text, record.value);
  }

  /** After a rollback: nothing is pending, and header names that were given ids have none. */
  forget(): void {
    for (const partition of this.#partitions.values()) partition.forget();
    this.#headers.forget();
  }
}
