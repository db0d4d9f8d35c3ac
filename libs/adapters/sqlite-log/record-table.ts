import type { StatementSync } from 'node:sqlite';
import type { LogRecord, StoredRecord } from '#events';
import { HeaderDictionary } from './header-dictionary.ts';
import type { LogDatabase } from './log-database.ts';
import { offsetSpan } from './log-schema.constants.ts';

/** Rows per INSERT: crossing into SQLite costs more than the insert itself. */
const rowsPerInsert = 25;
const columnsPerRow = 6;

/** Rows fetched at once; bounds what a read can fetch in vain when records suddenly grow large. */
const fetchRowsMax = 256;
const firstFetchRows = 32;

const rowPlaceholders = `(${Array(columnsPerRow).fill('?').join(', ')})`;
const insertInto = 'INSERT INTO record (id, recorded_at, key, names, headers, value) VALUES';

type Parameter = string | number;
type Row = readonly [offset: number, recordedAt: number, key: string, names: number, headers: string, value: string, octets: number];

export interface FetchLimits {
  readonly recordsMax: number;
  readonly bytesMax: number;
}

/** The records themselves. */
export class RecordTable {
  readonly headers: HeaderDictionary;
  readonly #insertOne: StatementSync;
  readonly #insertMany: StatementSync;
  readonly #fetch: StatementSync;
  readonly #timeOf: StatementSync;
  readonly #firstId: StatementSync;
  readonly #delete: StatementSync;
  #pending: Parameter[] = [];

  constructor(db: LogDatabase) {
    this.headers = new HeaderDictionary(db);
    this.#insertOne = db.prepare(`${insertInto} ${rowPlaceholders}`);
    this.#insertMany = db.prepare(`${insertInto} ${Array(rowsPerInsert).fill(rowPlaceholders).join(', ')}`);
    this.#fetch = db.prepare(`
      SELECT id - ?, recorded_at, key, names, headers, value, octet_length(key) + octet_length(headers) + octet_length(value)
      FROM record WHERE id >= ? AND id < ? ORDER BY id LIMIT ?`);
    this.#fetch.setReturnArrays(true);
    this.#timeOf = db.prepare('SELECT recorded_at AS time FROM record WHERE id = ?');
    this.#firstId = db.prepare('SELECT id FROM record WHERE id >= ? AND id < ? ORDER BY id LIMIT 1');
    this.#delete = db.prepare('DELETE FROM record WHERE id >= ? AND id < ?');
  }

  /** Takes a record to be inserted; {@link flush} inserts what is left. */
  add(ref: number, offset: number, recordedAt: number, record: LogRecord): void {
    const { names, text } = this.headers.encode(record.headers);
    this.#pending.push(ref * offsetSpan + offset, recordedAt, record.key, names, text, record.value);
    if (this.#pending.length < rowsPerInsert * columnsPerRow) return;
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
    this.headers.forget();
  }

  /** Records of the partition from `from` on and before `end`, as many as the limits allow, at least one if there is one. */
  fetch(ref: number, partition: number, from: number, end: number, limits: FetchLimits): StoredRecord[] {
    const base = ref * offsetSpan;
    const records: StoredRecord[] = [];
    let bytes = 0;
    let wanted = Math.min(firstFetchRows, limits.recordsMax);
    while (wanted > 0 && from + records.length < end) {
      const rows = this.#fetch.all(base, base + from + records.length, base + end, wanted) as unknown as Row[];
      for (const row of rows) {
        bytes += row[6] + this.headers.extraBytes(row[3]);
        if (records.length > 0 && bytes > limits.bytesMax) return records;
        records.push(this.#stored(partition, row));
      }
      if (rows.length < wanted) return records;
      const affordable = Math.max(1, Math.floor(((limits.bytesMax - bytes) * records.length) / bytes));
      wanted = bytes >= limits.bytesMax ? 0 : Math.min(fetchRowsMax, affordable, limits.recordsMax - records.length);
    }
    return records;
  }

  #stored(partition: number, row: Row): StoredRecord {
    return {
      key: row[2],
      headers: this.headers.decode(row[3], row[4]),
      value: row[5],
      partition,
      offset: BigInt(row[0]),
      recordedAt: row[1],
    };
  }

  /** When the log took the record at `offset`; undefined when it is not there. */
  timeOf(ref: number, offset: number): number | undefined {
    return this.#timeOf.get(ref * offsetSpan + offset)?.['time'] as number | undefined;
  }

  /** Deletes up to `rowsMax` of the records before `end`, the oldest first; false when none was left. */
  deleteSome(ref: number, end: number, rowsMax: number): boolean {
    const base = ref * offsetSpan;
    const first = this.#firstId.get(base, base + end)?.['id'] as number | undefined;
    if (first === undefined) return false;
    this.#delete.run(first, Math.min(base + end, first + rowsMax));
    return true;
  }
}
