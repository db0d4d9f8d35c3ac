import type { WishSource } from '#core/prefetch';

const entriesMax = 20_000;
/** Who has not asked for it by then was not the one that it was fetched for, ms. */
const patienceMs = 300_000;

/** What was fetched ahead and has not been asked for: it counts as wasted after a while, also where memory is so large that it stays. */
export class Unasked {
  readonly #entries = new Map<string, { readonly source: WishSource; readonly sinceMs: number }>();

  add(key: string, source: WishSource, nowMs: number): void {
    this.#entries.delete(key);
    this.#entries.set(key, { source, sinceMs: nowMs });
  }

  /** False for what was counted already. */
  forget(key: string): boolean {
    return this.#entries.delete(key);
  }

  /** Takes out what nobody will ask for any more, and of too many the oldest. */
  *overdue(nowMs: number): Generator<readonly [key: string, source: WishSource]> {
    for (const [key, { sinceMs, source }] of this.#entries) {
      if (nowMs - sinceMs < patienceMs && this.#entries.size <= entriesMax) return;
      this.#entries.delete(key);
      yield [key, source];
    }
  }
}
