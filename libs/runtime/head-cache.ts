import { isFresh } from '#kernel';
import type { AggregateStore, Clock } from '#ports';

export interface HeadCacheInit {
  readonly context: string;
  /** How long a head is believed without being read again, ms. */
  readonly keepMs: number;
  /** Heads kept. */
  readonly max: number;
}

interface Cached {
  readonly state: Promise<unknown>;
  readonly sinceMs: number;
}

/**
 * States of aggregates, as old as `keepMs` at most while the store answers. While it does not, the last state that was
 * read counts on: an engine that is away says nothing about the aggregate. What was never read is what the store throws.
 */
export class HeadCache {
  readonly #aggregates: Pick<AggregateStore, 'load'>;
  readonly #clock: Clock;
  readonly #init: HeadCacheInit;
  /** In order of insertion, so that the oldest is first. */
  readonly #cache = new Map<string, Cached>();

  constructor(init: HeadCacheInit, aggregates: Pick<AggregateStore, 'load'>, clock: Clock) {
    this.#init = init;
    this.#aggregates = aggregates;
    this.#clock = clock;
  }

  /** The state of the aggregate's head; undefined when there is none. One question at a time for each. */
  load(id: string): Promise<unknown> {
    const known = this.#cache.get(id);
    const { context, keepMs, max } = this.#init;
    if (known !== undefined && isFresh(known.sinceMs, this.#clock.now(), keepMs)) return known.state;
    const read = this.#aggregates.load(context as never, id).then((head) => head?.state);
    const state = known === undefined ? read : read.catch(() => known.state);
    const entry = { state, sinceMs: this.#clock.now() };
    this.#cache.delete(id);
    if (this.#cache.size >= max) this.#cache.delete(this.#cache.keys().next().value as string);
    this.#cache.set(id, entry);
    state.catch(() => {
      if (this.#cache.get(id) === entry) this.#cache.delete(id);
    });
    return state;
  }

  /** Makes the next question go to the store. */
  forget(id: string): void {
    this.#cache.delete(id);
  }
}
