import type { LastSegments } from '../fold/stream-fold.core.ts';

export interface SessionClock {
  /** Wall clock of the session's time zero as the log tells it, ms; undefined for a session that nobody knows any more. */
  readonly toldMs: number | undefined;
  /** The same by the arrival of its media here. */
  readonly heardMs: number | undefined;
}

/**
 * Wall clock of the time zero of a session that takes over, so that EXT-X-PROGRAM-DATE-TIME and with it the stream's time go
 * on without a jump: two sessions are one programme, and what arrived at the same moment belongs to the same moment. Where
 * the one before was never heard here, the arrival of the new one alone tells, but never a time behind what is stored.
 */
export function timeZeroAfter(
  before: SessionClock,
  after: { readonly toldMs: number; readonly heardMs: number | undefined; readonly latestMs: number },
  last: LastSegments | undefined,
): number {
  if (after.heardMs === undefined) return after.toldMs;
  if (before.toldMs !== undefined && before.heardMs !== undefined) return Math.max(0, before.toldMs + Math.round(after.heardMs - before.heardMs));
  const ends = Object.values(last?.renditions ?? {}).map(({ programDateTimeMs, startUs, endUs }) => programDateTimeMs + Math.ceil((endUs - startUs) / 1000));
  return Math.max(0, Math.round(after.heardMs), ...ends.map((endMs) => endMs - Math.floor(after.latestMs)));
}
