import { DatabaseSync } from 'node:sqlite';
import type { Forger, RawRecord } from './forger.ts';

interface Row {
  readonly recordedAt: number;
  readonly key: string;
  readonly headers: string;
  readonly value: string;
}

class SqliteRecord implements RawRecord {
  readonly row: Row;

  constructor(row: Row) {
    this.row = row;
  }

  alter(from: string, to: string): SqliteRecord {
    const { recordedAt, key, headers, value } = this.row;
    const changed = [key, headers, value].map((text) => text.replaceAll(from, to)) as [string, string, string];
    if (changed.join() === [key, headers, value].join()) throw new Error(`no ${from} in the record`);
    return new SqliteRecord({ recordedAt, key: changed[0], headers: changed[1], value: changed[2] });
  }
}

/** Edits the file of the embedded log, as any SQLite tool can. */
export class SqliteForger implements Forger {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  edit(topic: string, partition: number, change: (records: readonly RawRecord[]) => readonly RawRecord[]): void {
    this.#open((db) => write(db, tableOf(db, topic, partition), change(read(db, tableOf(db, topic, partition))) as readonly SqliteRecord[]));
  }

  swap(topic: string, one: number, other: number): void {
    this.#open((db) => {
      const [a, b] = [tableOf(db, topic, one), tableOf(db, topic, other)];
      const [ofA, ofB] = [read(db, a), read(db, b)];
      write(db, a, ofB);
      write(db, b, ofA);
    });
  }

  #open(work: (db: DatabaseSync) => void): void {
    const db = new DatabaseSync(this.#path);
    try {
      work(db);
    } finally {
      db.close();
    }
  }
}

function tableOf(db: DatabaseSync, topic: string, partition: number): string {
  const row = db.prepare('SELECT ref FROM partition JOIN topic ON topic.id = partition.topic WHERE topic.name = ? AND number = ?').get(topic, partition);
  return `record_${String(row?.['ref'])}`;
}

function read(db: DatabaseSync, table: string): readonly SqliteRecord[] {
  const rows = db
    .prepare(`SELECT recorded_at, key, header_names.names AS names, headers, value FROM ${table} LEFT JOIN header_names ON id = ${table}.names ORDER BY offset`)
    .all();
  return rows.map((row) => {
    const names = row['names'] === null ? undefined : (JSON.parse(String(row['names'])) as string[]);
    const values = String(row['headers']).split('\u001f');
    const headers = names === undefined ? String(row['headers']) : JSON.stringify(Object.fromEntries(names.map((name, at) => [name, values[at]])));
    return new SqliteRecord({ recordedAt: Number(row['recorded_at']), key: String(row['key']), headers, value: String(row['value']) });
  });
}

function write(db: DatabaseSync, table: string, records: readonly SqliteRecord[]): void {
  db.exec(`DELETE FROM ${table}`);
  const insert = db.prepare(`INSERT INTO ${table} (offset, recorded_at, key, names, headers, value) VALUES (?, ?, ?, 0, ?, ?)`);
  for (const [offset, { row }] of records.entries()) insert.run(offset, row.recordedAt, row.key, row.headers, row.value);
}
