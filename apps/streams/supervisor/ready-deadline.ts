import { waitShareMax } from '#runtime';

export interface ReadyDeadlineInit {
  readonly ms: number;
  /** Of the time since it was asked before, what the process stood in line for a processor, 0 to 1. */
  readonly waitShare: () => Promise<number>;
  /** What it stood in line is given to it once more, ms. */
  readonly onStarved: (givenMs: number) => void;
  readonly onLate: () => void;
}

/** Less is not worth another look. */
const worthShare = 0.02;

/** A time by which something is to come to an end, put off by whatever shows that it moves on, and by what it found no processor. */
export class ReadyDeadline {
  readonly #init: ReadyDeadlineInit;
  #timer: NodeJS.Timeout | undefined;

  constructor(init: ReadyDeadlineInit) {
    this.#init = init;
    this.#set(init.ms);
  }

  /** It moves on: all of the time is left again, unless it has come to its end, or was late. */
  putOff(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#set(this.#init.ms);
  }

  met(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #set(ms: number): void {
    const timer = (this.#timer = setTimeout(() => void this.#passed(timer, ms), ms));
  }

  async #passed(timer: NodeJS.Timeout, ms: number): Promise<void> {
    const { ms: all, onLate, onStarved, waitShare } = this.#init;
    const givenMs = ms * Math.min(await waitShare(), waitShareMax);
    if (this.#timer !== timer) return;
    if (givenMs >= all * worthShare) {
      this.#set(givenMs);
      return onStarved(givenMs);
    }
    this.#timer = undefined;
    onLate();
  }
}
