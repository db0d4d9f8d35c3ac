import { randomUUID } from 'node:crypto';
import type { LogDatabase } from './log-database.ts';

/** The file's id; undefined where nobody has asked for it yet. Files of older versions have no table for it. */
export function readLogId(db: LogDatabase): string | undefined {
  if (db.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'log_id'").get() === undefined) return undefined;
  return db.prepare('SELECT id FROM log_id').get()?.['id'] as string | undefined;
}

/** Within a write transaction: the id, made unless another process was first. */
export function makeLogId(db: LogDatabase): string {
  const known = readLogId(db);
  if (known !== undefined) return known;
  const id = randomUUID();
  db.exec('CREATE TABLE IF NOT EXISTS log_id (one INTEGER PRIMARY KEY CHECK (one = 1), id TEXT NOT NULL) STRICT');
  db.prepare('INSERT INTO log_id (one, id) VALUES (1, ?)').run(id);
  return id;
}
