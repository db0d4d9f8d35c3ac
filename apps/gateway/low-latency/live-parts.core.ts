import { partDurationUs } from '#core/fmp4';
import type { LowLatency, RenditionReport } from '#core/hls';
import type { EdgeFrame, EdgeMessage, EdgePart, EdgeRun, EdgeSegment } from '#core/live-edge';
import type { Segment } from '../origin/segment-rows.ts';
import type { SegmentTail, StoredStream } from '../origin/stream-window.ts';
import { RenditionParts, type Growth } from './rendition-parts.core.ts';

/** What can be said of a segment that the rows do not have. */
export type SegmentState =
  | { readonly kind: 'stored'; readonly cid: string }
  | { readonly kind: 'growing'; readonly growth: Growth }
  /** It comes next or soon after, or is made anew. */
  | { readonly kind: 'soon'; readonly isNext: boolean }
  /** There is nothing of it, and never will be. */
  | { readonly kind: 'lost' }
  /** Nobody can know of it yet. */
  | { readonly kind: 'far'; readonly ahead: number };

/** Players that count by the clock are ahead of an encoder that is late, and fetch some segments beforehand (Shaka Player). */
const aheadMax = 3;
/** Segments that are on the log and perhaps not in the rows yet; rows are never so far behind that more matter. */
const tailMax = 16;
/** Runs that are over and remembered: an encoder that cannot start begins a few a minute. */
const runsMax = 64;

/** What a stream's packager has told: parts, and the newest segments. Pure. */
export class LiveParts implements SegmentTail {
  readonly #targetDurationSec: number;
  readonly #renditions = new Map<string, RenditionParts>();
  readonly #tails = new Map<string, Segment[]>();
  /** The newest that was told of, whether its packager is there or not. */
  #newestRun: EdgeRun | undefined;
  #isAway = false;
  /** Those before it, the newest last. */
  readonly #over = new Set<string>();
  /** Segments of one number that are told of, and perhaps not all: what is missing of them would be shown as a gap. */
  #group: EdgeSegment[] = [];
  readonly #breaks = new Set<number>();
  /** Greatest number that a playlist has shown whole, or as a gap. */
  #passed = -1;
  #last = -1;
  #endUs = 0;

  constructor(targetDurationSec: number) {
    this.#targetDurationSec = targetDurationSec;
  }

  get last(): number {
    return this.#last;
  }

  get endUs(): number {
    return this.#endUs;
  }

  get breaks(): ReadonlySet<number> {
    return this.#breaks;
  }

  of(rendition: string): readonly Segment[] {
    return this.#tails.get(rendition) ?? [];
  }

  /** Answers whether playlists change. */
  apply({ message, bytes }: EdgeFrame): boolean {
    if (message.kind === 'segment') return this.#gather(message);
    const shown = this.#show();
    return this.#tell(message, bytes) || shown;
  }

  #tell(message: Exclude<EdgeMessage, EdgeSegment>, bytes: Uint8Array): boolean {
    switch (message.kind) {
      case 'beat':
        return false;
      case 'run':
        return this.#begin(message);
      case 'part':
        return this.#addPart(message, bytes);
    }
  }

  /** The packager is away: nothing is expected of it. */
  disconnect(): void {
    this.#isAway = true;
    // They are on the log: the rows will have them.
    this.#group = [];
  }

  /** What the log says of segments of which parts were shown, in case their packager never came to tell. */
  settle(stored: Pick<StoredStream, 'renditions' | 'newest'>): void {
    for (const rendition of stored.renditions) for (const segment of stored.newest(rendition, tailMax)) this.#renditions.get(rendition)?.settle(segment);
  }

  /** Playlists show what there is up to this number: of those before it nothing is told any more. */
  pass(mediaSequence: number): void {
    this.#passed = Math.max(this.#passed, mediaSequence);
  }

  parts(rendition: string): RenditionParts | undefined {
    return this.#renditions.get(rendition);
  }

  /** Where the newest parts of all renditions that are made end, microseconds; 0 before there are any. */
  get edgeUs(): number {
    const ends = (this.#run?.renditions ?? [...this.#renditions.keys()]).flatMap((name) => this.parts(name)?.endUs ?? []);
    return ends.length === 0 ? 0 : Math.min(...ends);
  }

  /** Of the run that makes the newest segments; undefined while nobody makes any. */
  get run(): string | undefined {
    return this.#run?.run;
  }

  /** Whether the run was told of: what it makes is expected or will never be. */
  knows(run: string): boolean {
    return run === this.#newestRun?.run || this.#over.has(run);
  }

  segment(rendition: string, mediaSequence: number): SegmentState {
    const tail = this.of(rendition);
    const found = tail.find((one) => one.mediaSequence === mediaSequence);
    if (found !== undefined) return { kind: 'stored', cid: found.cid };
    const parts = this.parts(rendition);
    const growth = parts?.growth(mediaSequence);
    if (growth !== undefined && growth.run === this.run && growth.end !== 'broken') return { kind: 'growing', growth };
    const first = this.#run?.mediaSequence ?? 0;
    const newest = Math.max(tail.at(-1)?.mediaSequence ?? -1, parts?.newest?.mediaSequence ?? -1, first - 1);
    if (mediaSequence < first || mediaSequence <= (tail.at(-1)?.mediaSequence ?? -1)) return { kind: 'lost' };
    return mediaSequence > newest + aheadMax ? { kind: 'far', ahead: mediaSequence - newest } : { kind: 'soon', isNext: mediaSequence <= newest + 1 };
  }

  /** A segment of a run as it grows; broken off when that run is over. */
  growth(rendition: string, mediaSequence: number, run: string): Growth | undefined {
    const growth = this.parts(rendition)?.growth(mediaSequence);
    if (growth?.run !== run) return undefined;
    return growth.end === 'open' && this.run !== run ? { ...growth, end: 'broken' } : growth;
  }

  /** Number of the newest segment that playlists show whole, given the newest of the rows. */
  lastSequence(rendition: string, last: number): number {
    return Math.max(last, this.#last, (this.parts(rendition)?.newest?.mediaSequence ?? 0) - 1);
  }

  lowLatency(rendition: string, others: readonly string[], last: number): LowLatency {
    const parts = this.parts(rendition);
    return {
      partTargetUs: partDurationUs,
      partials: parts?.partials ?? new Map(),
      hint: this.#hint(rendition),
      reports: others.map((name) => this.#report(name, last)),
    };
  }

  /** True for the part that comes next, or the next but one, of the newest run: whoever tells of it may be away for a moment. */
  expects(rendition: string, mediaSequence: number, index: number, run: string): boolean {
    const next = this.#next(this.#newestRun, rendition);
    if (next === undefined || run !== this.#newestRun?.run) return false;
    return (
      (mediaSequence === next.mediaSequence && index >= next.index && index <= next.index + 1) || (mediaSequence === next.mediaSequence + 1 && index === 0)
    );
  }

  get #run(): EdgeRun | undefined {
    return this.#isAway ? undefined : this.#newestRun;
  }

  #begin(run: EdgeRun): boolean {
    const before = this.#newestRun?.run;
    if (before !== undefined && before !== run.run) this.#over.add(before);
    // Told again after a connection broke.
    this.#over.delete(run.run);
    for (const oldest of this.#over) if (this.#over.size > runsMax) this.#over.delete(oldest);
    this.#newestRun = run;
    this.#isAway = false;
    return true;
  }

  #hint(rendition: string): string | undefined {
    const next = this.#next(this.#run, rendition);
    return next === undefined ? undefined : `./${encodeURIComponent(rendition)}/${next.mediaSequence}.${next.index}.${this.#run?.run}.m4s`;
  }

  #next(run: EdgeRun | undefined, rendition: string): ReturnType<RenditionParts['next']> {
    const parts = this.parts(rendition);
    if (run === undefined || parts === undefined || !run.renditions.includes(rendition)) return undefined;
    return parts.next(run.run, run.mediaSequence);
  }

  #report(name: string, last: number): RenditionReport {
    const lastSequence = this.lastSequence(name, last);
    const newest = this.parts(name)?.newest;
    if (newest === undefined || newest.mediaSequence < lastSequence) return { name, lastSequence, lastPart: undefined };
    return { name, lastSequence: newest.mediaSequence, lastPart: newest.parts.length - 1 };
  }

  #addPart(part: EdgePart, bytes: Uint8Array): boolean {
    const isListed = part.mediaSequence > this.#passed;
    if (part.discontinuity && isListed) this.#breaks.add(part.mediaSequence);
    return this.#rendition(part.rendition).add(part, bytes, isListed);
  }

  /** All of a number are told of one after the other: all are there when every rendition is, or something else is told. */
  #gather(segment: EdgeSegment): boolean {
    const shown = this.#group.some(({ mediaSequence }) => mediaSequence !== segment.mediaSequence) && this.#show();
    this.#group.push(segment);
    const isWhole = this.#run?.renditions.every((name) => this.#group.some(({ rendition }) => rendition === name)) === true;
    return (isWhole && this.#show()) || shown;
  }

  #show(): boolean {
    const group = this.#group;
    this.#group = [];
    for (const segment of group) this.#addSegment(segment);
    return group.length > 0;
  }

  #addSegment(message: EdgeSegment): void {
    const tail = this.#tails.get(message.rendition) ?? [];
    const at = tail.findIndex(({ mediaSequence }) => mediaSequence >= message.mediaSequence);
    const kept = (at < 0 ? tail : tail.slice(0, at)).slice(1 - tailMax);
    this.#tails.set(message.rendition, [...kept, segmentOf(message)]);
    this.#last = Math.max(this.#last, message.mediaSequence);
    this.#endUs = Math.max(this.#endUs, message.startUs + message.durationUs);
    const parts = this.#rendition(message.rendition);
    parts.stored(message);
    parts.settle(message);
  }

  #rendition(rendition: string): RenditionParts {
    let parts = this.#renditions.get(rendition);
    if (parts === undefined) {
      parts = new RenditionParts({ rendition, partTargetUs: partDurationUs, targetDurationUs: this.#targetDurationSec * 1_000_000 });
      this.#renditions.set(rendition, parts);
    }
    return parts;
  }
}

function segmentOf({ kind: _kind, run: _run, rendition: _rendition, track, captions = [], ...segment }: EdgeSegment): Segment {
  const { timescale, codecs, width, height, sampleRate, channels } = track;
  return { ...segment, captions, track: { timescale, codecs, width, height, sampleRate, channels } };
}
