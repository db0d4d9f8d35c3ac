interface Watched<Purge> {
  readonly purge: Purge;
  /** The generations of its targets. */
  readonly first: number;
  readonly last: number;
  objects: number;
}

/** Purges whose objects are still being counted; of older ones nobody learns the number. */
const watchedMax = 100_000;

/**
 * How many objects each purge hit. A purge looks at no object, so that is known only when they are found: by a request,
 * or by who reclaims their memory.
 */
export class ReclaimedCounts<Purge> {
  #watched: Watched<Purge>[] = [];

  /** @param first the generations that the purge made, first and last */
  watch(purge: Purge, first: number, last: number): void {
    if (last < first) return;
    this.#watched.push({ purge, first, last, objects: 0 });
    if (this.#watched.length > watchedMax) this.#watched = this.#watched.slice(watchedMax / 2);
  }

  /** One object was hit by the purge of this generation. */
  count(generation: number): void {
    let [low, high] = [0, this.#watched.length - 1];
    while (low <= high) {
      const middle = (low + high) >> 1;
      const one = this.#watched[middle] as Watched<Purge>;
      if (generation < one.first) high = middle - 1;
      else if (generation > one.last) low = middle + 1;
      else {
        one.objects++;
        return;
      }
    }
  }

  /** The purges up to a generation, by which everything has been looked at; those that hit nothing are left out. */
  settle(generation: number): ReadonlyArray<{ readonly purge: Purge; readonly objects: number }> {
    const end = this.#watched.findIndex((one) => one.last > generation);
    const settled = this.#watched.splice(0, end < 0 ? this.#watched.length : end);
    return settled.filter(({ objects }) => objects > 0);
  }
}
