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

/** The region that an edge is of; null for this one. */
export function mirroredFrom(row: ReadRow): string | null {
  return row['origin'] === '' ? null : String(row['origin']);
}

function edgeHealthOf(edge: ReadRow | undefined, processes: readonly ReadRow[], nowMs: number): EdgeHealth {
  const newest = processes.toSorted((a, b) => Number((b['incarnation'] as bigint) - (a['incarnation'] as bigint)))[0];
  const reportedAtMs = newest === undefined ? undefined : Number(newest['reported_at_ms']);
  const ratios = processes.map(counters);
  const any = edge ?? newest ?? {};
  return {
    id: String(any['edge_id']),
    url: edge?.['url'] ?? null,
    region: edge?.['region'] ?? null,
    mirroredFrom: mirroredFrom(any),
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

/** The state of this region's CDN from the edges' registrations and counters; edges of mirrored regions are listed alone. */
export function cdnHealthOf(edges: readonly ReadRow[], processes: readonly ReadRow[], nowMs: number): CdnHealth {
  const registered = new Map(edges.map((edge) => [nameOf(edge), edge]));
  const byEdge = Map.groupBy(processes, nameOf);
  const names = [...new Set([...registered.keys(), ...byEdge.keys()])].sort();
  const views = names.map((name) => edgeHealthOf(registered.get(name), byEdge.get(name) ?? [], nowMs));
  const all = processes.filter((row) => mirroredFrom(row) === null).map(counters);
  return { status: overall(views.filter((view) => view['mirroredFrom'] === null)), hitRatio: hitRatio(all), originOffload: originOffload(all), edges: views };
}

/** Two regions may each have an edge of one name. An id holds no space. */
function nameOf(row: ReadRow): string {
  return `${String(row['edge_id'])} ${String(row['origin'])}`;
}
