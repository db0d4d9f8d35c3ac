import type { FrameRate } from './plan.ts';

/** Rates that cameras and standards really use; a measured rate close to one of them means it. */
const usual: readonly FrameRate[] = [
  { numerator: 24_000, denominator: 1001 },
  { numerator: 24, denominator: 1 },
  { numerator: 25, denominator: 1 },
  { numerator: 30_000, denominator: 1001 },
  { numerator: 30, denominator: 1 },
  { numerator: 48, denominator: 1 },
  { numerator: 50, denominator: 1 },
  { numerator: 60_000, denominator: 1001 },
  { numerator: 60, denominator: 1 },
];

/** Below this a 2 s segment has too few frames to seek in; above it the ladder's bitrates are not meant for it. */
const ratesMin = 5;
const ratesMax = 60;

export function valueOf({ numerator, denominator }: FrameRate): number {
  return numerator / denominator;
}

/**
 * The constant rate to encode at, from what the source says: a usual rate within 0.02 frames, else the nearest whole
 * number. Above 60 it is divided by a whole number, so that frames are dropped evenly; unknown becomes 30.
 */
export function constantRate(claimed: number): FrameRate {
  if (!Number.isFinite(claimed) || claimed <= 0 || claimed > 1000) return { numerator: 30, denominator: 1 };
  const rate = claimed <= ratesMax + 0.5 ? claimed : claimed / Math.ceil((claimed - 0.5) / ratesMax);
  const near = usual.toSorted((a, b) => Math.abs(valueOf(a) - rate) - Math.abs(valueOf(b) - rate))[0] as FrameRate;
  if (Math.abs(valueOf(near) - rate) <= 0.02) return near;
  return { numerator: Math.min(ratesMax, Math.max(ratesMin, Math.round(rate))), denominator: 1 };
}
