import {
  edgeAdmitted,
  edgeDrained,
  edgeRemoved,
  edgeResumed,
  edgeScaleAdvised,
  popularityReported,
  prefetchModelPublished,
  purgePolicySet,
  requestsServed,
  stampOf,
  trafficReported,
  zoneConfigured,
  zoneHostsClaimed,
  zoneRemoved,
  type DomainEvent,
} from '#events';
import type { ColumnSpec, Projection, RowChange, TableSpec } from '#kernel';
import { browseOf } from './browse.codec.ts';

const once = (type: ColumnSpec['type']): ColumnSpec => ({ type, join: 'once' });
const newest = (type: ColumnSpec['type']): ColumnSpec => ({ type, join: 'lww', stamp: 'model' });

/**
 * One row per event of an access log: who asked for what after what, without what no browser asks for. What is learned from
 * it fades, and adds up over rows; sums that fade are no columns that join, so they are made where they are used.
 */
export const browseBatchTable: TableSpec = {
  name: 'browse_batch',
  key: { edge_id: 'text', incarnation: 'bigint', origin: 'text', event_id: 'text' },
  originKey: 'origin',
  columns: {
    tenant: once('text'),
    region: once('text'),
    sample_rate: once('double'),
    /** JSON, as `browseOf` writes it. */
    visits: once('text'),
    from_ms: once('bigint'),
    at_ms: once('bigint'),
  },
  indexes: [['at_ms']],
  expires: { newest: 'at_ms', oldest: 'at_ms' },
};

/** One row per zone: what edges foresee of it. The platform's own is the zone without a name. */
export const prefetchModelTable: TableSpec = {
  name: 'prefetch_model',
  key: { zone_id: 'text', origin: 'text' },
  originKey: 'origin',
  columns: {
    tenant: newest('text'),
    number: newest('bigint'),
    /** Null where nothing is foreseen any more. */
    cid: newest('text'),
    size_bytes: newest('bigint'),
    trained_at_ms: newest('bigint'),
    published_at_ms: newest('bigint'),
    transitions: newest('bigint'),
    learned_from: newest('bigint'),
    tried_on: newest('bigint'),
    precision: newest('double'),
    coverage: newest('double'),
  },
};

function browsed(event: DomainEvent): readonly RowChange[] {
  if (event.type !== requestsServed.type) return [];
  const { data, id, origin, tenant, time } = event;
  const browse = browseOf(data);
  if (browse === undefined) return [];
  const key = { edge_id: data.edgeId, incarnation: BigInt(data.incarnation), origin: origin ?? '', event_id: id };
  const told = { visits: browse.text, from_ms: BigInt(browse.fromMs), at_ms: BigInt(time) };
  return [{ table: browseBatchTable.name, key, set: { tenant, region: data.region, sample_rate: data.sampleRate, ...told } }];
}

function published(event: DomainEvent): readonly RowChange[] {
  if (event.type !== prefetchModelPublished.type) return [];
  const { data, origin, tenant, time } = event;
  const counts = { transitions: BigInt(data.transitions), learned_from: BigInt(data.learnedFrom), tried_on: BigInt(data.triedOn) };
  const about = { tenant, number: BigInt(data.number), cid: data.cid, size_bytes: BigInt(data.sizeBytes), precision: data.precision, coverage: data.coverage };
  const set = { ...about, ...counts, trained_at_ms: BigInt(data.trainedAtMs), published_at_ms: BigInt(time) };
  return [{ table: prefetchModelTable.name, key: { zone_id: data.zone ?? '', origin: origin ?? '' }, set, stamps: { model: stampOf(event) } }];
}

/** What is asked for after what: models are learned from it. */
export const browsingProjection: Projection<DomainEvent> = {
  name: 'browsing',
  version: 1,
  contexts: ['traffic'],
  handles: [requestsServed.type],
  ignores: [trafficReported.type, popularityReported.type],
  tables: [browseBatchTable],
  partitionedBy: { browse_batch: 'edge_id' },
  project: browsed,
};

/** By which models edges foresee what is asked for next. */
export const prefetchModelsProjection: Projection<DomainEvent> = {
  name: 'prefetch_models',
  version: 1,
  contexts: ['zone'],
  handles: [prefetchModelPublished.type],
  ignores: [
    ...[zoneConfigured.type, zoneRemoved.type, zoneHostsClaimed.type, purgePolicySet.type],
    ...[edgeAdmitted.type, edgeDrained.type, edgeResumed.type, edgeRemoved.type, edgeScaleAdvised.type],
  ],
  tables: [prefetchModelTable],
  project: published,
};
