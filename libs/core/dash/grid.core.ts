import type { DashSegment } from './mpd.ts';
import type { PeriodSpan } from './period-span.ts';
import type { Addressing } from './timeline.core.ts';

/** Sound is cut up to two of its frames behind the picture, and a picture may stand a little before its place. */
const offGridUsMax = 100_000;
/** What begins with less than this share of a segment left is counted with the next: its run may make no segment of so little, and the first one last as much longer. */
const soonShare = 0.1;
const microseconds = 1_000_000;
/** Times of media differ by up to this from what a publisher's frame rate says. */
const roundingUs = 50_000;

/** What numbers are counted from. */
export type CountedSpan = Pick<PeriodSpan, 'first' | 'mediaStartUs'>;

/**
 * The number by which players that count find what begins at a place of the stream's timeline. By time alone: where one run of an
 * encoder goes on with another's time in the middle of a segment, both halves have a media sequence number and one number here.
 * A period may begin beside the multiples of the segment duration at which encoders cut. Then its numbers stand for what begins up
 * to half a segment from where it is counted to, as ISO/IEC 23009-1 section 5.3.9.5.3 allows.
 */
export function countedNumber(placeUs: number, { first, mediaStartUs }: CountedSpan, segmentUs: number): number {
  const sinceUs = placeUs - mediaStartUs;
  return first + Math.max(0, isMultiple(sinceUs, segmentUs) ? Math.round(sinceUs / segmentUs) : slotsUntil(placeUs, mediaStartUs, segmentUs));
}

/** Numbers grow with the place. What encoders cut is less than half a segment behind where it is counted to, also in a period that begins in the second half of one. */
function slotsUntil(placeUs: number, mediaStartUs: number, segmentUs: number): number {
  if (isLate(mediaStartUs, segmentUs)) return Math.floor((placeUs - mediaStartUs) / segmentUs + soonShare);
  return Math.floor(placeUs / segmentUs + soonShare) - Math.round(mediaStartUs / segmentUs);
}

/** In the second half of what encoders would cut. */
function isLate(mediaStartUs: number, segmentUs: number): boolean {
  return Math.round(mediaStartUs / segmentUs) * segmentUs - mediaStartUs > offGridUsMax;
}

/** Whether a place is one at which segments are cut. */
export function isOnGrid(placeUs: number, { mediaStartUs }: Pick<CountedSpan, 'mediaStartUs'>, segmentUs: number): boolean {
  const missing = segmentUs - (placeUs % segmentUs);
  return isMultiple(placeUs - mediaStartUs, segmentUs) || isMultiple(placeUs, segmentUs) || missing <= segmentUs * soonShare;
}

/**
 * Whether segments of one duration that begin from a place on, one behind the other, stay where the numbers of a period are counted to,
 * however their times are rounded. Where they do not, a period of their own keeps them counted.
 */
export function staysCounted(placeUs: number, { mediaStartUs }: Pick<CountedSpan, 'mediaStartUs'>, segmentUs: number): boolean {
  const span = { first: 0, mediaStartUs };
  const number = countedNumber(placeUs, span, segmentUs);
  return [placeUs - roundingUs, placeUs, placeUs + roundingUs].every((us) => {
    const isCounted = isOnGrid(us, span, segmentUs) || isNear(us, number, span, segmentUs);
    return isCounted && countedNumber(us, span, segmentUs) === number;
  });
}

function isMultiple(us: number, segmentUs: number): boolean {
  return Math.abs(us - Math.round(us / segmentUs) * segmentUs) <= offGridUsMax;
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
  // It has nothing for numbers that players would count.
  if (head.mediaSequence > first || !segments.every((one, at) => isPlaced(one, segments[at - 1], span, segmentUs))) return undefined;
  const ticks = ((head.track?.timescale ?? 0) * segmentUs) / microseconds;
  const [timescale, duration] = Number.isInteger(ticks) && ticks > 0 ? [head.track?.timescale as number, ticks] : [microseconds, segmentUs];
  const endNumber = open ? undefined : countedNumber(last.startUs, span, segmentUs);
  return { timescale, startNumber: span.first, duration, endNumber, xml: '', endUs: endOf(last), longestUs: longestOf(segments, span, segmentUs) };
}

function isPlaced(segment: DashSegment, before: DashSegment | undefined, span: CountedSpan, segmentUs: number): boolean {
  const number = countedNumber(segment.startUs, span, segmentUs);
  const numbers = before === undefined ? 0 : number - countedNumber(before.startUs, span, segmentUs);
  // Players would count to what nobody made.
  if (before !== undefined && numbers > segment.mediaSequence - before.mediaSequence) return false;
  if (isOnGrid(segment.startUs, span, segmentUs)) return true;
  if (before !== undefined && Math.abs(segment.startUs - endOf(before)) > offGridUsMax) return false;
  if (isNear(segment.startUs, number, span, segmentUs) && segment.durationUs <= segmentUs + offGridUsMax) return true;
  // The rest of a segment of which another run made the beginning, whether or not the window still shows that.
  const goesOn = before === undefined || numbers === 0;
  return goesOn && (isOnGrid(endOf(segment), span, segmentUs) || countedNumber(endOf(segment), span, segmentUs) === number);
}

/**
 * As near as segments may begin to where they are counted to: so do those of a publisher that took over with key frames at another
 * phase. What is longer than a segment is cut further behind from one to the next.
 */
function isNear(placeUs: number, number: number, { first, mediaStartUs }: CountedSpan, segmentUs: number): boolean {
  return Math.abs(placeUs - mediaStartUs - (number - first) * segmentUs) <= segmentUs / 2;
}

function endOf({ startUs, durationUs }: DashSegment): number {
  return startUs + durationUs;
}

/** What one number stands for lasts so long at most, microseconds. */
function longestOf(segments: readonly DashSegment[], span: CountedSpan, segmentUs: number): number {
  let [longestUs, sumUs, number] = [0, 0, -1];
  for (const { startUs, durationUs } of segments) {
    const next = countedNumber(startUs, span, segmentUs);
    sumUs = next === number ? sumUs + durationUs : durationUs;
    number = next;
    longestUs = Math.max(longestUs, sumUs);
  }
  return longestUs;
}
