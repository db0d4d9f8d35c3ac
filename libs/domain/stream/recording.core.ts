import type { Millis } from '#kernel';
import type { StreamStatus } from './stream.state.ts';

/** What read models know of a stream's end. */
export interface StreamEnd {
  readonly status: StreamStatus | null;
  readonly statusAtMs: Millis;
  /** Null when no encoder ever ran. */
  readonly encodingStatus: string | null;
  readonly encodingReason: string | null;
}

/**
 * How long after the stop a last segment is waited for. A packager ends by itself within ten seconds of the stop; one that
 * was killed says nothing, and is not waited for any longer.
 */
export const lastSegmentsMsMax: Millis = 12_000;

/** An encoder that ended so has stored all that there was; one that ended otherwise may be followed by another. */
const finalReasons: ReadonlySet<string> = new Set(['source-ended', 'stopped']);

/**
 * True when nothing can follow any more: the stream is stopped, and its packager has said its last. Only then is a playlist
 * closed, for a player that has read the end does not ask again.
 */
export function isComplete(end: StreamEnd, nowMs: Millis): boolean {
  if (end.status !== 'stopped') return false;
  const isLast = end.encodingStatus === null || (end.encodingStatus === 'ended' && finalReasons.has(end.encodingReason ?? ''));
  return isLast || nowMs - end.statusAtMs >= lastSegmentsMsMax;
}
