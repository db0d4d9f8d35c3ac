import { BoundedMemo } from '../cache/bounded-memo.ts';

const rememberedMax = 10_000;
const rememberedMs = 60_000;

/** Which purges this edge has applied, for those who asked for one by way of it. */
export class AppliedPurges {
  readonly #now: () => number;
  readonly #applied: BoundedMemo<true>;
  readonly #waiting = new Map<string, Set<() => void>>();

  constructor(now: () => number) {
    this.#now = now;
    this.#applied = new BoundedMemo(rememberedMax, rememberedMs);
  }

  note(purgeId: string): void {
    this.#applied.set(purgeId, true, this.#now());
    const waiting = this.#waiting.get(purgeId);
    this.#waiting.delete(purgeId);
    for (const tell of waiting ?? []) tell();
  }

  /** False when it takes longer than so many ms. */
  async within(purgeId: string, ms: number): Promise<boolean> {
    if (this.#applied.get(purgeId, this.#now()) === true) return true;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const tell = (): void => resolve(true);
    const waiting = this.#waiting.get(purgeId) ?? new Set();
    this.#waiting.set(purgeId, waiting.add(tell));
    const timer = setTimeout(() => resolve(false), ms);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      waiting.delete(tell);
      if (waiting.size === 0 && this.#waiting.get(purgeId) === waiting) this.#waiting.delete(purgeId);
    }
  }
}
