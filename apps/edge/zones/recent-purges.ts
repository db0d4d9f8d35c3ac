import type { PurgeLedger } from '#core/http-cache';

/**
 * Longer than another edge may be behind without knowing it, and then still believe what it has, ms: both are two seconds
 * (`edgeLimits`).
 */
const lateMs = 5000;

/** Knows whether anything was purged a moment ago. */
export class RecentPurges {
  readonly #ledger: Pick<PurgeLedger, 'generation'>;
  readonly #now: () => number;
  #generation: number;
  #changedAtMs: number;

  constructor(ledger: Pick<PurgeLedger, 'generation'>, now: () => number) {
    this.#ledger = ledger;
    this.#now = now;
    this.#generation = ledger.generation;
    this.#changedAtMs = now();
  }

  /** True when another edge may not know yet of something that was purged here; also just after the start, when nobody looked. */
  any(): boolean {
    const nowMs = this.#now();
    if (this.#ledger.generation !== this.#generation) {
      this.#generation = this.#ledger.generation;
      this.#changedAtMs = nowMs;
    }
    return nowMs - this.#changedAtMs < lateMs;
  }
}
