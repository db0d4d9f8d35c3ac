/** How long after a decoder's work nothing is decoded, as a multiple of that work. */
const restShare = 3;

/**
 * Decoders of a process take turns, one at a time, and rest after each: looking at streams takes a quarter of a core at most, however
 * many there are. Who finds somebody waiting in his own name already gives up: with too many streams, pictures come less often.
 */
export class DecoderTurns {
  readonly #now: () => number;
  readonly #waiting = new Map<string, () => void>();
  #busy = false;
  #restUntil = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Undefined when the work was left out: an earlier one of that name still waits. */
  async take<T>(name: string, work: () => Promise<T>): Promise<T | undefined> {
    if (this.#waiting.has(name)) return undefined;
    await new Promise<void>((resolve) => {
      this.#waiting.set(name, resolve);
      this.#next();
    });
    const begun = this.#now();
    try {
      return await work();
    } finally {
      this.#busy = false;
      this.#restUntil = this.#now() + (this.#now() - begun) * restShare;
      this.#next();
    }
  }

  #next(): void {
    const [first] = this.#waiting;
    if (this.#busy || first === undefined || this.#timer !== undefined) return;
    const restMs = this.#restUntil - this.#now();
    if (restMs > 0) {
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        this.#next();
      }, restMs);
      this.#timer.unref();
      return;
    }
    const [name, begin] = first;
    this.#waiting.delete(name);
    this.#busy = true;
    begin();
  }
}
