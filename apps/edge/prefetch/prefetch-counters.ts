import { wishSources, type WishSource } from '#core/prefetch';

/** Of one source; counters only grow. */
export interface SourceCounters {
  wished: number;
  fetched: number;
  used: number;
  wasted: number;
  bytes: number;
}

/** What was fetched before it was asked for, and what came of it. */
export class PrefetchCounters {
  readonly #sources = Object.fromEntries(wishSources.map((source) => [source, { wished: 0, fetched: 0, used: 0, wasted: 0, bytes: 0 }])) as {
    [Source in WishSource]: SourceCounters;
  };

  of(source: WishSource): SourceCounters {
    return this.#sources[source];
  }

  /** As a report tells it: of those sources of which anything came. */
  told(): { source: WishSource; fetched: number; used: number; wasted: number; bytes: number }[] {
    return wishSources.flatMap((source) => {
      const { bytes, fetched, used, wasted } = this.#sources[source];
      return fetched === 0 ? [] : [{ source, fetched, used, wasted, bytes }];
    });
  }

  snapshot(): Readonly<Record<WishSource, Readonly<SourceCounters>>> {
    return structuredClone(this.#sources);
  }
}
