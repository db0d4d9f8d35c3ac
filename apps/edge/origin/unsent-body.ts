import type { ByteSource } from '../server/exchange.ts';

/**
 * The body of a request that may be sent by another way as long as nothing of it was read: a way that was none, and wants no more of
 * it, ends it for none of the others.
 */
export class UnsentBody implements ByteSource {
  readonly #source: ByteSource;
  #isUnread = true;
  #wantsCancel = false;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  read(): Promise<Uint8Array | undefined> {
    this.#isUnread = false;
    return this.#source.read();
  }

  cancel(): void {
    if (this.#isUnread) this.#wantsCancel = true;
    else this.#source.cancel();
  }

  /** There is no other way. */
  settle(): void {
    if (this.#isUnread && this.#wantsCancel) this.#source.cancel();
  }
}
