import type { PrefetchLimits } from '#core/prefetch';
import { readInteger, type Environment } from '#runtime';
import type { EdgePrefetchInit } from './edge-prefetch.ts';

const bytesPerMbit = 125_000;

/** Limits that no operator has had a reason to change. */
const limits: Omit<PrefetchLimits, 'bytesPerSec' | 'zoneBytesPerSec'> = {
  runningMax: 64,
  zoneRunningMax: 32,
  demandMax: 128,
  waitingMax: 1000,
  waitMaxMs: 5000,
  againAfterMs: 5000,
};

export interface PrefetchRates {
  readonly segmentsAhead: number;
  readonly mbit: number;
  readonly zoneMbit: number;
}

export function prefetchOf({ mbit, segmentsAhead, zoneMbit }: PrefetchRates): EdgePrefetchInit {
  return { segmentsAhead, limits: { ...limits, bytesPerSec: mbit * bytesPerMbit, zoneBytesPerSec: zoneMbit * bytesPerMbit } };
}

/** What is fetched before it is asked for, at most; undefined for nothing. */
export function readPrefetch(env: Environment, region?: string): EdgePrefetchInit | undefined {
  const segmentsAhead = readInteger(env, 'EDGE_PREFETCH_SEGMENTS', 2, 0, 20);
  const mbit = readInteger(env, 'EDGE_PREFETCH_MBIT', 200, 1, 100_000);
  const zoneMbit = readInteger(env, 'EDGE_PREFETCH_ZONE_MBIT', Math.min(mbit, 100), 1, 100_000);
  return segmentsAhead === 0 ? undefined : { ...prefetchOf({ segmentsAhead, mbit, zoneMbit }), region };
}
