import type { StatementSync } from 'node:sqlite';
import type { StoredRecord } from '#events';
import type { HeaderDictionary } from './header-dictionary.ts';
import type { LogDatabase } from './log-database.ts';
import { RecentRecords, type FetchLimits, type MeasuredRecord } from './recent-records.ts';
import { recordTableOf } from './log-schema.constants.ts';

/** Rows per INSERT: crossing into SQLite costs more than the insert itself. */
const rowsPerInsert = 25;
const columnsPerRow = 6;
const placeholders = `(${Array(columnsPerRow).fill('?').join(', ')})`;

/** Rows fetched at once; bounds what a read can fetch in vain when records suddenly grow large. */
const fetchRowsMax = 256;
const firstFetchRows = 32;

type Parameter = string | number;
type Row = readonly [offset: number, recordedAt: number, key: string, names: number, headers: string, value: string, octets: number];

export interface LastRecord {
  readonly offset: number;
  readonly recordedAt: number;
}

/**
 * The records of one partition, in a table of their own: appends go to its right edge, where SQLite fills pages
 * completely and moves nothing, and a replay reads neighbouring pages.
 */
export class PartitionRecords {
  readonly recent = new RecentRecords();
  readonly #headers: HeaderDictionary;
  readonly #prepare: (sql: string) => StatementSync;
  readonly #insertOne: StatementSync;
  /** Prepared when it is needed: most processes only read. */
  #insertMany: StatementSync | undefined;
  readonly #insertManySql: string;
  readonly #fetch: StatementSync;
  readonly #timeOf: StatementSync;
  readonly #last: StatementSync;
  readonly #first: StatementSync;
  readonly #delete: StatementSync;
  #pending: Parameter[] = [];

  constructor(db: LogDatabase, ref: number, headers: HeaderDictionary) {
    const table = recordTableOf(ref);
    const insertInto = `INSERT INTO ${table} (offset, recorded_at, key, names, headers, value) VALUES`;
    this.#headers = headers;
    this.#prepare = (sql) => db.prepare(sql);
    this.#insertOne = db.prepare(`${insertInto} ${placeholders}`);
    this.#insertManySql = `${insertInto} ${Array(rowsPerInsert).fill(placeholders).join(', ')}`;
    this.#fetch = db.prepare(`
      SELECT offset, recorded_at, key, names, headers, value, octet_length(key) + octet_length(headers) + octet_length(value)
      FROM ${table} WHERE offset >= ? AND offset < ? ORDER BY offset LIMIT ?`);
    this.#fetch.setReturnArrays(true);
    this.#timeOf = db.prepare(`SELECT recorded_at AS time FROM ${table} WHERE offset = ?`);
    this.#last = db.prepare(`SELECT offset, recorded_at AS recordedAt FROM ${table} ORDER BY offset DESC LIMIT 1`);
    this.#first = db.prepare(`SELECT offset FROM ${table} ORDER BY offset LIMIT 1`);
    this.#delete = db.prepare(`DELETE FROM ${table} WHERE offset < ?`);
  }

  /** Takes an encoded record to be inserted; {@link flush} inserts what is left. */
  add(offset: number, recordedAt: number, key: string, names: number, headers: string, value: string): void {
    this.#pending.push(offset, recordedAt, key, names, headers, value);
    if (this.#pending.length < rowsPerInsert * columnsPerRow) return;
    this.#insertMany ??= this.#prepare(this.#insertManySql);
    this.#insertMany.run(...this.#pending);
    this.#pending = [];
  }

  flush(): void {
    for (let at = 0; at < this.#pending.length; at += columnsPerRow) this.#insertOne.run(...this.#pending.slice(at, at + columnsPerRow));
    this.#pending = [];
  }

  /** After a rollback. */
  forget(): void {
    this.#pending = [];
  }

  /** Records from `from` on and before `end`, as many as the limits allow, at least one if there is one. */
  fetch(partition: number, from: number, end: number, limits: FetchLimits): MeasuredRecord[] {
    const records: MeasuredRecord[] = [];
    let bytes = 0;
    let wanted = Math.min(firstFetchRows, limits.recordsMax);
    while (wanted > 0 && from + records.length < end) {
      const rows = this.#fetch.all(from + records.length, end, wanted) as unknown as Row[];
      for (const row of rows) {
        const octets = row[6] + this.#headers.extraBytes(row[3]);
        bytes += octets;
        if (records.length > 0 && bytes > limits.bytesMax) return records;
        records.push({ record: this.#stored(partition, row), octets });
      }
      if (rows.length < wanted) return records;
      const affordable = Math.max(1, Math.floor(((limits.bytesMax - bytes) * records.length) / bytes));
      wanted = bytes >= limits.bytesMax ? 0 : Math.min(fetchRowsMax, affordable, limits.recordsMax - records.length);
    }
    return records;
  }

  #stored(partition: number, row: Row): StoredRecord {
    return { key: row[2], headers: this.#headers.decode(row[3], row[4]), value: row[5], partition, offset: BigInt(row[0]), recordedAt: row[1] };
  }

  last(): LastRecord | undefined {
    return this.#last.get() as unknown as LastRecord | undefined;
  }

  /** When the log took the record at `offset`; undefined when it is not there. */
  timeOf(offset: number): number | undefined {
    return this.#timeOf.get(offset)?.['time'] as number | undefined;
  }

  /** Deletes up to `rowsMax` of the records before `end`, the oldest first; false when none was left. */
  deleteSome(end: number, rowsMax: number): boolean {
    const first = this.#first.get()?.['offset'] as number | undefined;
    if (first === undefined || first >= end) return false;
    this.#delete.run(Math.min(end, first + rowsMax));
    return true;
  }
}
