import type { Timers } from '#ports';
import { pause, systemTimers } from './pause.ts';

/** So many times as long as a step took does its worker rest behind it: a fifth of the thread is left to it. */
const restTimes = 4;
const restMsMax = 2000;

/**
 * Between the workers of one thread. While somebody waits for what one of them does, those that nobody waits for rest behind
 * each of their steps: they go on with what comes, and do not catch up with a whole log at the others' cost.
 */
export class RightOfWay {
  readonly #timers: Timers;
  #holders = 0;

  constructor(timers: Timers = systemTimers) {
    this.#timers = timers;
  }

  /** Has the right of way until the work ends, however it ends. */
  async hold<T>(work: () => Promise<T>): Promise<T> {
    this.#holders++;
    try {
      return await work();
    } finally {
      this.#holders--;
    }
  }

  /** Behind a step that took so many ms; at once when nobody has the right of way. */
  async give(tookMs: number, signal?: AbortSignal): Promise<void> {
    if (this.#holders > 0) await pause(Math.min(restMsMax, tookMs * restTimes), signal, this.#timers);
  }
}
