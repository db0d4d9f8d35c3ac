import type { StatementSync } from 'node:sqlite';
import type { LogDatabase } from './log-database.ts';

/** Pages given back per transaction: each may move one that is in use. 128 KiB, some 2 ms. */
const pagesPerStep = 32;
/** Free pages that stay in the file for what is appended next: 16 MiB, or a tenth of the file. */
const freePagesMin = 4096;
const freeShare = 10;

/**
 * Gives the room of deleted records back to the disk, step by step. Files from before this version keep their size; their
 * free pages are used for what is appended.
 */
export class FileSpace {
  readonly #db: LogDatabase;
  readonly #free: StatementSync;
  readonly #pages: StatementSync;

  constructor(db: LogDatabase) {
    this.#db = db;
    this.#free = db.prepare('PRAGMA freelist_count');
    this.#pages = db.prepare('PRAGMA page_count');
  }

  /** Within a write transaction; false when there is nothing worth it. */
  giveBackSome(): boolean {
    const free = this.#free.get()?.['freelist_count'] as number;
    const pages = this.#pages.get()?.['page_count'] as number;
    const spare = free - Math.max(freePagesMin, Math.floor(pages / freeShare));
    if (spare <= 0) return false;
    this.#db.exec(`PRAGMA incremental_vacuum(${Math.min(pagesPerStep, spare)})`);
    // A file without the bookkeeping of incremental vacuum stays as it is.
    return (this.#free.get()?.['freelist_count'] as number) < free;
  }
}
