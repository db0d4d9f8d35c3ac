import {
  cacheOutcomes,
  latencyBoundsMs,
  popularityReported,
  requestsServed,
  stampOf,
  statusClasses,
  trafficReported,
  type DomainEvent,
  type EventOf,
  type ZoneTraffic,
} from '#events';
import type { ColumnSpec, Projection, RowChange, TableSpec } from '#kernel';

const counter: ColumnSpec = { type: 'bigint', join: 'max' };
const once: ColumnSpec = { type: 'text', join: 'once' };
const last = (type: ColumnSpec['type']): ColumnSpec => ({ type, join: 'lww', stamp: 'batch' });

export const statusColumns = statusClasses.map((name) => `status_${name}`);
export const cacheColumns = cacheOutcomes.map((name) => `cache_${name}`);
/** The last one is of what took longer than any bound. */
export const latencyColumns = [...latencyBoundsMs.map((bound) => `latency_${bound}ms`), 'latency_more'];
/** Everything that adds up. */
export const trafficSums: readonly string[] = ['requests', 'bytes', 'bytes_cached', ...statusColumns, ...cacheColumns, ...latencyColumns];

const columnsOf = (names: readonly string[], spec: ColumnSpec): Readonly<Record<string, ColumnSpec>> => Object.fromEntries(names.map((name) => [name, spec]));

const speaker = { edge_id: 'text', incarnation: 'bigint', origin: 'text' } as const;
const times = { newest_ms: { type: 'bigint', join: 'max' }, oldest_ms: { type: 'bigint', join: 'min' } } as const;
const expires = { newest: 'newest_ms', oldest: 'oldest_ms' } as const;

/**
 * One row per minute, zone and running edge: what it answered by then. Counters of one run and minute only grow, so
 * that the greater is the later, and what is told twice or out of order changes nothing. The platform's own media is the
 * zone without a name.
 */
export const trafficMinuteTable: TableSpec = {
  name: 'traffic_minute',
  key: { start_ms: 'bigint', zone_id: 'text', ...speaker },
  originKey: 'origin',
  columns: { tenant: once, region: once, ...columnsOf(trafficSums, counter), ...times },
  indexes: [['tenant', 'start_ms']],
  expires,
};

/** The same by the hour, as edges report it themselves: it stays when the minutes are forgotten. */
export const trafficHourTable: TableSpec = { ...trafficMinuteTable, name: 'traffic_hour' };

/** What was asked for most, by hour, zone and running edge: never more than it was. */
export const popularObjectTable: TableSpec = {
  name: 'popular_object',
  key: { hour_ms: 'bigint', zone_id: 'text', host: 'text', path: 'text', ...speaker },
  originKey: 'origin',
  columns: { tenant: once, region: once, requests: counter, bytes: counter, ...times },
  indexes: [['tenant', 'hour_ms']],
  expires,
};

/** Of each tenant and running edge: which share of its requests the access log holds. The lines themselves stay in the log. */
export const accessLogTable: TableSpec = {
  name: 'access_log',
  key: { tenant: 'text', ...speaker },
  originKey: 'origin',
  columns: {
    region: once,
    /** Of the last batch. */
    sample_rate: last('double'),
    lines: last('bigint'),
    dropped: last('bigint'),
    ...times,
  },
  indexes: [],
  expires,
};

const timesOf = ({ time }: DomainEvent): RowChange['set'] => ({ newest_ms: BigInt(time), oldest_ms: BigInt(time) });

interface Telling {
  readonly edgeId: string;
  readonly incarnation: number;
}

const processOf = ({ edgeId, incarnation }: Telling, event: DomainEvent): RowChange['key'] => ({
  edge_id: edgeId,
  incarnation: BigInt(incarnation),
  origin: event.origin ?? '',
});

function countersOf(zone: ZoneTraffic): Record<string, bigint> {
  const set: Record<string, bigint> = { requests: BigInt(zone.requests), bytes: BigInt(zone.bytes), bytes_cached: BigInt(zone.bytesCached) };
  for (const name of statusClasses) set[`status_${name}`] = BigInt(zone.statuses[name]);
  for (const name of cacheOutcomes) set[`cache_${name}`] = BigInt(zone.cache[name]);
  for (const [at, column] of latencyColumns.entries()) set[column] = BigInt(zone.latency[at] ?? 0);
  return set;
}

function reported(event: EventOf<typeof trafficReported>): readonly RowChange[] {
  const { data, tenant } = event;
  const table = data.period === 'minute' ? trafficMinuteTable.name : trafficHourTable.name;
  return data.zones.map((zone) => ({
    table,
    key: { start_ms: BigInt(data.startMs), zone_id: zone.zone ?? '', ...processOf(data, event) },
    set: { tenant, region: data.region, ...countersOf(zone), ...timesOf(event) },
  }));
}

function popular(event: EventOf<typeof popularityReported>): readonly RowChange[] {
  const { data, tenant } = event;
  return data.objects.map(({ bytes, host, path, requests }) => ({
    table: popularObjectTable.name,
    key: { hour_ms: BigInt(data.hourMs), zone_id: data.zone ?? '', host, path, ...processOf(data, event) },
    set: { tenant, region: data.region, requests: BigInt(requests), bytes: BigInt(bytes), ...timesOf(event) },
  }));
}

function served(event: EventOf<typeof requestsServed>): RowChange {
  const { data, tenant } = event;
  const batch = { sample_rate: data.sampleRate, lines: BigInt(data.requests.length), dropped: BigInt(data.dropped) };
  return {
    table: accessLogTable.name,
    key: { tenant, ...processOf(data, event) },
    set: { region: data.region, ...batch, ...timesOf(event) },
    stamps: { batch: stampOf(event) },
  };
}

function project(event: DomainEvent): readonly RowChange[] {
  if (event.type === trafficReported.type) return reported(event);
  if (event.type === popularityReported.type) return popular(event);
  if (event.type === requestsServed.type) return [served(event)];
  return [];
}

/** What edges answered. Ratios and quantiles are computed when read, because they do not merge. */
export const trafficProjection: Projection<DomainEvent> = {
  name: 'traffic',
  version: 1,
  contexts: ['traffic'],
  handles: [requestsServed.type, trafficReported.type, popularityReported.type],
  ignores: [],
  tables: [trafficMinuteTable, trafficHourTable, popularObjectTable, accessLogTable],
  partitionedBy: { traffic_minute: 'edge_id', traffic_hour: 'edge_id', popular_object: 'edge_id', access_log: 'edge_id' },
  project,
};
