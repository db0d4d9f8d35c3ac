import type { DashSegment } from './mpd.ts';
import type { PeriodSpan } from './period-span.ts';
import type { Addressing } from './timeline.core.ts';

/** Sound is cut up to two of its frames behind the picture, and a picture may stand a little before its place. */
const offGridUsMax = 100_000;
const microseconds = 1_000_000;

/** Whether a segment is where it would be counted to. @param placeUs from the beginning of what is counted */
export function isOnGrid(placeUs: number, count: number, segmentUs: number): boolean {
  return Math.abs(placeUs - count * segmentUs) <= offGridUsMax;
}

export interface GridInit {
  readonly span: PeriodSpan;
  /** One that begins later is not counted. */
  readonly first: number;
  readonly segmentUs: number;
  /** More follows. */
  readonly open: boolean;
}

/**
 * Segments of one duration, counted from their period's beginning (ISO/IEC 23009-1 section 5.3.9.5.3): a player knows when the
 * next one begins before it is made, without asking. Undefined for segments that are not where they would be counted to.
 * @param segments of one period; at least one
 */
export function gridOf(segments: readonly DashSegment[], { span, first, segmentUs, open }: GridInit): Addressing | undefined {
  const [head, last] = [segments[0] as DashSegment, segments.at(-1) as DashSegment];
  const isPlaced = ({ mediaSequence, startUs }: DashSegment): boolean => isOnGrid(startUs - span.mediaStartUs, mediaSequence - span.first, segmentUs);
  // It has nothing for numbers that players would count.
  if (head.mediaSequence > first || !segments.every(isPlaced)) return undefined;
  const ticks = ((head.track?.timescale ?? 0) * segmentUs) / microseconds;
  const [timescale, duration] = Number.isInteger(ticks) && ticks > 0 ? [head.track?.timescale as number, ticks] : [microseconds, segmentUs];
  const endNumber = open ? undefined : last.mediaSequence;
  return { timescale, startNumber: span.first, duration, endNumber, xml: '', endUs: last.startUs + last.durationUs };
}
