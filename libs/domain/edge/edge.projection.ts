import { edgeAudienceReported, edgeRegistered, edgeReported, type DomainEvent, type EventOf } from '#events';
import { partitionOf, type ColumnSpec, type Projection, type RowChange, type TableSpec } from '#kernel';

const counter: ColumnSpec = { type: 'count', join: 'max' };
const gaugeOf = (type: ColumnSpec['type']): ColumnSpec => ({ type, join: 'lww', stamp: 'report' });
const gauge = gaugeOf('count');
const settingOf = (type: ColumnSpec['type']): ColumnSpec => ({ type, join: 'lww', stamp: 'registration' });
const setting = settingOf('text');

/**
 * One row per edge, by the region that it is of: two regions may each have an edge-1. An edge registers itself at its start, and
 * an operator may announce it: the last to speak is right.
 */
export const edgeTable: TableSpec = {
  name: 'edge',
  key: { edge_id: 'text', origin: 'text' },
  originKey: 'origin',
  columns: {
    url: setting,
    region: setting,
    memory_bytes_max: settingOf('bigint'),
    node: setting,
    urls: settingOf('json'),
    addresses: settingOf('json'),
    protocols: settingOf('json'),
    latitude: settingOf('double'),
    longitude: settingOf('double'),
    disk_bytes_max: settingOf('bigint'),
    processes: settingOf('integer'),
    bits_per_second_max: settingOf('bigint'),
    connections_max: settingOf('bigint'),
    program_version: setting,
    registered_at_ms: { type: 'bigint', join: 'max' },
  },
};

const prefetchColumns = ['prefetched', 'prefetched_used', 'prefetched_wasted', 'prefetched_bytes', 'foreseen', 'foreseen_used', 'foreseen_wasted'] as const;

/** One row per process of an edge: counters that only grow within it, and its last gauges. */
export const edgeCountersTable: TableSpec = {
  name: 'edge_counters',
  key: { edge_id: 'text', incarnation: 'bigint', origin: 'text' },
  originKey: 'origin',
  columns: {
    requests: counter,
    hits: counter,
    misses: counter,
    collapsed: counter,
    origin_fetches: counter,
    origin_errors: counter,
    bytes_served: counter,
    bytes_from_origin: counter,
    reported_at_ms: counter,
    /** Of all that was fetched ahead, and of it what a learned model foresaw. */
    ...Object.fromEntries(prefetchColumns.map((name) => [name, counter])),
    objects: gauge,
    memory_bytes: gauge,
    connections: gauge,
    active_requests: gauge,
    bits_per_second: gauge,
    cpu: gaugeOf('double'),
    disk_bytes: gauge,
    behind_ms: gauge,
    draining: gaugeOf('boolean'),
    shared_tier: gaugeOf('text'),
  },
};

/** Orders events of several writers: by time, then by a hash of the id, so that two of one millisecond have an order too. */
function timeStamp(event: DomainEvent): bigint {
  return (BigInt(event.time) << 16n) | BigInt(partitionOf(event.id, 0x10000));
}

function maybe(value: number | null): bigint | null {
  return value === null ? null : BigInt(value);
}

function registered(event: EventOf<typeof edgeRegistered>): RowChange {
  const { edgeId, url, region, memoryBytesMax, node, urls, addresses, protocols, location, processes } = event.data;
  const { bitsPerSecondMax, connectionsMax, diskBytesMax, programVersion } = event.data;
  const set = {
    url,
    region,
    memory_bytes_max: BigInt(memoryBytesMax),
    node,
    urls,
    addresses,
    protocols,
    latitude: location?.latitude ?? null,
    longitude: location?.longitude ?? null,
    disk_bytes_max: BigInt(diskBytesMax),
    processes,
    bits_per_second_max: maybe(bitsPerSecondMax),
    connections_max: maybe(connectionsMax),
    program_version: programVersion,
    registered_at_ms: BigInt(event.time),
  };
  return { table: edgeTable.name, key: { edge_id: edgeId, origin: event.origin ?? '' }, set, stamps: { registration: timeStamp(event) } };
}

type PrefetchCounts = Record<(typeof prefetchColumns)[number], number>;

const nothingPrefetched: PrefetchCounts = {
  prefetched: 0,
  prefetched_used: 0,
  prefetched_wasted: 0,
  prefetched_bytes: 0,
  foreseen: 0,
  foreseen_used: 0,
  foreseen_wasted: 0,
};

/** Nobody counts beyond what a number holds, however many sources there are. */
function plus(a: number, b: number): number {
  return Math.min(a + b, Number.MAX_SAFE_INTEGER);
}

function prefetchCounts(told: EventOf<typeof edgeReported>['data']['prefetch']): PrefetchCounts {
  if (told.length === 0) return nothingPrefetched;
  const counts = { ...nothingPrefetched };
  for (const { source, fetched, used, wasted, bytes } of told) {
    counts.prefetched = plus(counts.prefetched, fetched);
    counts.prefetched_used = plus(counts.prefetched_used, used);
    counts.prefetched_wasted = plus(counts.prefetched_wasted, wasted);
    counts.prefetched_bytes = plus(counts.prefetched_bytes, bytes);
    if (source !== 'model') continue;
    counts.foreseen = plus(counts.foreseen, fetched);
    counts.foreseen_used = plus(counts.foreseen_used, used);
    counts.foreseen_wasted = plus(counts.foreseen_wasted, wasted);
  }
  return counts;
}

/** Each column by its name, and nothing spread: an edge reports every second. */
function reported(event: EventOf<typeof edgeReported>): RowChange {
  const { data } = event;
  const ahead = prefetchCounts(data.prefetch);
  const set = {
    requests: data.requests,
    hits: data.hits,
    misses: data.misses,
    collapsed: data.collapsed,
    origin_fetches: data.originFetches,
    origin_errors: data.originErrors,
    bytes_served: data.bytesServed,
    bytes_from_origin: data.bytesFromOrigin,
    reported_at_ms: event.time,
    prefetched: ahead.prefetched,
    prefetched_used: ahead.prefetched_used,
    prefetched_wasted: ahead.prefetched_wasted,
    prefetched_bytes: ahead.prefetched_bytes,
    foreseen: ahead.foreseen,
    foreseen_used: ahead.foreseen_used,
    foreseen_wasted: ahead.foreseen_wasted,
    objects: data.objects,
    memory_bytes: data.memoryBytes,
    connections: data.connections,
    active_requests: data.activeRequests,
    bits_per_second: data.bitsPerSecond,
    cpu: data.cpu,
    disk_bytes: data.diskBytes,
    behind_ms: data.behindMs,
    draining: data.draining,
    shared_tier: data.sharedTier,
  };
  const key = { edge_id: data.edgeId, incarnation: BigInt(data.incarnation), origin: event.origin ?? '' };
  return { table: edgeCountersTable.name, key, set, stamps: { report: timeStamp(event) } };
}

function project(event: DomainEvent): readonly RowChange[] {
  if (event.type === edgeRegistered.type) return [registered(event)];
  if (event.type === edgeReported.type) return [reported(event)];
  return [];
}

/** Edges and their counters; ratios are computed when read, because they do not merge. */
export const edgesProjection: Projection<DomainEvent> = {
  name: 'edges',
  version: 6,
  contexts: ['edge'],
  handles: [edgeRegistered.type, edgeReported.type],
  // A read model of its own has it.
  ignores: [edgeAudienceReported.type],
  tables: [edgeTable, edgeCountersTable],
  partitionedBy: { edge: 'edge_id', edge_counters: 'edge_id' },
  project,
};
