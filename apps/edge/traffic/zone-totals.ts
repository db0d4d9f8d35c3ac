import type { Counts } from './zone-counts.ts';

/** Of everything since the process started; these only grow. */
export interface ZoneTotal {
  readonly requests: number;
  readonly bytes: number;
  /** Answered from the cache, stale ones too. */
  readonly hits: number;
}

/** Zones that have a total of their own: each is a time series wherever the metrics are kept. The rest is one together. */
export const zonesApartMax = 200;
const platformName = 'platform';
const restName = 'other';

const none: ZoneTotal = { requests: 0, bytes: 0, hits: 0 };
const totalOf = ({ hits, requests, sent }: Counts): ZoneTotal => ({ requests, bytes: sent, hits });
const sum = (a: ZoneTotal, b: ZoneTotal): ZoneTotal => ({ requests: a.requests + b.requests, bytes: a.bytes + b.bytes, hits: a.hits + b.hits });

/** What zones have come to, for metrics: bounded, whatever zones come and go. */
export class ZoneTotals {
  readonly #totals = new Map<string, ZoneTotal>();

  /** Adds a minute that is over. */
  add(zoneId: string, counts: Counts): void {
    const name = this.#nameOf(zoneId);
    this.#totals.set(name, sum(this.#totals.get(name) ?? none, totalOf(counts)));
  }

  /** With the minute that runs. */
  with(running: Iterable<{ readonly id: string; readonly now: Counts }>): ReadonlyMap<string, ZoneTotal> {
    const totals = new Map<string, ZoneTotal>();
    for (const { id, now } of running) {
      if (now.isEmpty) continue;
      // Whoever is seen first has the name for good: a total that moved to another name would shrink.
      const name = this.#nameOf(id);
      totals.set(name, sum(totals.get(name) ?? none, totalOf(now)));
    }
    for (const [name, total] of this.#totals) totals.set(name, sum(totals.get(name) ?? none, total));
    return totals;
  }

  #nameOf(zoneId: string): string {
    const name = zoneId === '' ? platformName : zoneId;
    if (this.#totals.has(name)) return name;
    if (this.#totals.size >= zonesApartMax) return restName;
    this.#totals.set(name, none);
    return name;
  }
}
