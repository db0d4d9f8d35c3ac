import type { Millis } from '#kernel';

const keysMax = 10_000;

/**
 * Times for events whose publisher names none. Of two with one key the later is a millisecond on at least: the last to speak is
 * right, and within a millisecond nobody could tell who that was.
 */
export class KeyTimes {
  readonly #last = new Map<string, Millis>();
  #sweptMs: Millis = 0;

  next(key: string, nowMs: Millis): Millis {
    const time = Math.max(nowMs, (this.#last.get(key) ?? 0) + 1);
    if (this.#last.size >= keysMax && nowMs > this.#sweptMs) this.#sweep(nowMs);
    this.#last.set(key, time);
    return time;
  }

  /** What lies behind the clock says nothing about the next. */
  #sweep(nowMs: Millis): void {
    this.#sweptMs = nowMs;
    for (const [key, time] of this.#last) if (time < nowMs) this.#last.delete(key);
  }
}
