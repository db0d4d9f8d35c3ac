import { latencyBoundsMs } from '#events';

/**
 * The time within which a share of the answers was ready, ms, by their histogram: within the bucket it is taken to be spread
 * evenly. Null without answers; the greatest bound where it lies beyond it.
 */
export function latencyQuantileMs(histogram: readonly number[], share: number): number | null {
  const total = histogram.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  const wanted = share * total;
  let below = 0;
  for (const [at, bound] of latencyBoundsMs.entries()) {
    const count = histogram[at] ?? 0;
    if (below + count >= wanted && count > 0) {
      const from = latencyBoundsMs[at - 1] ?? 0;
      return from + (bound - from) * ((wanted - below) / count);
    }
    below += count;
  }
  return latencyBoundsMs.at(-1) ?? null;
}
