import { endMs, type LastSegments, type LiveSession } from '../fold/stream-fold.core.ts';

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
  return Math.max(0, Math.round(after.heardMs), endMs(last) - Math.floor(after.latestMs));
}

/**
 * A session that begins behind those of before: its time zero is when its first frame came, but what it shows first is never told as
 * earlier than the end of what is stored. Their clocks may differ, and the one before may have sent faster than time goes by.
 * @param shownMs of what it shows first, ms of the session
 */
export function placedBehind(last: LastSegments | undefined, session: LiveSession, shownMs: number): LiveSession {
  if (session.isPlaced === true) return session;
  const isFirst = last !== undefined && last.sessionId !== session.sessionId;
  return { ...session, startedAtMs: isFirst ? Math.max(session.startedAtMs, endMs(last) - Math.floor(shownMs)) : session.startedAtMs, isPlaced: true };
}
