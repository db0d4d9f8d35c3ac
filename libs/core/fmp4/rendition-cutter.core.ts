import { assert } from '#kernel';
import { Fmp4Error } from './errors.ts';
import { isSync, type Fragment, type Sample } from './fragment.core.ts';
import { writeFragment } from './fragment-writer.core.ts';
import type { TrackInit } from './init.core.ts';

export interface SegmenterRendition {
  readonly name: string;
  readonly kind: 'video' | 'audio';
  /** Where on the stream's timeline the rendition's media begins, microseconds. */
  readonly startUs: number;
  /** Ticks of the encoder's output that come before `startUs`: an audio encoder's priming samples. They are cut off. */
  readonly primingTicks: number;
  /** True when the decode times that come are of the stream's timeline already. */
  readonly isPlaced?: boolean;
  /** The others go on without it when it cannot be cut where they are, or nothing of it comes any more. Never the one that leads. */
  readonly isOptional?: boolean;
  /** Where the key frames need not be exactly those of the rendition that leads: a segment begins with the one that is close. */
  readonly loose?: LooseCuts;
}

export interface LooseCuts {
  /** How far from the cut the key frame may be, microseconds. */
  readonly slackUs: number;
  /** A segment may not be longer, microseconds. */
  readonly longestUs: number;
}

/** A segment of one rendition: one or more movie fragments on the stream's timeline. */
export interface CutSegment {
  readonly bytes: Uint8Array;
  /** Microseconds of the stream's timeline; `startUs + durationUs` is exactly where the next segment starts. */
  readonly startUs: number;
  readonly durationUs: number;
  /** The same in ticks of the track's time scale, exactly. */
  readonly startTicks: number;
  readonly durationTicks: number;
  /** Key frames that can be read by themselves, in order; none for audio. */
  readonly keyFrames: readonly KeyFrameRange[];
}

/** Where a movie fragment begins that begins with a key frame, and where that frame ends: enough to show it. */
export interface KeyFrameRange {
  /** From the segment's first byte. */
  readonly offset: number;
  readonly sizeBytes: number;
  /** On the stream's timeline. */
  readonly startTicks: number;
}

/** A movie fragment of a segment as soon as it is certain, before the segment is: an LL-HLS part. */
export interface PartialSegment {
  readonly rendition: string;
  readonly mediaSequence: number;
  /** From 0, without holes; the segment's bytes are its parts' one after the other. */
  readonly index: number;
  /** True when it is known that nothing of the segment follows. */
  readonly last: boolean;
  /** Begins with a key frame: decoding can start here. */
  readonly independent: boolean;
  readonly startUs: number;
  readonly durationUs: number;
  readonly bytes: Uint8Array;
}

/** So long is a movie fragment at most, microseconds: parts are announced with a length that none of them may exceed. */
export const partDurationUs = 500_000;

/** Samples that become one movie fragment: as many as fit, whatever fragments the encoder wrote, unless a cut goes through. */
interface Chunk {
  readonly startTicks: number;
  endTicks: number;
  readonly samples: Sample[];
  /** Set when it is written: nothing can be added any more. */
  bytes?: Uint8Array;
  /** True when it was handed out as a part. */
  announced?: boolean;
}

export interface TimedSample {
  readonly sample: Sample;
  readonly us: number;
}

/** The samples of one rendition, cut where the segmenter says. Times in here are ticks on the stream's timeline. */
export class RenditionCutter {
  readonly rendition: SegmenterRendition;
  #track: TrackInit | undefined;
  /** Added to the encoder's decode times; its first kept sample then starts at `startUs`. */
  #baseTicks = 0;
  #endTicks = 0;
  #open: Chunk[] = [];
  readonly #closed: Chunk[][] = [];
  /** Of the oldest segment that was not taken. */
  #mediaSequence: number;
  /** What comes next begins with a key frame. */
  #endsAtKeyFrame = false;
  /** Cuts of the segmenter's list that this rendition has passed. */
  #cutsPassed = 0;

  constructor(rendition: SegmenterRendition, mediaSequence: number) {
    this.rendition = rendition;
    this.#mediaSequence = mediaSequence;
  }

  /** Media sequence number of the newest segment that the rendition has something of; one less while it has nothing at all. */
  get reachedSequence(): number {
    return this.#mediaSequence + this.#closed.length - (this.#open.length > 0 ? 0 : 1);
  }

  get ready(): boolean {
    return this.#closed.length > 0;
  }

  get cutsPassed(): number {
    return this.#cutsPassed;
  }

  get endUs(): number {
    return this.#track === undefined ? this.rendition.startUs : this.#toUs(this.#endTicks);
  }

  get pendingBytes(): number {
    let sum = 0;
    for (const chunk of [...this.#open, ...this.#closed.flat()]) for (const { data } of chunk.samples) sum += data.length;
    return sum;
  }

  begin(track: TrackInit): void {
    assert(this.#track === undefined, 'a rendition begins once');
    this.#track = track;
    const startTicks = this.#toTicks(this.rendition.startUs);
    this.#baseTicks = this.rendition.isPlaced === true ? 0 : startTicks - this.rendition.primingTicks;
    this.#endTicks = startTicks;
  }

  /** Takes a fragment in; answers its samples with their times, without those before the start. */
  accept(fragment: Fragment): readonly TimedSample[] {
    let ticks = fragment.baseDecodeTime + this.#baseTicks;
    const kept: TimedSample[] = [];
    const samples: Sample[] = [];
    let startTicks = ticks;
    const floor = this.#endTicks;
    for (const sample of fragment.samples) {
      const end = ticks + sample.duration;
      // Priming, or an edit that a muxer shifted: half a sample before the start counts as before.
      if (ticks + sample.duration / 2 <= this.#startTicks) {
        startTicks = end;
      } else {
        samples.push(sample);
        kept.push({ sample, us: this.#toUs(ticks) });
      }
      ticks = end;
    }
    if (samples.length === 0) return kept;
    if (startTicks < floor) throw new Fmp4Error('FMP4_INVALID', `${this.rendition.name}: decode times go back by ${floor - startTicks} ticks.`);
    this.#endTicks = ticks;
    this.#endsAtKeyFrame = fragment.endsAtKeyFrame === true;
    this.#append({ startTicks, samples });
    return kept;
  }

  /** Closes a segment at every cut that the samples have reached. */
  cut(cuts: readonly number[]): void {
    // Nothing of it has come yet: the others wait, as far as they may be apart.
    if (this.#track === undefined) return;
    for (let at = cuts[this.#cutsPassed]; at !== undefined; at = cuts[this.#cutsPassed]) {
      const { loose } = this.rendition;
      if (!(loose === undefined ? this.#cutAt(this.#toTicks(at)) : this.#cutNear(this.#toTicks(at), loose))) return;
      this.#cutsPassed += 1;
    }
  }

  forgetCuts(count: number): void {
    this.#cutsPassed -= count;
  }

  /** Everything that is left becomes a segment. */
  finish(): void {
    if (this.#open.length === 0) return;
    this.#closed.push(this.#open);
    this.#open = [];
  }

  /** Leaves out what begins there or later, of what is in no closed segment. */
  keepUntil(us: number): void {
    if (this.#track !== undefined) this.#open = headOf(this.#open, this.#toTicks(us));
  }

  /** Nothing more is taken: what there is up to the next cut becomes the last segment. */
  giveUp(cuts: readonly number[]): void {
    const at = cuts[this.#cutsPassed];
    if (this.#track === undefined) return;
    if (at !== undefined) this.#open = headOf(this.#open, this.#toTicks(at));
    this.finish();
  }

  take(mediaSequence: number): CutSegment {
    const chunks = this.#closed.shift();
    assert(chunks !== undefined && this.#track !== undefined, 'a segment is ready');
    this.#mediaSequence = mediaSequence + 1;
    const parts = chunks.map((chunk, index) => this.#written(chunk, mediaSequence, index));
    const { startTicks } = chunks[0] as Chunk;
    const { endTicks } = chunks.at(-1) as Chunk;
    const startUs = this.#toUs(startTicks);
    const exact = { startTicks, durationTicks: endTicks - startTicks };
    const keyFrames = this.rendition.kind === 'audio' ? [] : keyFramesOf(chunks, parts);
    return { bytes: joined(parts), startUs, durationUs: this.#toUs(endTicks) - startUs, ...exact, keyFrames };
  }

  /**
   * The parts that have become certain, in order, each once.
   * @param untilUs up to there all cuts are known
   * @param sequenceMax greatest media sequence number that may be told of
   */
  takeParts(untilUs: number, sequenceMax: number): PartialSegment[] {
    const parts: PartialSegment[] = [];
    for (let at = 0; at <= this.#closed.length && this.#mediaSequence + at <= sequenceMax; at++) {
      const isClosed = at < this.#closed.length;
      const chunks = this.#closed[at] ?? this.#open;
      for (const [index, chunk] of chunks.entries()) {
        if (chunk.announced === true) continue;
        const isLast = index === chunks.length - 1;
        if (!isClosed && ((isLast && this.#mayGrow(chunk)) || this.#toUs(chunk.endTicks) > untilUs)) return parts;
        chunk.announced = true;
        parts.push(this.#part(chunk, this.#mediaSequence + at, index, isClosed && isLast));
      }
    }
    return parts;
  }

  #part(chunk: Chunk, mediaSequence: number, index: number, last: boolean): PartialSegment {
    const { startTicks, endTicks, samples } = chunk;
    const startUs = this.#toUs(startTicks);
    const { name, kind } = this.rendition;
    return {
      ...{ rendition: name, mediaSequence, index, last, independent: kind === 'audio' || isSync(samples[0] as Sample) },
      ...{ startUs, durationUs: this.#toUs(endTicks) - startUs, bytes: this.#written(chunk, mediaSequence, index) },
    };
  }

  #written(chunk: Chunk, mediaSequence: number, index: number): Uint8Array {
    assert(this.#track !== undefined, 'the initialisation comes before the fragments');
    const { startTicks, samples } = chunk;
    chunk.bytes ??= writeFragment({ sequence: mediaSequence * 64 + index + 1, trackId: this.#track.trackId, baseDecodeTime: startTicks, samples });
    return chunk.bytes;
  }

  get #startTicks(): number {
    return this.#toTicks(this.rendition.startUs);
  }

  /** Chunks are as long as they may be: encoders write small fragments to keep the delay low, or longer ones than a part. */
  #append({ startTicks, samples }: Pick<Chunk, 'startTicks' | 'samples'>): void {
    if (this.#open.length === 0) this.#checkKeyFrame(startTicks, samples[0] as Sample);
    let ticks = startTicks;
    for (const sample of samples) {
      const end = ticks + sample.duration;
      const last = this.#open.at(-1);
      const isBegun = this.rendition.loose !== undefined && isSync(sample);
      if (last === undefined || isBegun || last.bytes !== undefined || last.endTicks !== ticks || end - last.startTicks > this.#partTicks) {
        this.#open.push({ startTicks: ticks, endTicks: end, samples: [sample] });
      } else {
        last.samples.push(sample);
        last.endTicks = end;
      }
      ticks = end;
    }
  }

  /** Another sample like the last one would still fit in. */
  #mayGrow({ startTicks, endTicks, samples }: Chunk): boolean {
    return endTicks - startTicks + (samples.at(-1)?.duration ?? 0) <= this.#partTicks;
  }

  /** False while the samples have not reached the cut. */
  #cutAt(cutTicks: number): boolean {
    if (this.#endTicks + 1 < cutTicks) return false;
    const index = this.#open.findIndex(({ endTicks }) => endTicks > cutTicks);
    const { before, after } = index < 0 ? { before: undefined, after: undefined } : splitChunk(this.#open[index] as Chunk, cutTicks);
    const head = [...this.#open.slice(0, index < 0 ? undefined : index), ...(before === undefined ? [] : [before])];
    const rest = index < 0 ? [] : [...(after === undefined ? [] : [after]), ...this.#open.slice(index + 1)];
    if (head.length === 0) throw new Fmp4Error('RENDITIONS_APART', `${this.rendition.name} has no media before the cut at ${this.#toUs(cutTicks)} us.`);
    if (rest[0] !== undefined) this.#checkKeyFrame(rest[0].startTicks, rest[0].samples[0] as Sample);
    this.#checkCut((head.at(-1) as Chunk).endTicks, cutTicks);
    this.#closed.push(head);
    this.#open = rest;
    return true;
  }

  /** False while the key frame that is close to the cut may still come. */
  #cutNear(cutTicks: number, { slackUs, longestUs }: LooseCuts): boolean {
    const slack = this.#toTicks(slackUs);
    const isNear = (ticks: number): boolean => Math.abs(ticks - cutTicks) <= slack;
    const index = this.#open.findIndex(({ startTicks, samples }, at) => at > 0 && isNear(startTicks) && isSync(samples[0] as Sample));
    const isEnd = index < 0 && this.#open.length > 0 && this.#endsAtKeyFrame && isNear(this.#endTicks);
    if (index < 0 && !isEnd) {
      if (this.#endTicks <= cutTicks + slack) return false;
      throw new Fmp4Error('RENDITIONS_MISALIGNED', `${this.rendition.name} has no key frame about ${this.#toUs(cutTicks)} us, where a segment begins.`);
    }
    const head = this.#open.slice(0, index < 0 ? undefined : index);
    const lasts = this.#toUs((head.at(-1) as Chunk).endTicks - (head[0] as Chunk).startTicks);
    if (lasts > longestUs) throw new Fmp4Error('RENDITIONS_MISALIGNED', `${this.rendition.name} has a segment of ${lasts} us, which is too long.`);
    this.#closed.push(head);
    this.#open = index < 0 ? [] : this.#open.slice(index);
    return true;
  }

  #checkKeyFrame(startTicks: number, first: Sample): void {
    if (this.rendition.kind === 'audio' || isSync(first)) return;
    throw new Fmp4Error('RENDITIONS_MISALIGNED', `${this.rendition.name} has no key frame at ${this.#toUs(startTicks)} us, where a segment begins.`);
  }

  /** A video segment must end at the cut itself, within a millisecond: the other renditions' do. */
  #checkCut(endTicks: number, cutTicks: number): void {
    if (this.rendition.kind === 'audio' || Math.abs(endTicks - cutTicks) * 1000 <= this.#timescale) return;
    throw new Fmp4Error('RENDITIONS_MISALIGNED', `${this.rendition.name} has no frame at ${this.#toUs(cutTicks)} us, where a segment begins.`);
  }

  #toTicks(us: number): number {
    return Math.round((us * this.#timescale) / 1_000_000);
  }

  #toUs(ticks: number): number {
    return Math.round((ticks * 1_000_000) / this.#timescale);
  }

  get #partTicks(): number {
    return Math.floor((partDurationUs * this.#timescale) / 1_000_000);
  }

  get #timescale(): number {
    assert(this.#track !== undefined, 'the initialisation comes before the fragments');
    return this.#track.timescale;
  }
}

function headOf(open: readonly Chunk[], cutTicks: number): Chunk[] {
  return open.filter(({ startTicks }) => startTicks + 1 < cutTicks).flatMap((chunk) => splitChunk(chunk, cutTicks).before ?? []);
}

/** Splits before the first sample that starts at or after the cut (one tick of rounding allowed). */
function splitChunk(chunk: Chunk, cutTicks: number): { readonly before: Chunk | undefined; readonly after: Chunk | undefined } {
  let ticks = chunk.startTicks;
  for (let index = 0; index < chunk.samples.length; index++) {
    if (ticks + 1 >= cutTicks) {
      if (index === 0) return { before: undefined, after: chunk };
      const before = { startTicks: chunk.startTicks, endTicks: ticks, samples: chunk.samples.slice(0, index) };
      return { before, after: { startTicks: ticks, endTicks: chunk.endTicks, samples: chunk.samples.slice(index) } };
    }
    ticks += (chunk.samples[index] as Sample).duration;
  }
  return { before: chunk, after: undefined };
}

/** An encoder begins a fragment with each key frame; one in the middle of a fragment cannot be read without what precedes it. */
function keyFramesOf(chunks: readonly Chunk[], parts: readonly Uint8Array[]): readonly KeyFrameRange[] {
  const found: KeyFrameRange[] = [];
  let offset = 0;
  chunks.forEach(({ startTicks, samples }, index) => {
    const size = (parts[index] as Uint8Array).length;
    const first = samples[0] as Sample;
    // The mdat ends the fragment: what precedes the first frame's data are all the boxes before it.
    const dataBytes = samples.reduce((sum, { data }) => sum + data.length, 0);
    if (isSync(first)) found.push({ offset, sizeBytes: size - dataBytes + first.data.length, startTicks });
    offset += size;
  });
  return found;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const only = parts[0];
  if (parts.length === 1 && only !== undefined) return only;
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
