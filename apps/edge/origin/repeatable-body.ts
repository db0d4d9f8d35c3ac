import type { ByteSource } from '../server/exchange.ts';

/** What has been read of a body that may have to be read again is held, up to about so much, bytes. */
const heldBytesMax = 64 * 1024;

/**
 * The body of a request of which nothing may have reached the origin: it can be read from its beginning again, while not much of
 * it has been read. HTTP clients read ahead, before they know whether anybody is there to take it.
 */
export class RepeatableBody {
  readonly #source: ByteSource;
  readonly #held: Uint8Array[] = [];
  #heldBytes = 0;
  #ended = false;
  #attempts = 0;
  #reading: Promise<void> | undefined;
  #wantsCancel = false;
  #isSettled = false;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** Whether {@link attempt} gives all of it once more. */
  get isWhole(): boolean {
    return this.#heldBytes <= heldBytesMax;
  }

  /** From the beginning; an attempt before reads no more of it. */
  attempt(): ByteSource {
    const own = ++this.#attempts;
    this.#wantsCancel = false;
    let at = 0;
    return {
      read: async () => {
        for (;;) {
          if (own !== this.#attempts) return undefined;
          if (at < this.#held.length) return this.#held[at++];
          if (this.#ended) return undefined;
          if (!this.isWhole) return this.#source.read();
          await (this.#reading ??= this.#readOn().finally(() => (this.#reading = undefined)));
        }
      },
      cancel: () => {
        if (own !== this.#attempts) return;
        // Another attempt may want it.
        if (this.isWhole && !this.#isSettled) this.#wantsCancel = true;
        else this.#source.cancel();
      },
    };
  }

  /** There will be no other attempt. */
  settle(): void {
    this.#isSettled = true;
    if (this.#wantsCancel) this.#source.cancel();
  }

  async #readOn(): Promise<void> {
    const bytes = await this.#source.read();
    if (bytes === undefined) this.#ended = true;
    else this.#held.push(bytes);
    this.#heldBytes += bytes?.length ?? 0;
  }
}
