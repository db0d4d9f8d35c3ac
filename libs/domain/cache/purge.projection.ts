import { purgeApplied, purgeCounted, purgeCountRequested, purgeRequested, warmFinished, warmRequested, type DomainEvent, type EventOf } from '#events';
import type { Projection, RowChange, TableSpec } from '#kernel';

/** One row per purge, with what the first of its events names; null in `requested_at_ms` while only an edge's answer is known. */
export const purgeTable: TableSpec = {
  name: 'purge',
  key: { purge_id: 'text' },
  columns: {
    tenant: { type: 'text', join: 'once' },
    urls: { type: 'json', join: 'once' },
    selectors: { type: 'json', join: 'once' },
    mode: { type: 'text', join: 'once' },
    total: { type: 'bigint', join: 'once' },
    reason: { type: 'text', join: 'once' },
    requested_by: { type: 'text', join: 'once' },
    requested_at_ms: { type: 'bigint', join: 'once' },
  },
  indexes: [['requested_at_ms']],
  // One event of it writes the row.
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

function modeOf(event: EventOf<typeof purgeRequested> | EventOf<typeof purgeCountRequested>): string {
  if (event.type === purgeCountRequested.type) return 'dry-run';
  return event.data.soft === true ? 'soft' : 'hard';
}

function project(event: DomainEvent): readonly RowChange[] {
  if (event.type === purgeRequested.type || event.type === purgeCountRequested.type) {
    const { purgeId, urls, selectors = [], reason, part = 0, total = urls.length + selectors.length } = event.data;
    // What the first part does not hold is on the log: a row need not.
    if (part > 0) return [];
    const what = { urls, selectors: selectors.map((selector) => JSON.stringify(selector)), mode: modeOf(event), total: BigInt(total) };
    const set = { tenant: event.tenant, ...what, reason, requested_by: event.actor, requested_at_ms: BigInt(event.time) };
    return [{ table: purgeTable.name, key: { purge_id: purgeId }, set }];
  }
  if (event.type === purgeApplied.type || event.type === purgeCounted.type) {
    const { purgeId, edgeId, objects } = event.data;
    const appliedAtMs = event.type === purgeApplied.type ? event.data.appliedAtMs : event.data.countedAtMs;
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

/** What was purged, or would be, and which edge has done it when. */
export const purgesProjection: Projection<DomainEvent> = {
  name: 'purges',
  version: 5,
  contexts: ['cache'],
  handles: [purgeRequested.type, purgeApplied.type, purgeCountRequested.type, purgeCounted.type],
  ignores: [warmRequested.type, warmFinished.type],
  tables: [purgeTable, purgeApplicationTable],
  partitionedBy: { purge: 'purge_id', purge_application: 'purge_id' },
  project,
};
