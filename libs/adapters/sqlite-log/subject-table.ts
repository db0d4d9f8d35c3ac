import type { StatementSync } from 'node:sqlite';
import type { ExpectedVersion } from '#ports';
import type { LogDatabase } from './log-database.ts';

/** Versions of the subjects that were appended to optimistically. */
export class SubjectTable {
  readonly #find: StatementSync;
  readonly #set: StatementSync;
  readonly #all: StatementSync;
  readonly #forget: StatementSync;

  constructor(db: LogDatabase) {
    this.#find = db.prepare('SELECT version FROM subject WHERE topic = ? AND name = ?');
    this.#find.setReadBigInts(true);
    this.#set = db.prepare('INSERT INTO subject (topic, name, version) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET version = excluded.version');
    this.#all = db.prepare('SELECT name, version FROM subject WHERE topic = ?');
    this.#all.setReadBigInts(true);
    this.#forget = db.prepare('DELETE FROM subject WHERE topic = ?');
  }

  version(topic: number, name: string): bigint {
    return (this.#find.get(topic, name)?.['version'] as bigint | undefined) ?? 0n;
  }

  set(topic: number, name: string, version: bigint): void {
    this.#set.run(topic, name, version);
  }

  all(topic: number): readonly ExpectedVersion[] {
    return this.#all.all(topic).map((row) => ({ subject: row['name'] as string, version: row['version'] as bigint }));
  }

  /** Within a write transaction: these, and no others. */
  replace(topic: number, versions: readonly ExpectedVersion[]): void {
    this.#forget.run(topic);
    for (const { subject, version } of versions) this.set(topic, subject, version);
  }
}
