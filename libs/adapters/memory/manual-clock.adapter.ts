import type { Millis } from '#kernel';
import { Clock } from '#ports';

/** A clock that moves when it is told to. */
export class ManualClock extends Clock {
  #now: Millis;

  constructor(now: Millis = 1_790_000_000_000) {
    super();
    this.#now = now;
  }

  override now(): Millis {
    return this.#now;
  }

  advance(ms: number): void {
    this.#now += ms;
  }
}
