import type { Principal } from '#domain/access';
import { popularObjectTable, trafficHourTable, trafficMinuteTable, trafficSums, zoneTable } from '#domain/edge';
import { statusClasses } from '#events';
import { ReadStore, ReadTotals, type Clock, type ReadCondition, type Total } from '#ports';
import { badRequest } from '../http/problem.errors.ts';
import { confinement } from '../watch/read-models.ts';
import { platformZoneName, type groupings } from './traffic.contract.ts';
import { add, figuresOf, figuresOfStatus, stepFor, type Figures, type Sums } from './traffic.view.ts';

export interface TrafficScope {
  readonly from?: number | undefined;
  readonly until?: number | undefined;
  readonly zone?: string | undefined;
  readonly edge?: string | undefined;
  readonly region?: string | undefined;
  readonly tenant?: string | undefined;
}

export interface TrafficQuery extends TrafficScope {
  readonly step?: number | undefined;
  readonly groupBy?: (typeof groupings)[number] | undefined;
}

interface Point {
  readonly atMs: number;
  readonly group: string | null;
  readonly sums: Sums;
}

const hourMs = 3_600_000;
const totalsMax = 10_000;
const zonesMax = 10_000;
const columnsBy = { zone: ['zone_id'], edge: ['edge_id', 'origin'], region: ['region'] } as const;

const isoOf = (ms: number): string => new Date(ms).toISOString();

/** Names of zones by id, of those that the caller may see. */
type ZoneNames = ReadonlyMap<string, string>;

/** Adds up what edges answered. */
export class TrafficReader {
  readonly #reads: ReadStore;
  readonly #totals: ReadTotals;
  readonly #clock: Clock;

  constructor(reads: ReadStore, totals: ReadTotals, clock: Clock) {
    this.#reads = reads;
    this.#totals = totals;
    this.#clock = clock;
  }

  async traffic(query: TrafficQuery, principal: Principal): Promise<object> {
    const { fromMs, untilMs } = this.#span(query);
    const stepSeconds = query.step ?? stepFor((untilMs - fromMs) / 1000);
    const table = stepSeconds < 3600 ? trafficMinuteTable : trafficHourTable;
    const names = await this.#zoneNames(principal);
    const width = BigInt(stepSeconds * 1000);
    const columns = query.groupBy === undefined || query.groupBy === 'status' ? [] : columnsBy[query.groupBy];
    const found = await this.#totals.totals(table, {
      where: [...conditionsOf(query, names, principal), ...during('start_ms', fromMs, untilMs, stepSeconds < 3600 ? 60_000 : hourMs)],
      groupBy: [{ column: 'start_ms', width }, ...columns.map((column) => ({ column }))],
      sums: trafficSums,
      limit: totalsMax,
    });
    const points = found.map(({ group, sums }): Point => ({ atMs: Number(group['start_ms']), group: groupOf(group, columns), sums }));
    const all = points.reduce<Sums>((sums, point) => add(sums, point.sums), {});
    const isPartial = found.length === totalsMax;
    const head = { from: isoOf(fromMs), until: isoOf(untilMs), stepSeconds, totals: figuresOf(all) };
    return query.groupBy === 'status' ? { ...head, ...byStatus(points, all), isPartial } : { ...head, ...byGroup(points, query.groupBy, names), isPartial };
  }

  async objects({ limit, ...query }: TrafficScope & { readonly limit: number }, principal: Principal): Promise<object> {
    const { fromMs, untilMs } = this.#span(query);
    const names = await this.#zoneNames(principal);
    const found = await this.#totals.totals(popularObjectTable, {
      where: [...conditionsOf(query, names, principal), ...during('hour_ms', fromMs, untilMs, hourMs)],
      groupBy: [{ column: 'zone_id' }, { column: 'host' }, { column: 'path' }],
      sums: ['requests', 'bytes'],
      greatest: 'requests',
      limit,
    });
    const items = found.map(({ group, sums }) => ({
      zone: group['zone_id'] === '' ? null : String(group['zone_id']),
      zoneName: nameOf(String(group['zone_id']), names),
      host: String(group['host']),
      path: String(group['path']),
      requests: Number(sums['requests']),
      bytes: Number(sums['bytes']),
    }));
    return { from: isoOf(fromMs), until: isoOf(untilMs), items };
  }

  /** URLs of what was asked for most, the first ones first: whole ones on hosts of zones, paths of the platform's media. */
  async popularUrls({ limit, ...query }: TrafficScope & { readonly limit: number }, principal: Principal): Promise<readonly string[]> {
    const { fromMs, untilMs } = this.#span(query);
    const names = await this.#zoneNames(principal);
    const found = await this.#totals.totals(popularObjectTable, {
      where: [...conditionsOf(query, names, principal), ...during('hour_ms', fromMs, untilMs, hourMs)],
      groupBy: [{ column: 'zone_id' }, { column: 'host' }, { column: 'path' }],
      sums: ['requests'],
      greatest: 'requests',
      limit,
    });
    return found.map(({ group }) => (group['zone_id'] === '' ? String(group['path']) : `https://${String(group['host'])}${String(group['path'])}`));
  }

  #span({ from, until }: TrafficScope): { readonly fromMs: number; readonly untilMs: number } {
    const untilMs = until ?? this.#clock.now();
    const fromMs = from ?? untilMs - hourMs;
    if (fromMs < untilMs) return { fromMs, untilMs };
    const message = 'query.from: Expected a time before `until`.';
    throw badRequest('invalid-request', message, [{ field: 'query.from', message }]);
  }

  async #zoneNames(principal: Principal): Promise<ZoneNames> {
    const rows = await this.#reads.select(zoneTable, { where: confinement(principal), limit: zonesMax });
    return new Map(rows.map((row) => [String(row['zone_id']), String(row['name'])]));
  }
}

function during(column: string, fromMs: number, untilMs: number, periodMs: number): readonly ReadCondition[] {
  return [
    { column, is: 'gte', value: BigInt(fromMs - (fromMs % periodMs)) },
    { column, is: 'lt', value: BigInt(untilMs) },
  ];
}

function conditionsOf({ edge, region, tenant, zone }: TrafficScope, names: ZoneNames, principal: Principal): readonly ReadCondition[] {
  const named = zone === undefined ? undefined : ([...names].find(([, name]) => name === zone)?.[0] ?? zone);
  const wanted = { zone_id: zone === platformZoneName ? '' : named, edge_id: edge, region, tenant };
  const where = Object.entries(wanted).flatMap(([column, value]): ReadCondition[] => (value === undefined ? [] : [{ column, is: 'eq', value }]));
  return [...where, ...confinement(principal)];
}

/** An edge of another region than this one is named by its region too. */
function groupOf(group: Total['group'], columns: readonly string[]): string | null {
  if (columns.length === 0) return null;
  const origin = group['origin'] ?? '';
  const name = String(group[columns[0] as string] ?? '');
  return origin === '' ? name : `${String(origin)}/${name}`;
}

function nameOf(zoneId: string, names: ZoneNames): string {
  return zoneId === '' ? platformZoneName : (names.get(zoneId) ?? zoneId);
}

interface Shown {
  readonly groups: ReadonlyArray<{ readonly group: string; readonly name: string; readonly figures: Figures }>;
  readonly points: ReadonlyArray<{ readonly at: string; readonly group: string | null; readonly figures: Figures }>;
}

function byGroup(points: readonly Point[], groupBy: TrafficQuery['groupBy'], names: ZoneNames): Shown {
  const sums = new Map<string, Sums>();
  for (const point of points) if (point.group !== null) sums.set(point.group, add(sums.get(point.group) ?? {}, point.sums));
  const groups = [...sums].map(([group, of]) => ({
    group: groupBy === 'zone' && group === '' ? platformZoneName : group,
    name: groupBy === 'zone' ? nameOf(group, names) : group,
    figures: figuresOf(of),
  }));
  return {
    groups: groups.toSorted((a, b) => b.figures.requests - a.figures.requests),
    points: points.map(({ atMs, group, sums: of }) => ({
      at: isoOf(atMs),
      group: groupBy === 'zone' && group === '' ? platformZoneName : group,
      figures: figuresOf(of),
    })),
  };
}

function byStatus(points: readonly Point[], all: Sums): Shown {
  const groups = statusClasses.map((name) => ({ group: name, name, figures: figuresOfStatus(all, name) })).filter(({ figures }) => figures.requests > 0);
  const shown = points.flatMap(({ atMs, sums }) =>
    groups.map(({ group }) => ({ at: isoOf(atMs), group, figures: figuresOfStatus(sums, group) })).filter(({ figures }) => figures.requests > 0),
  );
  return { groups, points: shown };
}
