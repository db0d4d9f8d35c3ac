import type { Millis } from '#kernel';

export interface PaceInit {
  readonly windowMs: number;
  /** Least media time per wall-clock time. */
  readonly ratioMin: number;
}

/** Notices a publisher whose media time falls behind the clock: an uplink or an encoder that is too slow to be watched. */
export class Pace {
  readonly #init: PaceInit;
  #since: Millis | undefined;
  #mediaAtStart = 0;

  constructor(init: PaceInit) {
    this.#init = init;
  }

  nextCheck(): Millis | undefined {
    return this.#since === undefined ? undefined : this.#since + this.#init.windowMs;
  }

  start(mediaMs: number, now: Millis): void {
    this.#since = now;
    this.#mediaAtStart = mediaMs;
  }

  /** The ratio of a window that has ended and was too slow; undefined otherwise. */
  check(mediaMs: number, now: Millis): number | undefined {
    if (this.#since === undefined || now < this.#since + this.#init.windowMs) return undefined;
    const ratio = (mediaMs - this.#mediaAtStart) / (now - this.#since);
    this.start(mediaMs, now);
    return ratio < this.#init.ratioMin ? ratio : undefined;
  }
}
