import type { Beginning } from './mpd.ts';

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
  /** Runs of media in it, in order; at least one. */
  readonly runs: readonly Beginning[];
}
