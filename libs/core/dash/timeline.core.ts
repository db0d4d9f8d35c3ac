import type { DashSegment } from './mpd.ts';
import { element, type Xml } from './xml.core.ts';

/** Without ticks times are those of the stream's timeline, rounded to microseconds. */
const microseconds = 1_000_000;
/** Missing segments that are listed in a row: a corrupt number must not render millions of entries. */
const missingMax = 1000;

interface Entry {
  readonly time: number;
  readonly length: number;
}

/** How the segments of a rendition are found by their numbers: attributes of SegmentTemplate and what is in it. */
export interface Addressing {
  readonly timescale: number;
  readonly startNumber: number;
  /** Ticks of each segment, where they are not listed. */
  readonly duration?: number;
  /** Nothing follows it, where they are not listed. */
  readonly endNumber?: number | undefined;
  /** SegmentTimeline, as XML; none where segments are of one duration. */
  readonly xml: Xml;
  /** Behind the last segment, microseconds of the stream's timeline. */
  readonly endUs: number;
  /** No segment is longer, microseconds. */
  readonly longestUs: number;
}

/** ISO/IEC 23009-1 section 5.3.9.6. @param segments of one period; at least one */
export function timelineOf(segments: readonly DashSegment[]): Addressing {
  const [first, last] = [segments[0] as DashSegment, segments.at(-1) as DashSegment];
  const exact = segments.every(
    ({ track, startTicks, durationTicks }) => track?.timescale === first.track?.timescale && startTicks !== undefined && durationTicks !== undefined,
  );
  const timescale = exact ? (first.track?.timescale ?? microseconds) : microseconds;
  const placeOf = (segment: DashSegment): Entry =>
    timescale === microseconds
      ? { time: segment.startUs, length: segment.durationUs }
      : { time: segment.startTicks as number, length: segment.durationTicks as number };
  const entries: Entry[] = [];
  let number = first.mediaSequence;
  for (const segment of segments) {
    const place = placeOf(segment);
    entries.push(...missing(entries.at(-1), place, segment.mediaSequence - number), place);
    number = segment.mediaSequence + 1;
  }
  const longestUs = segments.reduce((longest, { durationUs }) => Math.max(longest, durationUs), 0);
  return { timescale, startNumber: first.mediaSequence, xml: element('SegmentTimeline', {}, runs(entries)), endUs: last.startUs + last.durationUs, longestUs };
}

/** Numbers count up by one per entry: one without media is listed all the same, and players find nothing there. */
function missing(before: Entry | undefined, next: Entry, count: number): readonly Entry[] {
  if (before === undefined || count <= 0) return [];
  const from = before.time + before.length;
  const listed = Math.min(count, missingMax);
  const length = Math.max(1, Math.floor((next.time - from) / listed));
  return Array.from({ length: listed }, (_, at) => ({ time: from + at * length, length }));
}

/** Entries of one length that follow each other without a gap are one element with a repeat count. */
function runs(entries: readonly Entry[]): Xml[] {
  const elements: Xml[] = [];
  let expected: number | undefined;
  for (let at = 0; at < entries.length;) {
    const { time, length } = entries[at] as Entry;
    let repeats = 0;
    while (follows(entries[at + repeats + 1], time + (repeats + 1) * length, length)) repeats++;
    elements.push(element('S', { t: time === expected ? undefined : time, d: length, r: repeats === 0 ? undefined : repeats }));
    expected = time + (repeats + 1) * length;
    at += repeats + 1;
  }
  return elements;
}

function follows(entry: Entry | undefined, time: number, length: number): boolean {
  return entry !== undefined && entry.time === time && entry.length === length;
}
