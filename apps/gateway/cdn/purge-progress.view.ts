import type { CdnHealth } from './edge-health.view.ts';

/** How far a purge has come among the edges that are up. */
export interface PurgeProgress {
  readonly edges: number;
  readonly applied: number;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly laggards: readonly string[];
}

interface Answer {
  readonly edgeId: string;
  readonly mirroredFrom: string | null;
  readonly delayMs: number;
}

/** The smallest delay that so many of all answers did not exceed, by rank. */
function quantile(sorted: readonly number[], share: number): number | null {
  return sorted.length === 0 ? null : (sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] as number);
}

/** Of the edges of this region: those of others hear of it by the mirror, and are not waited for. */
export function purgeProgressOf(applied: readonly Answer[], edges: CdnHealth['edges']): PurgeProgress {
  const own = applied.filter(({ mirroredFrom }) => mirroredFrom === null);
  const answered = new Set(own.map(({ edgeId }) => edgeId));
  const laggards = edges
    .filter(({ id, mirroredFrom, status }) => mirroredFrom === null && (status === 'up' || status === 'draining') && !answered.has(id))
    .map(({ id }) => id);
  const delays = own.map(({ delayMs }) => delayMs).sort((a, b) => a - b);
  return { edges: answered.size + laggards.length, applied: answered.size, p50Ms: quantile(delays, 0.5), p99Ms: quantile(delays, 0.99), laggards };
}
