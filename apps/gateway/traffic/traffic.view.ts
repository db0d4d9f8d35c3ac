import { cacheColumns, latencyColumns, latencyQuantileMs, statusColumns } from '#domain/edge';
import { cacheOutcomes, statusClasses } from '#events';
import type { Total } from '#ports';

export interface Figures {
  readonly requests: number;
  readonly bytes: number | null;
  readonly bytesCached: number | null;
  readonly hitRatio: number | null;
  readonly byteHitRatio: number | null;
  readonly statuses: Readonly<Record<string, number>>;
  readonly cache: Readonly<Record<string, number>> | null;
  readonly latencyMs: { readonly p50: number; readonly p95: number; readonly p99: number } | null;
}

export type Sums = Total['sums'];

const minute = 60;
const hour = 3600;
const day = 24 * hour;

/** Few enough points to be seen apart. */
export function stepFor(seconds: number): number {
  if (seconds <= 3 * hour) return minute;
  if (seconds <= 12 * hour) return 5 * minute;
  return seconds <= 14 * day ? hour : day;
}

const numberIn = (sums: Sums, column: string): number => Number(sums[column] ?? 0n);
const round = (ms: number): number => Math.round(ms * 10) / 10;

function quantiles(sums: Sums): Figures['latencyMs'] {
  const histogram = latencyColumns.map((column) => numberIn(sums, column));
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => latencyQuantileMs(histogram, share)) as [number | null, number | null, number | null];
  return p50 === null || p95 === null || p99 === null ? null : { p50: round(p50), p95: round(p95), p99: round(p99) };
}

export function figuresOf(sums: Sums): Figures {
  const [requests, bytes, bytesCached] = [numberIn(sums, 'requests'), numberIn(sums, 'bytes'), numberIn(sums, 'bytes_cached')];
  const cache = Object.fromEntries(cacheOutcomes.map((name, at) => [name, numberIn(sums, cacheColumns[at] as string)]));
  return {
    ...{ requests, bytes, bytesCached, cache },
    hitRatio: requests === 0 ? null : Math.min(1, ((cache['hit'] ?? 0) + (cache['stale'] ?? 0)) / requests),
    byteHitRatio: bytes === 0 ? null : Math.min(1, bytesCached / bytes),
    statuses: Object.fromEntries(statusClasses.map((name, at) => [name, numberIn(sums, statusColumns[at] as string)])),
    latencyMs: quantiles(sums),
  };
}

/** What is known of answers of one class of status: how many there were. */
export function figuresOfStatus(sums: Sums, name: string): Figures {
  const requests = numberIn(sums, `status_${name}`);
  const statuses = Object.fromEntries(statusClasses.map((one) => [one, one === name ? requests : 0]));
  return { requests, statuses, bytes: null, bytesCached: null, hitRatio: null, byteHitRatio: null, cache: null, latencyMs: null };
}

export function add(a: Sums, b: Sums): Sums {
  return Object.fromEntries(Object.keys({ ...a, ...b }).map((column) => [column, (a[column] ?? 0n) + (b[column] ?? 0n)]));
}
