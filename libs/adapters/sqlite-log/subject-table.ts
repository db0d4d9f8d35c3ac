import type { StatementSync } from 'node:sqlite';
import type { LogDatabase } from './log-database.ts';

/** Versions of the subjects that were appended to optimistically. */
export class SubjectTable {
  readonly #find: StatementSync;
  readonly #set: StatementSync;

  constructor(db: LogDatabase) {
    this.#find = db.prepare('SELECT version FROM subject WHERE topic = ? AND name = ?');
    this.#find.setReadBigInts(true);
    this.#set = db.prepare('INSERT INTO subject (topic, name, version) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET version = excluded.version');
  }

  version(topic: number, name: string): bigint {
    return (this.#find.get(topic, name)?.['version'] as bigint | undefined) ?? 0n;
  }

  set(topic: number, name: string, version: bigint): void {
    this.#set.run(topic, name, version);
  }
}
