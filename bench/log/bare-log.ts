import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { LogRecord } from '#events';
import { partitionOf } from '#kernel';

export const batchSize = 1000;
export const partitions = 12;

/**
 * The peer: what a careful program would do with `node:sqlite` and nothing else. The same journal, the same durability,
 * a row per record with the headers as JSON, one prepared statement, one transaction per batch.
 */
export class BareLog {
  readonly #db: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #select: StatementSync;
  readonly #next = Array<number>(partitions).fill(0);

  constructor(path: string) {
    this.#db = new DatabaseSync(path);
    this.#db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -16000');
    this.#db.exec(
      'CREATE TABLE record (partition INTEGER, offset INTEGER, recorded_at INTEGER, key TEXT, headers TEXT, value TEXT, PRIMARY KEY (partition, offset))',
    );
    this.#insert = this.#db.prepare('INSERT INTO record VALUES (?, ?, ?, ?, ?, ?)');
    this.#select = this.#db.prepare('SELECT * FROM record WHERE partition = ? AND offset >= ? ORDER BY offset LIMIT ?');
  }

  append(records: readonly LogRecord[]): void {
    this.#db.exec('BEGIN IMMEDIATE');
    for (const { key, headers, value } of records) {
      const partition = partitionOf(key, partitions);
      const offset = this.#next[partition] as number;
      this.#next[partition] = offset + 1;
      this.#insert.run(partition, offset, Date.now(), key, JSON.stringify(headers), value);
    }
    this.#db.exec('COMMIT');
  }

  /** Reads a partition from the start; answers how many records there were. */
  replay(partition: number): number {
    for (let from = 0; ;) {
      const rows = this.#select.all(partition, from, batchSize);
      for (const row of rows) row['headers'] = JSON.parse(row['headers'] as string);
      from += rows.length;
      if (rows.length < batchSize) return from;
    }
  }

  close(): void {
    this.#db.close();
  }
}
