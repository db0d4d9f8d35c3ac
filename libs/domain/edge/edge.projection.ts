import { edgeAudienceReported, edgeRegistered, edgeReported, type DomainEvent, type EventOf } from '#events';
import { partitionOf, type ColumnSpec, type Projection, type RowChange, type TableSpec } from '#kernel';

const counter: ColumnSpec = { type: 'bigint', join: 'max' };
const gauge: ColumnSpec = { type: 'bigint', join: 'lww', stamp: 'report' };
const setting: ColumnSpec = { type: 'text', join: 'lww', stamp: 'registration' };

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
    memory_bytes_max: { type: 'bigint', join: 'lww', stamp: 'registration' },
    registered_at_ms: { type: 'bigint', join: 'max' },
  },
};

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
    objects: gauge,
    memory_bytes: gauge,
  },
};

/** Orders events of several writers: by time, then by a hash of the id, so that two of one millisecond have an order too. */
function timeStamp(event: DomainEvent): bigint {
  return (BigInt(event.time) << 16n) | BigInt(partitionOf(event.id, 0x10000));
}

function registered(event: EventOf<typeof edgeRegistered>): RowChange {
  const { edgeId, url, region, memoryBytesMax } = event.data;
  const set = { url, region, memory_bytes_max: BigInt(memoryBytesMax), registered_at_ms: BigInt(event.time) };
  return { table: edgeTable.name, key: { edge_id: edgeId, origin: event.origin ?? '' }, set, stamps: { registration: timeStamp(event) } };
}

function reported(event: EventOf<typeof edgeReported>): RowChange {
  const { data } = event;
  const set = {
    requests: BigInt(data.requests),
    hits: BigInt(data.hits),
    misses: BigInt(data.misses),
    collapsed: BigInt(data.collapsed),
    origin_fetches: BigInt(data.originFetches),
    origin_errors: BigInt(data.originErrors),
    bytes_served: BigInt(data.bytesServed),
    bytes_from_origin: BigInt(data.bytesFromOrigin),
    reported_at_ms: BigInt(event.time),
    objects: BigInt(data.objects),
    memory_bytes: BigInt(data.memoryBytes),
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
  version: 2,
  contexts: ['edge'],
  handles: [edgeRegistered.type, edgeReported.type],
  // A read model of its own has it.
  ignores: [edgeAudienceReported.type],
  tables: [edgeTable, edgeCountersTable],
  partitionedBy: { edge: 'edge_id', edge_counters: 'edge_id' },
  project,
};
