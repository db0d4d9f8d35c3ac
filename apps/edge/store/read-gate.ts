/** How often it is looked at how long reads take, ms. */
const lookEveryMs = 250;

interface Waiting {
  /** How often it was found waiting. Looks are counted, not time: while this process itself stands still, no disk is to blame. */
  looks: number;
  readonly giveUp: () => void;
}

export interface ReadGateInit {
  /** Reads under way at once; the next is refused. */
  readonly readsMax: number;
  /** Whoever waits longer for the disk does without it, ms. */
  readonly timeoutMs: number;
}

/**
 * Bounds what the disk may cost a request. A read that takes too long is given up by those who wait for it; as long as
 * one such is under way, nobody else waits for the disk at all. One timer for all reads, and none when there are none.
 */
export class ReadGate {
  readonly #init: ReadGateInit;
  readonly #waiting = new Set<Waiting>();
  /** Given up by their readers, and still with the system. */
  #stuck = 0;
  #running = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(init: ReadGateInit) {
    this.#init = init;
  }

  /** Whether a read may begin. */
  get open(): boolean {
    return this.#stuck === 0 && this.#running < this.#init.readsMax;
  }

  /** The result of a read; undefined when it takes too long. */
  async pass<Result>(read: () => Promise<Result>): Promise<Result | undefined> {
    const late = Promise.withResolvers<undefined>();
    let stuck = false;
    const waiting = {
      looks: 0,
      giveUp: () => {
        stuck = true;
        this.#stuck++;
        late.resolve(undefined);
      },
    };
    this.#running++;
    this.#waiting.add(waiting);
    this.#timer ??= setInterval(() => this.#look(), lookEveryMs).unref();
    const reading = read().finally(() => {
      this.#running--;
      this.#waiting.delete(waiting);
      if (stuck) this.#stuck--;
      if (this.#running === 0) this.#rest();
    });
    return Promise.race([reading, late.promise]);
  }

  #look(): void {
    for (const waiting of this.#waiting) {
      if (++waiting.looks * lookEveryMs < this.#init.timeoutMs) continue;
      this.#waiting.delete(waiting);
      waiting.giveUp();
    }
  }

  #rest(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
