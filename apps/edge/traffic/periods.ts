import type { ZoneTraffic } from '#events';
import { Counts } from './zone-counts.ts';
import { ZoneTotals, type ZoneTotal } from './zone-totals.ts';

export const minuteMs = 60_000;
export const hourMs = 3_600_000;

/** A finished period that could not be told for so long is given up: an edge without a log must not grow. */
const minutesKept = 120;
const hoursKept = 24;

/** Counters of one zone on an edge. */
export interface ZoneCounter {
  readonly id: string;
  readonly tenant: string;
  /** Of the minute that runs. */
  readonly now: Counts;
  /** Of the minutes of this hour before it. */
  readonly before: Counts;
}

/** What is to be told of one period and tenant. */
export interface PeriodNews {
  readonly tenant: string;
  readonly period: 'minute' | 'hour';
  readonly startMs: number;
  readonly zones: readonly ZoneTraffic[];
}

interface Finished {
  readonly startMs: number;
  readonly counts: readonly (readonly [ZoneCounter, Counts])[];
}

const beginOf = (nowMs: number, periodMs: number): number => nowMs - (nowMs % periodMs);

/**
 * Counters by zone, minute and hour. Answers are counted into the minute that runs; when it is over, which somebody must
 * look for, it is put aside until it has been told.
 */
export class Periods {
  readonly #zones = new Map<string, ZoneCounter>();
  readonly #minutes: Finished[] = [];
  readonly #hours: Finished[] = [];
  /** What was last told of a running period, by period and zone. */
  #told = new Map<string, number>();
  readonly #totals = new ZoneTotals();
  #minute: number;
  #last: ZoneCounter | undefined;
  /** Periods that nobody was told of. */
  lost = 0;

  constructor(nowMs: number) {
    this.#minute = beginOf(nowMs, minuteMs);
  }

  /** Most requests are for the zone of the last one. */
  of({ id, tenant }: { readonly id: string; readonly tenant: string }): ZoneCounter {
    if (this.#last?.id === id) return this.#last;
    const known = this.#zones.get(id) ?? { id, tenant, now: new Counts(), before: new Counts() };
    this.#zones.set(id, known);
    this.#last = known;
    return known;
  }

  /** Puts a minute and an hour aside that are over. */
  roll(nowMs: number): void {
    const minute = beginOf(nowMs, minuteMs);
    // A clock that is set back goes on with the minute it had.
    if (minute <= this.#minute) return;
    const zones = [...this.#zones.values()];
    const counts = zones.filter(({ now }) => !now.isEmpty).map((zone) => [zone, zone.now.take()] as const);
    if (counts.length > 0) this.lost += keep(this.#minutes, { startMs: this.#minute, counts }, minutesKept);
    for (const [zone, taken] of counts) {
      zone.before.add(taken);
      this.#totals.add(zone.id, taken);
    }
    const hour = beginOf(this.#minute, hourMs);
    this.#minute = minute;
    this.#told = new Map([...this.#told].filter(([key]) => key.startsWith('hour')));
    if (beginOf(minute, hourMs) === hour) return;
    const whole = zones.filter(({ before }) => !before.isEmpty).map((zone) => [zone, zone.before.take()] as const);
    if (whole.length > 0) this.lost += keep(this.#hours, { startMs: hour, counts: whole }, hoursKept);
    this.#told.clear();
    // Zones may have gone with it; whoever is asked for again is counted anew.
    this.#zones.clear();
    this.#last = undefined;
  }

  /** Of each zone since the start, by its name in metrics. */
  totals(): ReadonlyMap<string, ZoneTotal> {
    return this.#totals.with(this.#zones.values());
  }

  /** Finished periods, which are then forgotten here. */
  finished(): readonly PeriodNews[] {
    const news = [...newsOf('minute', this.#minutes), ...newsOf('hour', this.#hours)];
    this.#minutes.length = 0;
    this.#hours.length = 0;
    return news;
  }

  /** The period that runs, of the zones where something was counted since it was last told. */
  running(period: 'minute' | 'hour'): readonly PeriodNews[] {
    const counts: (readonly [ZoneCounter, Counts])[] = [];
    for (const zone of this.#zones.values()) {
      const sum = new Counts();
      sum.add(zone.now);
      if (period === 'hour') sum.add(zone.before);
      const key = `${period} ${zone.id}`;
      if (sum.weight === (this.#told.get(key) ?? 0)) continue;
      this.#told.set(key, sum.weight);
      counts.push([zone, sum]);
    }
    return newsOf(period, [{ startMs: period === 'hour' ? beginOf(this.#minute, hourMs) : this.#minute, counts }]);
  }
}

/** How many had to go for it. */
function keep(list: Finished[], one: Finished, most: number): number {
  list.push(one);
  const over = Math.max(0, list.length - most);
  list.splice(0, over);
  return over;
}

function newsOf(period: 'minute' | 'hour', list: readonly Finished[]): PeriodNews[] {
  return list.flatMap(({ counts, startMs }) =>
    [...Map.groupBy(counts, ([zone]) => zone.tenant)].map(([tenant, of]) => ({
      ...{ tenant, period, startMs },
      zones: of.map(([zone, sum]) => sum.told(zone.id === '' ? null : zone.id)),
    })),
  );
}
