import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { LogRecord } from '#events';
import { partitionOf } from '#kernel';
import { sampleRecords } from './records.ts';

const batchSize = 1000;
const partitions = 12;

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
    this.#db.exec('CREATE TABLE record (partition INTEGER, offset INTEGER, recorded_at INTEGER, key TEXT, headers TEXT, value TEXT, PRIMARY KEY (partition, offset))');
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

  /** Reads everything; answers how many records there were. */
  replay(): number {
    let count = 0;
    for (let partition = 0; partition < partitions; partition++) {
      for (let from = 0; ; ) {
        const rows = this.#select.all(partition, from, batchSize);
        for (const row of rows) row['headers'] = JSON.parse(row['headers'] as string);
        count += rows.length;
        from += rows.length;
        if (rows.length < batchSize) break;
      }
    }
    return count;
  }

  close(): void {
    this.#db.close();
  }
}

export interface Rates {
  readonly batch: number;
  readonly single: number;
}

function perSecond(count: number, work: () => void): number {
  const started = performance.now();
  work();
  return (count / (performance.now() - started)) * 1000;
}

export function measureBare(log: BareLog, batched: number, single: number): Rates & { readonly replay: number } {
  const batches = Array.from({ length: batched / batchSize }, (_, at) => sampleRecords(batchSize, at * batchSize));
  const batch = perSecond(batched, () => batches.forEach((records) => log.append(records)));
  const one = sampleRecords(single);
  const alone = perSecond(single, () => one.forEach((record) => log.append([record])));
  const replay = perSecond(batched + single, () => {
    if (log.replay() !== batched + single) throw new Error('bare node:sqlite lost records');
  });
  log.close();
  return { batch, single: alone, replay };
}
