/**
 * Lets so many works run at once; the others wait in the order in which they came. Waiting hands over nothing: what waits
 * long grows old in the eyes of the garbage collector, and what an old promise were resolved with would grow old with it.
 */
export class Turns {
  #free: number;
  readonly #waiting: Array<() => void> = [];

  constructor(count: number) {
    this.#free = count;
  }

  /** Resolves when it is one's turn; {@link leave} ends it. */
  async enter(): Promise<void> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }
}
