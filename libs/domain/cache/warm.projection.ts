import { purgeApplied, purgeCounted, purgeCountRequested, purgeRequested, stampOf, warmFinished, warmRequested, type DomainEvent } from '#events';
import type { Projection, RowChange, TableSpec } from '#kernel';

/** One row per warming, with what the first of its events names. */
export const warmTable: TableSpec = {
  name: 'warm',
  key: { warm_id: 'text' },
  columns: {
    tenant: { type: 'text', join: 'once' },
    urls: { type: 'json', join: 'once' },
    sitemaps: { type: 'json', join: 'once' },
    regions: { type: 'json', join: 'once' },
    edges: { type: 'json', join: 'once' },
    mode: { type: 'text', join: 'once' },
    total: { type: 'bigint', join: 'once' },
    reason: { type: 'text', join: 'once' },
    requested_by: { type: 'text', join: 'once' },
    requested_at_ms: { type: 'bigint', join: 'once' },
  },
  indexes: [['requested_at_ms']],
  expires: { newest: 'requested_at_ms', oldest: 'requested_at_ms' },
};

/** One row per warming and edge. An edge that did it again counts with the most of each, and tells what failed the last time. */
export const warmResultTable: TableSpec = {
  name: 'warm_result',
  key: { warm_id: 'text', edge_id: 'text', origin: 'text' },
  originKey: 'origin',
  columns: {
    region: { type: 'text', join: 'max' },
    urls: { type: 'bigint', join: 'max' },
    present: { type: 'bigint', join: 'max' },
    fetched: { type: 'bigint', join: 'max' },
    failed: { type: 'bigint', join: 'max' },
    bytes: { type: 'bigint', join: 'max' },
    failures: { type: 'json', join: 'lww', stamp: 'done' },
    first_finished_at_ms: { type: 'bigint', join: 'min' },
    finished_at_ms: { type: 'bigint', join: 'max' },
  },
  indexes: [['finished_at_ms']],
  expires: { newest: 'finished_at_ms', oldest: 'first_finished_at_ms' },
};

/** Rows of a warming hold so many of its URLs; the rest is on the log. */
const urlsShown = 100;

function project(event: DomainEvent): readonly RowChange[] {
  if (event.type === warmRequested.type) {
    const { dryRun, edges, part, reason, regions, sitemaps, total, urls, warmId } = event.data;
    if (part > 0) return [];
    const about = { urls: urls.slice(0, urlsShown), sitemaps, regions, edges, mode: dryRun ? 'dry-run' : 'fetch', total: BigInt(total), reason };
    const set = { tenant: event.tenant, ...about, requested_by: event.actor, requested_at_ms: BigInt(event.time) };
    return [{ table: warmTable.name, key: { warm_id: warmId }, set }];
  }
  if (event.type === warmFinished.type) {
    const { bytes, edgeId, failed, failures, fetched, finishedAtMs, present, region, urls, warmId } = event.data;
    const counts = { urls: BigInt(urls), present: BigInt(present), fetched: BigInt(fetched), failed: BigInt(failed), bytes: BigInt(bytes) };
    const key = { warm_id: warmId, edge_id: edgeId, origin: event.origin ?? '' };
    const about = { region, ...counts, failures: failures.map((failure) => JSON.stringify(failure)) };
    const set = { ...about, first_finished_at_ms: BigInt(finishedAtMs), finished_at_ms: BigInt(finishedAtMs) };
    return [{ table: warmResultTable.name, key, set, stamps: { done: stampOf(event) } }];
  }
  return [];
}

/** What was warmed, and how far each edge has come. */
export const warmsProjection: Projection<DomainEvent> = {
  name: 'warms',
  version: 2,
  contexts: ['cache'],
  handles: [warmRequested.type, warmFinished.type],
  ignores: [purgeRequested.type, purgeApplied.type, purgeCountRequested.type, purgeCounted.type],
  tables: [warmTable, warmResultTable],
  partitionedBy: { warm: 'warm_id', warm_result: 'warm_id' },
  project,
};
