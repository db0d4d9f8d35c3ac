import type { EndKind } from './end-reason.ts';

/** Waits between restarts: none at first, then short and doubling, and long once a run keeps failing without storing anything. */
const firstMs = 100;
const mostMs = 3000;
/** So many failures in a row without one segment: the cause will not go away by itself soon. */
const breakerFailures = 8;
const breakerMs = 15_000;

/** Decides how long to wait before an encoder is started again. A stored segment starts the count anew. */
export class RestartPace {
  #failures = 0;
  #lastMs = Number.NEGATIVE_INFINITY;

  /** @returns ms to wait; none after a run that was ended here, for one that is made otherwise */
  after(how: EndKind, nowMs: number): number {
    return how === 'too-slow' || how === 'not-carried' ? 0 : this.#afterFailure(nowMs);
  }

  #afterFailure(nowMs: number): number {
    // A long quiet time is a success of its own.
    if (nowMs - this.#lastMs > 60_000) this.#failures = 0;
    this.#lastMs = nowMs;
    this.#failures += 1;
    if (this.#failures > breakerFailures) return breakerMs;
    // One that worked until now is needed at once.
    return this.#failures === 1 ? 0 : Math.min(mostMs, firstMs * 2 ** (this.#failures - 2));
  }

  success(): void {
    this.#failures = 0;
  }
}
