import { setTimeout as sleep } from 'node:timers/promises';
import { translated } from './s3-errors.ts';
import type { S3Place } from './s3-place.ts';

const firstPauseMs = 50;
const longestPauseMs = 2000;
/** A store that moves its bytes more slowly than this counts as down. */
const bytesPerSecondMin = 262_144;

/** How long so many bytes may take. */
export function transferMs(bytes: number): number {
  return (1000 * bytes) / bytesPerSecondMin;
}

/** Full jitter: callers that failed together do not come back together. */
export function jitteredPauseMs(failures: number): number {
  return Math.random() * Math.min(longestPauseMs, firstPauseMs * 2 ** failures);
}

/**
 * Acts until it succeeds, fails for good, or the place's deadline has passed. A try that moves `bytes` gets the time that
 * they may take on top, but is not followed by another one after the deadline.
 * @throws OperatingError of the codes in s3-errors.ts
 */
export async function withRetries<T>(place: S3Place, act: (signal: AbortSignal) => Promise<T>, bytes = 0): Promise<T> {
  const end = performance.now() + place.deadlineMs;
  for (let failures = 0; ; failures++) {
    try {
      return await act(AbortSignal.timeout(Math.max(1, Math.round(end - performance.now() + transferMs(bytes)))));
    } catch (error) {
      const known = translated(error, place);
      const pauseMs = jitteredPauseMs(failures);
      if (!known.retryable || performance.now() + pauseMs >= end) throw known;
      await sleep(pauseMs);
    }
  }
}
