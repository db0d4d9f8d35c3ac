/** What came this long ago counts no more: encoders' clocks drift. */
const windowMs = 10_000;

/**
 * When a session's time zero was, by the arrival of its media: the earliest that any tag of the last seconds says. Tags that
 * waited on their way, such as a relay's group of pictures for readers that join, say a later moment. With two sessions of one
 * programme, what arrived at the same moment is shown at the same moment.
 */
export class ArrivalClock {
  #since = 0;
  #before = Number.POSITIVE_INFINITY;
  #zero = Number.POSITIVE_INFINITY;

  /** @param timestampMs of the session; @param nowMs of any clock, also the result's */
  hear(timestampMs: number, nowMs: number): void {
    if (nowMs - this.#since > windowMs / 2) {
      this.#before = this.#zero;
      this.#zero = Number.POSITIVE_INFINITY;
      this.#since = nowMs;
    }
    this.#zero = Math.min(this.#zero, nowMs - timestampMs);
  }

  /** Undefined before the first tag. */
  get zeroMs(): number | undefined {
    const zero = Math.min(this.#zero, this.#before);
    return Number.isFinite(zero) ? zero : undefined;
  }
}
