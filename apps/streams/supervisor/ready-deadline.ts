/** A time by which something is to come to an end, put off by whatever shows that it moves on. */
export class ReadyDeadline {
  readonly #ms: number;
  readonly #onLate: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(ms: number, onLate: () => void) {
    this.#ms = ms;
    this.#onLate = onLate;
    this.#timer = this.#set();
  }

  /** It moves on: all of the time is left again, unless it has come to its end, or was late. */
  putOff(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = this.#set();
  }

  met(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #set(): NodeJS.Timeout {
    return setTimeout(() => {
      this.#timer = undefined;
      this.#onLate();
    }, this.#ms);
  }
}
