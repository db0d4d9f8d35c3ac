import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { OperatingError } from '#kernel';
import { explainFailure } from './server-failure.ts';

/**
 * The right to run this data folder's server. Node has no file locks, SQLite has: the operating system drops one with
 * the process that held it, so that a killed owner never leaves a stale lock.
 */
export class DataDirLock implements Disposable {
  readonly #database: DatabaseSync;

  private constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /**
   * Waits for an owner that is about to end.
   * @throws OperatingError `POSTGRES_IN_USE` when it does not end within `waitMs`.
   */
  static async acquire(path: string, waitMs: number): Promise<DataDirLock> {
    for (let waited = 0; ; waited += 50) {
      const database = new DatabaseSync(path, { timeout: 0 });
      try {
        database.exec('BEGIN EXCLUSIVE');
        return new DataDirLock(database);
      } catch (cause) {
        database.close();
        if (/full/i.test(String(cause))) throw explainFailure('No space left on device', dirname(path));
        if (!/locked|busy/i.test(String(cause)))
          throw new OperatingError(`The lock file ${path} cannot be used. Delete it and start again.`, {
            code: 'POSTGRES_LOCK_UNUSABLE',
            retryable: false,
            cause,
          });
        if (waited >= waitMs)
          throw new OperatingError('Another Streams runs the database of this data folder. Stop it, or choose another STREAMS_DATA_DIR.', {
            code: 'POSTGRES_IN_USE',
            retryable: true,
            cause,
          });
      }
      await sleep(50);
    }
  }

  [Symbol.dispose](): void {
    if (this.#database.isOpen) this.#database.close();
  }
}
