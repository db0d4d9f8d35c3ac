import type { CommandContext } from './context.ts';
import { table } from './table.ts';

interface Figures {
  readonly requests: number;
  readonly bytes: number | null;
  readonly hitRatio: number | null;
  readonly byteHitRatio: number | null;
  readonly statuses: Readonly<Record<string, number>>;
  readonly latencyMs: { readonly p50: number; readonly p95: number; readonly p99: number } | null;
}

interface Traffic {
  readonly from: string;
  readonly until: string;
  readonly totals: Figures;
  readonly groups: ReadonlyArray<{ readonly name: string; readonly figures: Figures }>;
}

interface PopularObjects {
  readonly items: ReadonlyArray<{ readonly zoneName: string; readonly host: string; readonly path: string; readonly requests: number; readonly bytes: number }>;
}

export interface TrafficOptions {
  readonly from?: string;
  readonly until?: string;
  readonly zone?: string;
  readonly edge?: string;
  readonly region?: string;
}

function queryOf(options: object): string {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const query = new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)]));
  return query.size === 0 ? '' : `?${query}`;
}

const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

export function sizeText(bytes: number | null): string {
  if (bytes === null) return '';
  let [value, unit] = [bytes, 0];
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

const percent = (ratio: number | null): string => (ratio === null ? '' : `${(100 * ratio).toFixed(1)} %`);

function cellsOf({ bytes, byteHitRatio, hitRatio, latencyMs, requests, statuses }: Figures): string[] {
  const errors = (statuses['4xx'] ?? 0) + (statuses['5xx'] ?? 0);
  const latency = latencyMs === null ? '' : `${latencyMs.p50} / ${latencyMs.p95} / ${latencyMs.p99}`;
  return [String(requests), sizeText(bytes), percent(hitRatio), percent(byteHitRatio), String(errors), latency];
}

export async function showTraffic({ api, print }: CommandContext, by: string, { from, until, zone, edge, region }: TrafficOptions): Promise<void> {
  const traffic = await api.call<Traffic>('GET', `/api/v1/cdn/analytics/traffic${queryOf({ from, until, zone, edge, region, groupBy: by })}`);
  print(traffic, () => {
    if (traffic.totals.requests === 0) return [`No edge answered anything from ${traffic.from} to ${traffic.until}.`];
    const rows = [...traffic.groups.map(({ figures, name }) => [name, ...cellsOf(figures)]), ['all', ...cellsOf(traffic.totals)]];
    return [
      `${traffic.from} to ${traffic.until}`,
      ...table([by.toUpperCase(), 'REQUESTS', 'BYTES', 'HITS', 'BYTES HIT', '4XX, 5XX', 'MS P50 / P95 / P99'], rows),
    ];
  });
}

export async function showObjects({ api, print }: CommandContext, limit: number, { from, until, zone, edge, region }: TrafficOptions): Promise<void> {
  const popular = await api.call<PopularObjects>('GET', `/api/v1/cdn/analytics/objects${queryOf({ from, until, zone, edge, region, limit })}`);
  print(popular, () => {
    if (popular.items.length === 0) return ['Nothing was asked for.'];
    const rows = popular.items.map(({ bytes, host, path, requests, zoneName }) => [String(requests), sizeText(bytes), zoneName, `${host}${path}`]);
    return table(['REQUESTS', 'BYTES', 'ZONE', 'OBJECT'], rows);
  });
}
