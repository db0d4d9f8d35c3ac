import { statSync } from 'node:fs';
import type { LogDatabase } from './log-database.ts';

/** Commits between two looks at the file. */
const commitsPerLook = 64;

/** How long a forced checkpoint may hold writers and wait for readers, ms. */
const patienceMs = 50;

/**
 * Keeps the write-ahead log from growing without bound. SQLite moves it into the database by itself as it goes, but can
 * begin it anew only when no reader is within it at that moment; with readers that poll from several processes that
 * moment may not come by itself. Above the bound the guard shuts them out for as long as it takes.
 */
export class WalGuard {
  readonly #db: LogDatabase;
  readonly #bytesMax: number;
  #commits = 0;

  constructor(db: LogDatabase, bytesMax: number) {
    this.#db = db;
    this.#bytesMax = bytesMax;
  }

  /** After each commit. */
  committed(): void {
    this.#commits += 1;
    if (this.#commits % commitsPerLook !== 0) return;
    const size = statSync(`${this.#db.path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
    if (size > this.#bytesMax) this.#truncate();
  }

  #truncate(): void {
    try {
      this.#db.exec(`PRAGMA busy_timeout = ${patienceMs}`);
      this.#db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    } catch {
      // The records are durable in the write-ahead log; a full disk shows at the next append, a busy file at the next look.
    } finally {
      this.#db.exec('PRAGMA busy_timeout = 0');
    }
  }
}
