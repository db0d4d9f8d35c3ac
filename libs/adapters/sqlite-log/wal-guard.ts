import { statSync } from 'node:fs';
import type { LogDatabase } from './log-database.ts';

/** Commits between two looks at the file. */
const commitsPerLook = 64;

/** Most looks left out after a forced checkpoint that failed. */
const pauseMax = 64;

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
  /** Looks left out because a reader could not be shut out, such as an operator's shell: writers are not held for nothing. */
  #pause = 0;
  #nextPause = 1;

  constructor(db: LogDatabase, bytesMax: number) {
    this.#db = db;
    this.#bytesMax = bytesMax;
  }

  /** After each commit. */
  committed(): void {
    this.#commits += 1;
    if (this.#commits % commitsPerLook !== 0) return;
    if (this.#pause > 0) this.#pause -= 1;
    else if (this.#size() > this.#bytesMax) this.#shrink();
  }

  #size(): number {
    return statSync(`${this.#db.path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  }

  #shrink(): void {
    this.#truncate();
    const done = this.#size() <= this.#bytesMax;
    this.#pause = done ? 0 : this.#nextPause;
    this.#nextPause = done ? 1 : Math.min(pauseMax, this.#nextPause * 2);
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
