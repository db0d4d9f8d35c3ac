import { watch, type FSWatcher } from 'node:fs';
import type { StatementSync } from 'node:sqlite';
import type { LogDatabase } from './log-database.ts';

/** The first look after a hint, which comes while the commit is still being written; further ones at twice the distance … */
const firstLookMs = 1;
/** … up to this one, at which the log is polled while nothing hints at an append. */
const idleLookMs = 40;
/** The look after one that found an append: for a second writer whose hint came together with the first one's. */
const settledLookMs = 8;
/** Every look when the system gives no hints. */
const blindLookMs = 5;

/** A wait is ended after this at the latest, and begun again by who wants more: timers cannot count beyond 2^31. */
const waitMsMax = 60_000;

interface Waiter {
  /** Woken when the partition's high watermark exceeds this. */
  readonly high: number;
  readonly wake: () => void;
}

/**
 * Wakes the readers that wait for records. Appends of this process are told. Those of other processes show in
 * `PRAGMA data_version`, a look into shared memory; the file system hints when to look (a write to the write-ahead log),
 * and slow polling makes up for hints that get lost. One poller serves all readers, and rests when there are none.
 */
export class LogWatcher {
  readonly #path: string;
  readonly #version: StatementSync;
  readonly #ends: (refs: ReadonlySet<number>) => Iterable<readonly [ref: number, high: number]>;
  readonly #waiters = new Map<number, Set<Waiter>>();
  #hints: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Distance of the look that is scheduled, ms. */
  #distanceMs = firstLookMs;
  /** -1: look at the partitions whatever the version is. */
  #seenVersion = -1;

  /** `ends` answers at least those of the partitions asked for that have records, with their high watermarks now. */
  constructor(db: LogDatabase, ends: (refs: ReadonlySet<number>) => Iterable<readonly [ref: number, high: number]>) {
    this.#path = `${db.path}-wal`;
    this.#version = db.prepare('PRAGMA data_version');
    this.#ends = ends;
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
      const timer = setTimeout(finish, Math.min(ms, waitMsMax));
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

  close(): void {
    this.wakeAll();
    this.#hints?.close();
    this.#hints = undefined;
  }

  #add(ref: number, waiter: Waiter): void {
    const waiters = this.#waiters.get(ref) ?? new Set();
    this.#waiters.set(ref, waiters.add(waiter));
    if (this.#timer !== undefined) return;
    this.#hints ??= this.#watch();
    this.#seenVersion = -1;
    this.#schedule(firstLookMs);
  }

  #remove(ref: number, waiter: Waiter): void {
    const waiters = this.#waiters.get(ref);
    waiters?.delete(waiter);
    if (waiters?.size === 0) this.#waiters.delete(ref);
    if (this.#waiters.size > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #watch(): FSWatcher | undefined {
    try {
      const hints = watch(this.#path, { persistent: false }, () => this.#hinted());
      hints.on('error', () => {
        hints.close();
        this.#hints = undefined;
      });
      return hints;
    } catch {
      return undefined;
    }
  }

  #hinted(): void {
    // A look is due soon anyway while writes follow each other.
    if (this.#timer === undefined || this.#distanceMs <= 2 * firstLookMs) return;
    clearTimeout(this.#timer);
    this.#schedule(firstLookMs);
  }

  #schedule(distanceMs: number): void {
    this.#distanceMs = distanceMs;
    this.#timer = setTimeout(() => this.#poll(), distanceMs);
  }

  #poll(): void {
    this.#timer = undefined;
    let changed = true;
    try {
      changed = this.#look();
    } catch {
      // Whatever it is, the readers meet it themselves and tell their callers.
      this.wakeAll();
    }
    if (this.#waiters.size === 0 || this.#timer !== undefined) return;
    this.#schedule(this.#nextDistance(changed));
  }

  #nextDistance(changed: boolean): number {
    if (this.#hints === undefined) return blindLookMs;
    return changed ? settledLookMs : Math.min(idleLookMs, this.#distanceMs * 2);
  }

  /** True when another process has written. */
  #look(): boolean {
    const version = this.#version.get()?.['data_version'] as number;
    if (version === this.#seenVersion) return false;
    this.#seenVersion = version;
    for (const [ref, high] of [...this.#ends(new Set(this.#waiters.keys()))]) this.#reached(ref, high);
    return true;
  }
}
