export interface Hitter<Value> {
  readonly value: Value;
  /** Never more than what was counted under its key. */
  readonly count: number;
  readonly bytes: number;
}

interface Counter<Value> {
  readonly value: Value;
  /** Never less than what was counted under its key. */
  upper: number;
  /** How much of it may be others': what the counter had when the key took it over. */
  readonly error: number;
  bytes: number;
}

/**
 * Keys that come often, counted in bounded memory (space-saving; Metwally, Agrawal, El Abbadi: Efficient computation of
 * frequent and top-k elements in data streams, 2005): a key without a counter takes over the smallest. Whatever comes more
 * often than once in `counters` is surely among them.
 */
export class HeavyHitters<Value> {
  readonly #counters = new Map<string, Counter<Value>>();
  readonly #max: number;
  /** No counter is below it: where the search for the smallest may stop. */
  #floor = 0;

  constructor(counters: number) {
    this.#max = counters;
  }

  get size(): number {
    return this.#counters.size;
  }

  /** @param weight how many this one stands for */
  count(key: string, value: Value, weight: number, bytes: number): void {
    const known = this.#counters.get(key);
    if (known !== undefined) {
      known.upper += weight;
      known.bytes += bytes;
      return;
    }
    const error = this.#counters.size < this.#max ? 0 : this.#giveUpSmallest();
    this.#counters.set(key, { value, upper: error + weight, error, bytes });
  }

  /** Those that surely came most often, the first the most. */
  top(most: number): readonly Hitter<Value>[] {
    const all = [...this.#counters.values()].map(({ value, upper, error, bytes }) => ({ value, count: upper - error, bytes }));
    return all.toSorted((a, b) => b.count - a.count || b.bytes - a.bytes).slice(0, most);
  }

  #giveUpSmallest(): number {
    let [smallest, found]: [number, string | undefined] = [Number.POSITIVE_INFINITY, undefined];
    for (const [key, { upper }] of this.#counters) {
      if (upper >= smallest) continue;
      [smallest, found] = [upper, key];
      if (upper <= this.#floor) break;
    }
    if (found !== undefined) this.#counters.delete(found);
    this.#floor = smallest;
    return smallest;
  }
}
