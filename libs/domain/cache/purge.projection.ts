import { purgeApplied, purgeRequested, type DomainEvent } from '#events';
import type { Projection, RowChange, TableSpec } from '#kernel';

/** One row per purge; null in `requested_at_ms` while only an edge's answer is known. */
export const purgeTable: TableSpec = {
  name: 'purge',
  key: { purge_id: 'text' },
  columns: {
    tenant: { type: 'text', join: 'once' },
    urls: { type: 'json', join: 'once' },
    reason: { type: 'text', join: 'once' },
    requested_by: { type: 'text', join: 'once' },
    requested_at_ms: { type: 'bigint', join: 'once' },
  },
  indexes: [['requested_at_ms']],
  // One event writes it.
  expires: { newest: 'requested_at_ms', oldest: 'requested_at_ms' },
};

/** One row per purge and edge, by the region that the edge is of. An edge that crashed and applied it again counts from the first time, with the most objects. */
export const purgeApplicationTable: TableSpec = {
  name: 'purge_application',
  key: { purge_id: 'text', edge_id: 'text', origin: 'text' },
  originKey: 'origin',
  columns: {
    objects: { type: 'bigint', join: 'max' },
    applied_at_ms: { type: 'bigint', join: 'min' },
    last_applied_at_ms: { type: 'bigint', join: 'max' },
  },
  indexes: [['last_applied_at_ms']],
  expires: { newest: 'last_applied_at_ms', oldest: 'applied_at_ms' },
};

function project(event: DomainEvent): readonly RowChange[] {
  if (event.type === purgeRequested.type) {
    const { purgeId, urls, reason } = event.data;
    const set = { tenant: event.tenant, urls, reason, requested_by: event.actor, requested_at_ms: BigInt(event.time) };
    return [{ table: purgeTable.name, key: { purge_id: purgeId }, set }];
  }
  if (event.type === purgeApplied.type) {
    const { purgeId, edgeId, objects, appliedAtMs } = event.data;
    const key = { purge_id: purgeId, edge_id: edgeId, origin: event.origin ?? '' };
    return [
      {
        table: purgeApplicationTable.name,
        key,
        set: { objects: BigInt(objects), applied_at_ms: BigInt(appliedAtMs), last_applied_at_ms: BigInt(appliedAtMs) },
      },
    ];
  }
  return [];
}

/** What was purged, and which edge has done it when. */
export const purgesProjection: Projection<DomainEvent> = {
  name: 'purges',
  version: 4,
  contexts: ['cache'],
  handles: [purgeRequested.type, purgeApplied.type],
  ignores: [],
  tables: [purgeTable, purgeApplicationTable],
  partitionedBy: { purge: 'purge_id', purge_application: 'purge_id' },
  project,
};
