import { RateLimiter, spend, type RateDecision, type RatePolicy } from '#ports';

/** Names kept; a flood of them pushes out the oldest, which then begin anew. */
const namesMax = 100_000;

/** Counts for one process. */
export class MemoryRateLimiter extends RateLimiter {
  /** When each name's limit is whole again; the names that paid last are at the end. */
  readonly #fullAtMs = new Map<string, number>();

  /** What the clock was set back by, ms: here time only goes on. */
  #aheadMs = 0;
  #latestMs = Number.NEGATIVE_INFINITY;

  override async take(name: string, cost: number, policy: RatePolicy, clockMs: number): Promise<RateDecision> {
    this.#aheadMs = Math.max(this.#aheadMs, this.#latestMs - clockMs);
    const nowMs = clockMs + this.#aheadMs;
    this.#latestMs = nowMs;
    const { fullAtMs, ...decision } = spend(this.#fullAtMs.get(name), cost, policy, nowMs);
    this.#fullAtMs.delete(name);
    this.#forget(nowMs);
    if (fullAtMs > nowMs) this.#fullAtMs.set(name, fullAtMs);
    return decision;
  }

  /** Two per call are enough to keep up with one new name per call. */
  #forget(nowMs: number): void {
    let looked = 0;
    for (const [name, fullAtMs] of this.#fullAtMs) {
      if (fullAtMs > nowMs && this.#fullAtMs.size < namesMax) return;
      this.#fullAtMs.delete(name);
      if (++looked === 2) return;
    }
  }
}
