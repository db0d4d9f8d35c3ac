import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { OperatingError } from '#kernel';
import { applicationId, schema, schemaVersion } from './log-schema.constants.ts';
import { corrupt, translated } from './sqlite-errors.ts';

/** How long opening waits for other processes that open at the same time, ms. */
const openBusyMs = 10_000;

const settings = `
PRAGMA synchronous = FULL;
PRAGMA wal_autocheckpoint = 2000;
PRAGMA journal_size_limit = 67108864;
PRAGMA cache_size = -16000;
PRAGMA temp_store = MEMORY;
PRAGMA trusted_schema = OFF;
`;

/** One connection to the file, its schema checked. Synchronous, as `node:sqlite` is. */
export class LogDatabase {
  readonly path: string;
  readonly #db: DatabaseSync;
  readonly #begin: StatementSync;
  readonly #beginImmediate: StatementSync;
  readonly #commit: StatementSync;
  readonly #rollback: StatementSync;
  readonly #dataVersion: StatementSync;
  #writes = 0;

  /**
   * Opens the file, making it if it is not there.
   * @throws OperatingError `LOG_CORRUPT`, `LOG_TOO_NEW`, `LOG_FULL`, `LOG_UNAVAILABLE`
   */
  constructor(path: string, sizeBytesMax: number | undefined) {
    this.path = path;
    let db: DatabaseSync | undefined;
    try {
      mkdirSync(dirname(path), { recursive: true });
      db = new DatabaseSync(path);
      prepareFile(db, path, sizeBytesMax);
    } catch (error) {
      db?.close();
      if (error instanceof OperatingError) throw error;
      throw translated(error, path);
    }
    this.#db = db;
    this.#begin = db.prepare('BEGIN');
    this.#beginImmediate = db.prepare('BEGIN IMMEDIATE');
    this.#commit = db.prepare('COMMIT');
    this.#rollback = db.prepare('ROLLBACK');
    this.#dataVersion = db.prepare('PRAGMA data_version');
  }

  prepare(sql: string): StatementSync {
    return this.#db.prepare(sql);
  }

  exec(sql: string): void {
    this.#db.exec(sql);
  }

  /** Another one after each commit, by whomever; within a transaction, of what it sees. Only this connection's own values compare. */
  get version(): string {
    return `${this.#dataVersion.get()?.['data_version'] as number}/${this.#writes}`;
  }

  /** Runs `work` on one snapshot of the file. */
  read<T>(work: () => T): T {
    return this.#transaction(this.#begin, work);
  }

  /** Runs `work` as the only writer, at once or not at all (`SQLITE_BUSY`); durable when it returns. */
  write<T>(work: () => T): T {
    this.#writes += 1;
    return this.#transaction(this.#beginImmediate, work);
  }

  #transaction<T>(begin: StatementSync, work: () => T): T {
    begin.run();
    try {
      const result = work();
      this.#commit.run();
      return result;
    } catch (error) {
      // SQLite has rolled back by itself after some errors, a full disk among them.
      if (this.#db.isTransaction) this.#rollback.run();
      throw error;
    }
  }

  close(): void {
    this.#db.close();
  }
}

function pragma(db: DatabaseSync, name: string): number {
  return Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0] as number;
}

function prepareFile(db: DatabaseSync, path: string, sizeBytesMax: number | undefined): void {
  db.exec(`PRAGMA busy_timeout = ${openBusyMs}; PRAGMA page_size = 4096; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; ${settings}`);
  if (sizeBytesMax !== undefined) db.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(sizeBytesMax / pragma(db, 'page_size')))}`);
  // A file that is there needs no write lock to be opened, which a busy log would not give soon.
  if (isEmpty(db, path)) createSchema(db, path);
  // From here on a busy file is waited for without blocking the event loop.
  db.exec('PRAGMA busy_timeout = 0');
}

function createSchema(db: DatabaseSync, path: string): void {
  db.exec('BEGIN IMMEDIATE');
  try {
    // Another process may have been first.
    if (isEmpty(db, path)) db.exec(schema);
    db.exec('COMMIT');
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

/** True for a new file, false for an event log of a schema that we know; anything else is an error. */
function isEmpty(db: DatabaseSync, path: string): boolean {
  const tables = db.prepare('SELECT count(*) AS count FROM sqlite_schema').get()?.['count'];
  const [application, version] = [pragma(db, 'application_id'), pragma(db, 'user_version')];
  if (tables === 0 && application === 0 && version === 0) return true;
  if (application !== applicationId) throw corrupt(path, 'is a database, but not an event log');
  if (version > schemaVersion) {
    throw new OperatingError(
      `The event log ${path} was written by a newer version of Streams (schema ${version}, this one knows ${schemaVersion}). Start that version.`,
      {
        code: 'LOG_TOO_NEW',
        retryable: false,
      },
    );
  }
  return false;
}
