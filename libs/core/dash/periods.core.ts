import type { Beginning, DashLowLatency } from './mpd.ts';

/** A period on the presentation's timeline. */
export interface PeriodSpan {
  /** Media sequence of its first segment, whether or not the window still shows it: names the period for good. */
  readonly first: number;
  /** Media sequence behind its last segment; undefined for the last period. */
  readonly next: number | undefined;
  /** Place of its first sample on the stream's timeline: what the media's own times count from. Microseconds. */
  readonly mediaStartUs: number;
  /** Period@start, microseconds. */
  readonly startUs: number;
}

/**
 * The periods of a stream (ISO/IEC 23009-1 section 5.3.2), one per unbroken run of media, end to end as on the stream's own
 * timeline: while nobody published, there is no time either. With holes as long as a publisher was away, a player that
 * begins near one stands still in it (dash.js 5.2). Made of beginnings alone, so that a period stays where it is however far
 * the window has moved on.
 */
export function periodSpans(beginnings: readonly Beginning[]): readonly PeriodSpan[] {
  const originUs = beginnings[0]?.startUs ?? 0;
  return beginnings.map(({ mediaSequence, startUs }, at) => ({
    first: mediaSequence,
    next: beginnings[at + 1]?.mediaSequence,
    mediaStartUs: startUs,
    startUs: startUs - originUs,
  }));
}

/** Chunks by which the clock of a manifest is ahead of the newest at most: it takes half a second to encode one, if all is well. */
const chunksAhead = 2.5;

/**
 * MPD@availabilityStartTime, ms since the Unix epoch: what the wall clock says at the presentation's zero, by the newest
 * period. It moves when a publisher comes back, by as long as it was away, so that players find the live edge by the clock.
 * With low latency it moves while nothing comes, too, or players would ask for what nobody has made.
 */
export function availabilityStartMs(beginnings: readonly Beginning[], lowLatency?: DashLowLatency): number {
  const [first, last] = [beginnings[0], beginnings.at(-1)];
  if (first === undefined || last === undefined) return 0;
  const startMs = last.programDateTimeMs - Math.round((last.startUs - first.startUs) / 1000);
  if (lowLatency === undefined) return startMs;
  const { chunkUs, edgeUs, nowMs } = lowLatency;
  const aheadMs = nowMs - startMs - Math.round((edgeUs - first.startUs) / 1000);
  return startMs + Math.max(0, aheadMs - Math.round((chunksAhead * chunkUs) / 1000));
}
