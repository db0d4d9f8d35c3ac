import type { StatementSync } from 'node:sqlite';
import type { LogDatabase } from './log-database.ts';

/** Looks for appends of other processes: often while some come, else every few milliseconds. */
const pollActiveMs = 2;
const pollIdleMs = 5;
/** Looks without a change after which polling is idle. */
const activePolls = 100;

interface Waiter {
  /** Woken when the partition's high watermark exceeds this. */
  readonly high: number;
  readonly wake: () => void;
}

/**
 * Wakes the readers that wait for records. Appends of this process are told; those of other processes are found by
 * `PRAGMA data_version`, a look into shared memory that costs about a microsecond. One poller serves all readers, and
 * rests when there are none.
 */
export class LogWatcher {
  readonly #version: StatementSync;
  readonly #highs: StatementSync;
  readonly #waiters = new Map<number, Set<Waiter>>();
  #timer: NodeJS.Timeout | undefined;
  /** -1: look at the partitions whatever the version is. */
  #seenVersion = -1;
  #quietPolls = 0;

  constructor(db: LogDatabase) {
    this.#version = db.prepare('PRAGMA data_version');
    this.#highs = db.prepare('SELECT ref, high FROM partition');
    this.#highs.setReturnArrays(true);
  }

  /** Resolves when the partition has records at or above `high`, after `ms`, when aborted, or by {@link wakeAll}. */
  wait(ref: number, high: number, ms: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const finish = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', finish);
        this.#remove(ref, waiter);
        resolve();
      };
      const waiter = { high, wake: finish };
      const timer = setTimeout(finish, ms);
      this.#add(ref, waiter);
      signal?.addEventListener('abort', finish);
      if (signal?.aborted) finish();
    });
  }

  /** Tells what this process has appended. */
  appended(highs: ReadonlyMap<number, number>): void {
    for (const [ref, high] of highs) this.#reached(ref, high);
  }

  wakeAll(): void {
    for (const waiters of [...this.#waiters.values()]) for (const waiter of [...waiters]) waiter.wake();
  }

  #reached(ref: number, high: number): void {
    const waiters = this.#waiters.get(ref);
    if (waiters === undefined) return;
    for (const waiter of [...waiters]) if (high > waiter.high) waiter.wake();
  }

  #add(ref: number, waiter: Waiter): void {
    const waiters = this.#waiters.get(ref) ?? new Set();
    this.#waiters.set(ref, waiters.add(waiter));
    if (this.#timer !== undefined) return;
    this.#seenVersion = -1;
    this.#schedule();
  }

  #remove(ref: number, waiter: Waiter): void {
    const waiters = this.#waiters.get(ref);
    waiters?.delete(waiter);
    if (waiters?.size === 0) this.#waiters.delete(ref);
    if (this.#waiters.size > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #schedule(): void {
    this.#timer = setTimeout(() => this.#poll(), this.#quietPolls < activePolls ? pollActiveMs : pollIdleMs);
  }

  #poll(): void {
    try {
      this.#look();
    } catch {
      // Whatever it is, the readers meet it themselves and tell their callers.
      this.wakeAll();
    }
    if (this.#waiters.size > 0) this.#schedule();
    else this.#timer = undefined;
  }

  #look(): void {
    const version = this.#version.get()?.['data_version'] as number;
    this.#quietPolls += 1;
    if (version === this.#seenVersion) return;
    this.#seenVersion = version;
    this.#quietPolls = 0;
    for (const [ref, high] of this.#highs.all() as unknown as ReadonlyArray<readonly [number, number]>) this.#reached(ref, high);
  }
}
