import type { Timers } from '#ports';
import { pause, systemTimers } from '../pause.ts';

/**
 * A question that many ask at once: everybody gets an answer to a question put after they asked, and it is not put more
 * often than every `everyMs`.
 */
export class SharedLook<Answer> {
  readonly #ask: () => Promise<Answer>;
  readonly #everyMs: number;
  readonly #timers: Timers;
  #next: Promise<Answer> | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(ask: () => Promise<Answer>, everyMs: number, timers: Timers = systemTimers) {
    this.#ask = ask;
    this.#everyMs = everyMs;
    this.#timers = timers;
  }

  look(): Promise<Answer> {
    this.#next ??= this.#last.then(() => {
      this.#next = undefined;
      const answer = this.#ask();
      this.#last = Promise.allSettled([answer, pause(this.#everyMs, undefined, this.#timers)]);
      return answer;
    });
    return this.#next;
  }
}
