/**
 * Remembers what was purged when, so that a fill knows whether a purge overtook it. Each purge raises the generation; a
 * fill notes the generation at which its request to the origin began, and what it brings is current only if its key was
 * not purged since. What was asked for before a purge can then never be stored as fresh after it.
 *
 * The memory is bounded: the oldest purges are forgotten, and everything that began before them counts as purged, which
 * costs a fill at most and never a promise.
 */
export class PurgeLedger {
  readonly #keysMax: number;
  readonly #purged = new Map<string, number>();
  #generation = 0;
  /** Whatever began before this generation counts as purged, whatever its key. */
  #floor = 0;

  /** @param keysMax purges remembered one by one */
  constructor(keysMax: number) {
    this.#keysMax = keysMax;
  }

  get generation(): number {
    return this.#generation;
  }

  /** Purges one key. */
  purge(key: string): void {
    this.#purged.delete(key);
    this.#purged.set(key, ++this.#generation);
    if (this.#purged.size <= this.#keysMax) return;
    const [oldest] = this.#purged as Iterable<[string, number]>;
    if (oldest === undefined) return;
    this.#purged.delete(oldest[0]);
    this.#floor = Math.max(this.#floor, oldest[1]);
  }

  /** Purges everything there is, in constant time. */
  purgeAll(): void {
    this.#floor = ++this.#generation;
    this.#purged.clear();
  }

  /** Whether what began at `generation` may still be used for `key`. */
  isCurrent(key: string, generation: number): boolean {
    return generation >= this.#floor && generation >= (this.#purged.get(key) ?? 0);
  }
}
