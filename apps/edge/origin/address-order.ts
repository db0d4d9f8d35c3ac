/** For how long an address that gave no answer is asked after all others, ms. */
const failedMs = 10_000;

export interface AddressAttempt<Answer> {
  /** @throws whatever there is no answer for */
  readonly ask: (address: string) => Promise<Answer>;
  /** Whether an error says that nothing was asked: the next address may be. */
  readonly isUnasked: (error: unknown) => boolean;
  /** Nobody wants the answer any more: an error says nothing of the address. */
  readonly isOver: () => boolean;
}

/** The addresses of an origin's name, and which of them gave no answer lately. */
export class AddressOrder {
  readonly #now: () => number;
  readonly #failedAtMs = new Map<string, number>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Asks one after the other, as long as nothing was asked yet. @throws what the last one did */
  async ask<Answer>(addresses: readonly string[], { ask, isOver, isUnasked }: AddressAttempt<Answer>): Promise<Answer> {
    let last: unknown;
    for (const address of this.#inOrder(addresses)) {
      try {
        return await ask(address);
      } catch (error) {
        if (isOver()) throw error;
        this.#failedAtMs.set(address, this.#now());
        if (!isUnasked(error)) throw error;
        last = error;
      }
    }
    throw last;
  }

  /** Those that failed lately are the last, and among them the one that did so first is the first. */
  #inOrder(addresses: readonly string[]): readonly string[] {
    const nowMs = this.#now();
    for (const [address, atMs] of this.#failedAtMs) if (nowMs - atMs >= failedMs) this.#failedAtMs.delete(address);
    if (this.#failedAtMs.size === 0) return addresses;
    const failedAt = (address: string): number => this.#failedAtMs.get(address) ?? -1;
    return addresses.toSorted((a, b) => failedAt(a) - failedAt(b));
  }
}
