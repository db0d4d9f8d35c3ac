import { edgeRowName, hitRatio, isOurs, originOffload, registryOf, type EdgeCounters, type RegisteredEdge, type RegistryRows } from '#domain/edge';
import type { ReadRow } from '#ports';
import { isoTime } from '../http/fields.ts';

export type EdgeStatus = RegisteredEdge['state'];

export interface EdgeHealth {
  readonly id: string;
  readonly status: EdgeStatus;
  readonly [field: string]: unknown;
}

export interface CdnHealth {
  readonly status: 'up' | 'degraded' | 'down' | 'empty';
  readonly hitRatio: number | null;
  readonly originOffload: number | null;
  readonly edges: readonly EdgeHealth[];
}

export type CdnRows = RegistryRows & { readonly counters: readonly ReadRow[] };

function counters(row: ReadRow): EdgeCounters {
  return {
    requests: row['requests'] as number,
    hits: row['hits'] as number,
    collapsed: row['collapsed'] as number,
    originFetches: row['origin_fetches'] as number,
  };
}

function total(rows: readonly ReadRow[], column: string): number {
  return rows.reduce((sum, row) => sum + Number(row[column] ?? 0), 0);
}

/** The region that an edge is of; null for this one. */
export function mirroredFrom(row: ReadRow): string | null {
  return row['origin'] === '' ? null : String(row['origin']);
}

function capabilities(edge: RegisteredEdge): object {
  const { addresses, bitsPerSecondMax, connectionsMax, diskBytesMax, location, node, processes, programVersion, protocols, urls } = edge;
  return { node, urls, addresses, location, protocols, diskBytesMax, processes, bitsPerSecondMax, connectionsMax, programVersion };
}

function prefetchOf(processes: readonly ReadRow[]): object {
  const counted = (name: string) => ({ fetched: total(processes, name), used: total(processes, `${name}_used`), wasted: total(processes, `${name}_wasted`) });
  return { ...counted('prefetched'), bytes: total(processes, 'prefetched_bytes'), foreseen: counted('foreseen') };
}

function edgeHealthOf(edge: RegisteredEdge, processes: readonly ReadRow[]): EdgeHealth {
  const newest = processes.toSorted((a, b) => Number((b['incarnation'] as bigint) - (a['incarnation'] as bigint)))[0];
  const ratios = processes.map(counters);
  return {
    id: edge.edgeId,
    url: edge.url,
    region: edge.region,
    mirroredFrom: edge.origin === '' ? null : edge.origin,
    status: edge.state,
    reason: edge.reason,
    keyId: edge.keyId,
    registeredAt: isoTime(edge.registeredAtMs ?? undefined),
    lastReportAt: isoTime(edge.reportedAtMs ?? undefined),
    startedAt: isoTime(edge.startedAtMs ?? undefined),
    hitRatio: hitRatio(ratios),
    originOffload: originOffload(ratios),
    requests: total(processes, 'requests'),
    hits: total(processes, 'hits'),
    collapsed: total(processes, 'collapsed'),
    originFetches: total(processes, 'origin_fetches'),
    originErrors: total(processes, 'origin_errors'),
    bytesServed: total(processes, 'bytes_served'),
    bytesFromOrigin: total(processes, 'bytes_from_origin'),
    prefetch: prefetchOf(processes),
    objects: Number(newest?.['objects'] ?? 0),
    memoryBytes: Number(newest?.['memory_bytes'] ?? 0),
    memoryBytesMax: edge.memoryBytesMax,
    load: edge.load,
    ...capabilities(edge),
  };
}

/** Of the edges that are ours to count on: what was removed or refused is no outage. */
function overall(edges: readonly RegisteredEdge[]): CdnHealth['status'] {
  if (edges.length === 0) return 'empty';
  if (!edges.some(({ state }) => state === 'up')) return 'down';
  return edges.some(({ state }) => state === 'silent') ? 'degraded' : 'up';
}

/**
 * The state of this region's CDN from the edges' registrations and counters; edges of mirrored regions are listed alone, and
 * what edges say that are none of ours does not count.
 */
export function cdnHealthOf(rows: CdnRows, init: { readonly nowMs: number; readonly keysRequired: boolean }): CdnHealth {
  const byEdge = Map.groupBy(rows.counters, edgeRowName);
  const registry = registryOf(rows, init);
  const ours = registry.filter((edge) => edge.origin === '' && isOurs(edge));
  const counted = ours.flatMap(({ edgeId }) => byEdge.get(`${edgeId} `) ?? []).map(counters);
  const edges = registry.map((edge) => edgeHealthOf(edge, byEdge.get(`${edge.edgeId} ${edge.origin}`) ?? []));
  return { status: overall(ours), hitRatio: hitRatio(counted), originOffload: originOffload(counted), edges };
}
