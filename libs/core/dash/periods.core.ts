import { isOnGrid } from './grid.core.ts';
import type { Beginning, DashLowLatency } from './mpd.ts';
import type { PeriodSpan } from './period-span.ts';

/**
 * The periods of a stream (ISO/IEC 23009-1 section 5.3.2), one per unbroken run of media, end to end as on the stream's own
 * timeline: while nobody published, there is no time either. With holes as long as a publisher was away, a player that
 * begins near one stands still in it (dash.js 5.2). Made of beginnings alone, so that a period stays where it is however far
 * the window has moved on.
 * @param segmentUs where segments are counted: a run that goes on where they would be counted to, with the initialisations
 *   there were, is no new period then. Players have counted on while nobody published, and what they hold of the old period for
 *   the new one's time Shaka Player 5.2 goes through first, one kind of media before the other, until each waits for the other.
 */
export function periodSpans(beginnings: readonly Beginning[], segmentUs?: number): readonly PeriodSpan[] {
  const originUs = beginnings[0]?.startUs ?? 0;
  const periods: Array<{ runs: Beginning[]; inits: Record<string, string> }> = [];
  for (const beginning of beginnings) {
    const newest = periods.at(-1);
    if (newest !== undefined && segmentUs !== undefined && goesOn(beginning, newest, segmentUs)) newest.runs.push(beginning);
    else periods.push({ runs: [beginning], inits: { ...beginning.inits } });
  }
  return periods.map(({ runs }, at) => {
    const { mediaSequence: first, startUs: mediaStartUs } = runs[0] as Beginning;
    return { first, next: periods[at + 1]?.runs[0]?.mediaSequence, mediaStartUs, startUs: mediaStartUs - originUs, runs };
  });
}

function goesOn({ startUs, inits }: Beginning, period: { runs: readonly Beginning[]; inits: Readonly<Record<string, string>> }, segmentUs: number): boolean {
  const first = period.runs[0] as Beginning;
  const names = Object.keys(inits);
  return isOnGrid(startUs, { mediaStartUs: first.startUs }, segmentUs) && names.length > 0 && names.every((name) => period.inits[name] === inits[name]);
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
  // Whole milliseconds as dates have them: a period that goes on by the same clock, wherever it begins, moves nothing.
  const startMs = last.programDateTimeMs - (Math.floor(last.startUs / 1000) - Math.floor(first.startUs / 1000));
  if (lowLatency === undefined) return startMs;
  const { chunkUs, edgeUs, nowMs } = lowLatency;
  const aheadMs = nowMs - startMs - Math.round((edgeUs - first.startUs) / 1000);
  return startMs + Math.max(0, aheadMs - Math.round((chunksAhead * chunkUs) / 1000));
}
