import { hitRatio, originOffload, type EdgeCounters } from '#domain/edge';
import type { ReadRow } from '#ports';
import { isoTime } from '../http/fields.ts';

/** An edge that has not reported for this long is silent, ms. */
const silentAfterMs = 15_000;

export type EdgeStatus = 'up' | 'silent' | 'announced';

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

function counters(row: ReadRow): EdgeCounters {
  return {
    requests: row['requests'] as bigint,
    hits: row['hits'] as bigint,
    collapsed: row['collapsed'] as bigint,
    originFetches: row['origin_fetches'] as bigint,
  };
}

function total(rows: readonly ReadRow[], column: string): number {
  return rows.reduce((sum, row) => sum + Number(row[column] ?? 0), 0);
}

/** An edge that has reported lately. */
export function upEdges({ edges }: CdnHealth): readonly string[] {
  return edges.filter(({ status }) => status === 'up').map(({ id }) => id);
}

function edgeHealthOf(id: string, edge: ReadRow | undefined, processes: readonly ReadRow[], nowMs: number): EdgeHealth {
  const newest = processes.toSorted((a, b) => Number((b['incarnation'] as bigint) - (a['incarnation'] as bigint)))[0];
  const reportedAtMs = newest === undefined ? undefined : Number(newest['reported_at_ms']);
  const ratios = processes.map(counters);
  return {
    id,
    url: edge?.['url'] ?? null,
    region: edge?.['region'] ?? null,
    mirroredFrom: null,
    status: reportedAtMs === undefined ? 'announced' : nowMs - reportedAtMs > silentAfterMs ? 'silent' : 'up',
    registeredAt: isoTime(edge?.['registered_at_ms'] as bigint | undefined),
    lastReportAt: isoTime(reportedAtMs),
    startedAt: isoTime(newest?.['incarnation'] as bigint | undefined),
    hitRatio: hitRatio(ratios),
    originOffload: originOffload(ratios),
    requests: total(processes, 'requests'),
    hits: total(processes, 'hits'),
    collapsed: total(processes, 'collapsed'),
    originFetches: total(processes, 'origin_fetches'),
    originErrors: total(processes, 'origin_errors'),
    bytesServed: total(processes, 'bytes_served'),
    bytesFromOrigin: total(processes, 'bytes_from_origin'),
    objects: Number(newest?.['objects'] ?? 0),
    memoryBytes: Number(newest?.['memory_bytes'] ?? 0),
    memoryBytesMax: edge === undefined ? null : Number(edge['memory_bytes_max'] ?? 0),
  };
}

function overall(edges: readonly EdgeHealth[]): CdnHealth['status'] {
  if (edges.length === 0) return 'empty';
  const up = edges.filter((edge) => edge.status === 'up').length;
  if (up === 0) return 'down';
  return edges.some((edge) => edge.status === 'silent') ? 'degraded' : 'up';
}

/** The state of the CDN from the edges' registrations and counters. */
export function cdnHealthOf(edges: readonly ReadRow[], processes: readonly ReadRow[], nowMs: number): CdnHealth {
  const registered = new Map(edges.map((edge) => [String(edge['edge_id']), edge]));
  const byEdge = Map.groupBy(processes, (row) => String(row['edge_id']));
  const ids = [...new Set([...registered.keys(), ...byEdge.keys()])].sort();
  const views = ids.map((id) => edgeHealthOf(id, registered.get(id), byEdge.get(id) ?? [], nowMs));
  const all = processes.map(counters);
  return { status: overall(views), hitRatio: hitRatio(all), originOffload: originOffload(all), edges: views };
}
