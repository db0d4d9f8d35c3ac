import { cacheOutcomes, latencyBoundsMs, statusClasses, type ZoneTraffic } from '#events';
import { isCached } from './head-log.ts';

const [requestsAt, bytesAt, bytesCachedAt, statusesAt] = [0, 1, 2, 3];
const outcomesAt = statusesAt + statusClasses.length;
const [hitAt, staleAt] = [cacheOutcomes.indexOf('hit'), cacheOutcomes.indexOf('stale')];
const latencyAt = outcomesAt + cacheOutcomes.length;
const length = latencyAt + latencyBoundsMs.length + 1;

/** Counters of one zone and period, in one block of numbers: to count an answer is a handful of additions. */
export class Counts {
  readonly #values = new Float64Array(length);

  /** @param latencyMs until the head was ready */
  answer(statusClass: number, outcome: number, latencyMs: number): void {
    this.#grow(requestsAt, 1);
    this.#grow(statusesAt + statusClass, 1);
    this.#grow(outcomesAt + outcome, 1);
    let bucket = 0;
    while (bucket < latencyBoundsMs.length && latencyMs > (latencyBoundsMs[bucket] as number)) bucket++;
    this.#grow(latencyAt + bucket, 1);
  }

  bytes(count: number, outcome: number): void {
    this.#grow(bytesAt, count);
    if (isCached(outcome)) this.#grow(bytesCachedAt, count);
  }

  add(other: Counts): void {
    for (let at = 0; at < length; at++) this.#grow(at, other.#values[at] as number);
  }

  /** Empty again; what was in it. */
  take(): Counts {
    const taken = new Counts();
    taken.#values.set(this.#values);
    this.#values.fill(0);
    return taken;
  }

  get isEmpty(): boolean {
    return this.#values[requestsAt] === 0 && this.#values[bytesAt] === 0;
  }

  get requests(): number {
    return this.#values[requestsAt] as number;
  }

  get sent(): number {
    return this.#values[bytesAt] as number;
  }

  /** From the cache, stale ones too. */
  get hits(): number {
    return (this.#values[outcomesAt + hitAt] as number) + (this.#values[outcomesAt + staleAt] as number);
  }

  /** Grows with everything that is counted. */
  get weight(): number {
    return (this.#values[requestsAt] as number) + (this.#values[bytesAt] as number);
  }

  #grow(at: number, by: number): void {
    this.#values[at] = (this.#values[at] as number) + by;
  }

  told(zone: string | null): ZoneTraffic {
    const named = <Name extends string>(names: readonly Name[], from: number): Record<Name, number> =>
      Object.fromEntries(names.map((name, at) => [name, this.#values[from + at] as number])) as Record<Name, number>;
    return {
      zone,
      requests: this.#values[requestsAt] as number,
      bytes: this.#values[bytesAt] as number,
      bytesCached: this.#values[bytesCachedAt] as number,
      statuses: named(statusClasses, statusesAt),
      cache: named(cacheOutcomes, outcomesAt),
      latency: [...this.#values.subarray(latencyAt)],
    };
  }
}
