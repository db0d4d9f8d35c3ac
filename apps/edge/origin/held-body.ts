import { PieceJoiner } from '#core/http-cache';

/** Held for a reader that is slower than the origin, bytes. */
const heldBytesMax = 256 * 1024;

/** What has come of the body of a response and was not read yet, for one reader. */
export class HeldBody {
  readonly #hold: (holds: boolean) => void;
  readonly #chunks: Uint8Array[] = [];
  readonly #joiner = new PieceJoiner();
  #heldBytes = 0;
  #state: 'open' | 'complete' | Error = 'open';
  #wanted: PromiseWithResolvers<Uint8Array | undefined> | undefined;

  /** @param hold told when no more is to come for now, and when it may again */
  constructor(hold: (holds: boolean) => void) {
    this.#hold = hold;
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  add(bytes: Uint8Array): void {
    if (this.#wanted !== undefined) {
      this.#wanted.resolve(bytes);
      this.#wanted = undefined;
      return;
    }
    this.#joiner.add(this.#chunks, bytes);
    this.#heldBytes += bytes.length;
    if (this.#heldBytes > heldBytesMax) this.#hold(true);
  }

  /** This was all. */
  end(): void {
    this.#state = 'complete';
    this.#wanted?.resolve(undefined);
    this.#wanted = undefined;
  }

  /** The rest will not come; what is here can be read all the same. */
  fail(error: Error): void {
    this.#state = error;
    this.#wanted?.reject(error);
    this.#wanted = undefined;
  }

  /** Undefined at its end; rejects where it broke off. */
  read(): Promise<Uint8Array | undefined> {
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) {
      // Whoever has it keeps it.
      this.#joiner.close();
      this.#heldBytes -= chunk.length;
      if (this.#heldBytes <= heldBytesMax) this.#hold(false);
      return Promise.resolve(chunk);
    }
    if (this.#state === 'complete') return Promise.resolve(undefined);
    if (this.#state !== 'open') return Promise.reject(this.#state);
    this.#wanted = Promise.withResolvers();
    return this.#wanted.promise;
  }

  /** All that was not read, where no more comes. */
  rest(): Uint8Array | undefined {
    if (this.#state !== 'complete') return undefined;
    const chunks = this.#chunks.splice(0);
    this.#heldBytes = 0;
    return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
  }
}
