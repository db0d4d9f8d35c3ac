import type { StoredSegment } from './recording-plan.core.ts';

/** A stored segment, and when it was sent. */
export interface DatedSegment extends StoredSegment {
  /** Wall clock of its first sample, ms since the Unix epoch. */
  readonly programDateTimeMs: number;
}

/** What can be cut out without encoding anew: whole segments, each of which begins with a key frame. */
export interface ClipBounds {
  /** Media sequence numbers, both included. */
  readonly first: number;
  readonly last: number;
  /** Wall clock of what that is, ms since the Unix epoch. */
  readonly fromMs: number;
  readonly untilMs: number;
}

const endOf = ({ programDateTimeMs, durationUs }: DatedSegment): number => programDateTimeMs + Math.round(durationUs / 1000);

/** The least run of segments that has everything from `fromMs` to `untilMs` that is stored; undefined for nothing. */
export function clipBounds(segments: readonly DatedSegment[], fromMs: number, untilMs: number): ClipBounds | undefined {
  const within = segments
    .filter((segment) => segment.programDateTimeMs < untilMs && endOf(segment) > fromMs)
    .toSorted((a, b) => a.mediaSequence - b.mediaSequence);
  const [first, last] = [within[0], within.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  return { first: first.mediaSequence, last: last.mediaSequence, fromMs: first.programDateTimeMs, untilMs: Math.max(...within.map(endOf)) };
}

/** True when what was asked for is stored up to its end. */
export function reaches(segments: readonly DatedSegment[], untilMs: number): boolean {
  return segments.some((segment) => endOf(segment) >= untilMs);
}
