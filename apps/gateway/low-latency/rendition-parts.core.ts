import type { PartialSegments, PlaylistPart } from '#core/hls';
import type { EdgePart, EdgeSegment, EdgeTrack } from '#core/live-edge';

interface Part extends PlaylistPart {
  /** Undefined for a gap, and when it is older than anybody may ask for. */
  bytes: Uint8Array | undefined;
}

interface Partial extends PartialSegments {
  readonly run: string;
  readonly track: EdgeTrack | undefined;
  readonly parts: Part[];
  endUs: number;
  /** Nothing of it follows. */
  closed: boolean;
  /** There is a whole segment of its number, whoever made it. */
  isStored: boolean;
  readonly isListed: boolean;
  /** Of all parts so far. */
  sizeBytes: number;
  /** Of the whole segment, once its run has stored it. */
  storedBytes: number | undefined;
}

export interface OpenSegment extends Pick<EdgePart, 'mediaSequence' | 'initCid' | 'startUs' | 'durationUs' | 'programDateTimeMs' | 'discontinuity'> {
  readonly track: EdgeTrack;
}

/** A segment that is being made, or was a moment ago. */
export interface Growth {
  readonly run: string;
  readonly discontinuity: boolean;
  /** Parts that there are. */
  readonly length: number;
  /** Nothing follows: all of it is there and stored as it is, or the rest of it will never be. */
  readonly end: 'open' | 'whole' | 'broken';
}

export interface RenditionPartsInit {
  readonly rendition: string;
  /** No part is longer, microseconds. */
  readonly partTargetUs: number;
  /** No segment is longer, microseconds. */
  readonly targetDurationUs: number;
}

/** 6.2.2: three target durations in the playlist, and three more; and the segment that is being made. */
const targetsKept = 8;
/** A rest that is shorter is a rounding of times, microseconds. */
const roundingUs = 1000;
/** Segments whose parts are remembered. */
const partialsMax = 64;
/** The same of those that were never stored: what was told of them with their parts is told for as long as they stay in a playlist. */
const lostMax = 1024;

/**
 * The parts of one rendition as its playlists show them. What was shown is never taken back: when another run of the encoder
 * makes a segment again of which players know parts already, theirs stay, and what is missing of it becomes gaps (6.2.1);
 * the segment as a whole is the new run's. Pure.
 */
export class RenditionParts {
  readonly #init: RenditionPartsInit;
  /** In order of media sequence. */
  readonly #partials = new Map<number, Partial>();
  #newest: Partial | undefined;

  constructor(init: RenditionPartsInit) {
    this.#init = init;
  }

  get partials(): ReadonlyMap<number, PartialSegments> {
    const all = [...this.#partials];
    return all.every(([, { isListed }]) => isListed) ? this.#partials : new Map(all.filter(([, { isListed }]) => isListed));
  }

  /** All segments of which there were parts, in order, listed or not. */
  get all(): Iterable<PartialSegments> {
    return this.#partials.values();
  }

  /** The newest segment of which there is a part; undefined before the first. */
  get newest(): PartialSegments | undefined {
    return this.#newest;
  }

  /**
   * Answers whether playlists change.
   * @param isListed false for a segment that playlists have passed: its parts can be had, for others may have been told of them
   */
  add(part: EdgePart, bytes: Uint8Array, isListed = true): boolean {
    const known = this.#partials.get(part.mediaSequence);
    if (known === undefined) return this.#begin(part, bytes, isListed);
    if (known.run !== part.run) return this.#fill(known, part.startUs + part.durationUs, part.last);
    // Told again after a connection broke; or one is missing, and nothing behind it can be shown.
    if (part.index !== known.parts.length || known.closed) return false;
    this.#append(known, part, bytes);
    return true;
  }

  /** The segment is stored: what players were not told of it in parts they are told to be gaps. */
  settle({ mediaSequence, startUs, durationUs }: Pick<EdgeSegment, 'mediaSequence' | 'startUs' | 'durationUs'>): boolean {
    if (this.#newest !== undefined && this.#newest.mediaSequence < mediaSequence) this.#leave(this.#newest, startUs);
    const known = this.#partials.get(mediaSequence);
    if (known !== undefined) known.isStored = true;
    if (known === undefined || known.closed) return false;
    const changed = this.#fill(known, startUs + durationUs, true);
    known.closed = true;
    return changed;
  }

  /** A run has stored a segment. */
  stored({ run, mediaSequence, sizeBytes }: Pick<EdgeSegment, 'run' | 'mediaSequence' | 'sizeBytes'>): void {
    const known = this.#partials.get(mediaSequence);
    if (known?.run === run) known.storedBytes = sizeBytes;
  }

  /** Where the newest part ends on the stream's timeline, microseconds. */
  get endUs(): number {
    return this.#newest?.endUs ?? 0;
  }

  /** The segment of which there are parts and nothing is stored, as far as it has come; undefined without one, or while its coding is unknown. */
  get open(): OpenSegment | undefined {
    const newest = this.#newest;
    if (newest?.track === undefined || newest.storedBytes !== undefined || newest.parts.length === 0) return undefined;
    const { mediaSequence, initCid, startUs, endUs, programDateTimeMs, discontinuity, track } = newest;
    return { mediaSequence, initCid, startUs, durationUs: endUs - startUs, programDateTimeMs, discontinuity, track };
  }

  /** What there is of a segment in parts; undefined without any. */
  growth(mediaSequence: number): Growth | undefined {
    const partial = this.#partials.get(mediaSequence);
    if (partial === undefined) return undefined;
    const { run, discontinuity, parts, sizeBytes, storedBytes } = partial;
    const broken = parts.some(({ gap }) => gap) || (storedBytes !== undefined && storedBytes !== sizeBytes);
    return { run, discontinuity, length: parts.length, end: broken ? 'broken' : storedBytes === undefined ? 'open' : 'whole' };
  }

  /** The part that comes next of a run; undefined when none of this rendition is expected. */
  next(run: string, firstSequence: number): { readonly mediaSequence: number; readonly index: number } | undefined {
    const newest = this.#newest;
    if (newest === undefined) return { mediaSequence: firstSequence, index: 0 };
    if (newest.run === run && !newest.closed) return { mediaSequence: newest.mediaSequence, index: newest.parts.length };
    return { mediaSequence: Math.max(newest.mediaSequence + 1, newest.run === run ? 0 : firstSequence), index: 0 };
  }

  /** The bytes of a part; undefined when it is not, or no longer, there. */
  bytes(mediaSequence: number, index: number, run: string): Uint8Array | undefined {
    const partial = this.#partials.get(mediaSequence);
    return partial?.run === run ? partial.parts[index]?.bytes : undefined;
  }

  /** A segment begins. Those before it that are still open stay as they are: their rest is gone. */
  #begin(part: EdgePart, bytes: Uint8Array, isListed: boolean): boolean {
    const newest = this.#newest;
    if (part.index !== 0 || part.durationUs > this.#init.partTargetUs + roundingUs) return false;
    if (newest !== undefined && part.mediaSequence < newest.mediaSequence) return false;
    if (newest !== undefined) this.#leave(newest, part.startUs);
    const { run, mediaSequence, initCid, startUs, programDateTimeMs, discontinuity, track } = part;
    const about = { run, mediaSequence, initCid, startUs, programDateTimeMs, discontinuity, track, parts: [] };
    const partial: Partial = { ...about, endUs: startUs, closed: false, isStored: false, isListed, sizeBytes: 0, storedBytes: undefined };
    this.#partials.set(mediaSequence, partial);
    this.#newest = partial;
    this.#append(partial, part, bytes);
    this.#forget(startUs);
    return true;
  }

  /** Nobody makes the rest of it: another one begins behind it. */
  #leave(partial: Partial, untilUs: number): void {
    if (partial.closed) return;
    this.#fill(partial, Math.min(untilUs, partial.startUs + this.#init.targetDurationUs), true);
    partial.closed = true;
  }

  #append(partial: Partial, part: EdgePart, bytes: Uint8Array): void {
    const { rendition } = this.#init;
    const { durationUs, independent, index, mediaSequence, run } = part;
    // A source of which a part lasts longer than parts may is one without parts.
    if (durationUs > this.#init.partTargetUs + roundingUs) return;
    partial.parts.push({ uri: partUri(rendition, mediaSequence, index, run), durationUs, independent, gap: false, bytes });
    partial.endUs = part.startUs + durationUs;
    partial.sizeBytes += bytes.length;
    partial.closed = part.last;
  }

  /** Whenever it is heard how far a segment has come, the gaps of it are the same: other gateways may hear of it at other moments. */
  #fill(partial: Partial, untilUs: number, isEnd: boolean): boolean {
    const before = partial.parts.length;
    const { partTargetUs } = this.#init;
    const missingMin = isEnd ? roundingUs + 1 : partTargetUs;
    while (untilUs - partial.endUs >= missingMin) {
      const durationUs = Math.min(partTargetUs, untilUs - partial.endUs);
      const uri = partUri(this.#init.rendition, partial.mediaSequence, partial.parts.length, 'gap');
      partial.parts.push({ uri, durationUs, independent: false, gap: true, bytes: undefined });
      partial.endUs += durationUs;
    }
    return partial.parts.length > before;
  }

  #forget(nowUs: number): void {
    const fromUs = nowUs - targetsKept * this.#init.targetDurationUs;
    for (const [mediaSequence, partial] of this.#partials) {
      if (partial.endUs >= fromUs && this.#partials.size <= partialsMax) return;
      for (const part of partial.parts) part.bytes = undefined;
      if (this.#partials.size > (partial.isStored ? partialsMax : lostMax)) this.#partials.delete(mediaSequence);
    }
  }
}

/** As seen from the rendition's playlist; with its run, because another run's part of the same number is another part. */
function partUri(rendition: string, mediaSequence: number, index: number, run: string): string {
  return `./${encodeURIComponent(rendition)}/${mediaSequence}.${index}.${run}.m4s`;
}
