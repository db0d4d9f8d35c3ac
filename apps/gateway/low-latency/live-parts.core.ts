import { partDurationUs } from '#core/fmp4';
import type { LowLatency, RenditionReport } from '#core/hls';
import type { EdgeFrame, EdgeSegment } from '#core/live-edge';
import type { Segment } from '../origin/segment-rows.ts';
import type { SegmentTail } from '../origin/stream-window.ts';
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

/** What a stream's packager has told: parts, and the newest segments. Pure. */
export class LiveParts implements SegmentTail {
  readonly #targetDurationSec: number;
  readonly #renditions = new Map<string, RenditionParts>();
  readonly #tails = new Map<string, Segment[]>();
  #run: { readonly run: string; readonly mediaSequence: number; readonly renditions: readonly string[] } | undefined;
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

  of(rendition: string): readonly Segment[] {
    return this.#tails.get(rendition) ?? [];
  }

  /** Answers whether playlists change. */
  apply({ message, bytes }: EdgeFrame): boolean {
    switch (message.kind) {
      case 'beat':
        return false;
      case 'run':
        this.#run = message;
        return true;
      case 'part':
        return this.#rendition(message.rendition).add(message, bytes);
      case 'segment':
        return this.#addSegment(message);
    }
  }

  /** The packager is away: nothing is expected of it. */
  disconnect(): void {
    this.#run = undefined;
  }

  /** What the log says of segments of which parts were shown, in case their packager never came to tell. */
  settle(rendition: string, segments: readonly Segment[]): void {
    const parts = this.#renditions.get(rendition);
    for (const segment of segments.slice(-tailMax)) parts?.settle(segment);
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
      hint: this.#hint(rendition, parts),
      reports: others.map((name) => this.#report(name, last)),
    };
  }

  /** True for the part that comes next, or the next but one. */
  expects(rendition: string, mediaSequence: number, index: number, run: string): boolean {
    const next = this.#next(rendition, this.parts(rendition));
    if (next === undefined || run !== this.#run?.run) return false;
    return (
      (mediaSequence === next.mediaSequence && index >= next.index && index <= next.index + 1) || (mediaSequence === next.mediaSequence + 1 && index === 0)
    );
  }

  #hint(rendition: string, parts: RenditionParts | undefined): string | undefined {
    const next = this.#next(rendition, parts);
    return next === undefined ? undefined : `./${encodeURIComponent(rendition)}/${next.mediaSequence}.${next.index}.${this.#run?.run}.m4s`;
  }

  #next(rendition: string, parts: RenditionParts | undefined): ReturnType<RenditionParts['next']> {
    const run = this.#run;
    if (run === undefined || parts === undefined || !run.renditions.includes(rendition)) return undefined;
    return parts.next(run.run, run.mediaSequence);
  }

  #report(name: string, last: number): RenditionReport {
    const lastSequence = this.lastSequence(name, last);
    const newest = this.parts(name)?.newest;
    if (newest === undefined || newest.mediaSequence < lastSequence) return { name, lastSequence, lastPart: undefined };
    return { name, lastSequence: newest.mediaSequence, lastPart: newest.parts.length - 1 };
  }

  #addSegment(message: EdgeSegment): boolean {
    const tail = this.#tails.get(message.rendition) ?? [];
    const at = tail.findIndex(({ mediaSequence }) => mediaSequence >= message.mediaSequence);
    const kept = (at < 0 ? tail : tail.slice(0, at)).slice(1 - tailMax);
    this.#tails.set(message.rendition, [...kept, segmentOf(message)]);
    this.#last = Math.max(this.#last, message.mediaSequence);
    this.#endUs = Math.max(this.#endUs, message.startUs + message.durationUs);
    const parts = this.#rendition(message.rendition);
    parts.stored(message);
    parts.settle(message);
    return true;
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
