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

/** Samples that stay one movie fragment: as the encoder wrote them, unless a cut goes through. */
interface Chunk {
  readonly startTicks: number;
  readonly samples: Sample[];
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
  /** Cuts of the segmenter's list that this rendition has passed. */
  #cutsPassed = 0;

  constructor(rendition: SegmenterRendition) {
    this.rendition = rendition;
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
    this.#baseTicks = startTicks - this.rendition.primingTicks;
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
    this.#append({ startTicks, samples });
    return kept;
  }

  /** Closes a segment at every cut that the samples have reached. */
  cut(cuts: readonly number[]): void {
    for (let at = cuts[this.#cutsPassed]; at !== undefined; at = cuts[this.#cutsPassed]) {
      if (!this.#cutAt(this.#toTicks(at))) return;
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

  take(mediaSequence: number): CutSegment {
    const chunks = this.#closed.shift();
    assert(chunks !== undefined && this.#track !== undefined, 'a segment is ready');
    const { trackId } = this.#track;
    const parts = chunks.map(({ startTicks, samples }, index) =>
      writeFragment({ sequence: mediaSequence * 64 + index + 1, trackId, baseDecodeTime: startTicks, samples }),
    );
    const { startTicks } = chunks[0] as Chunk;
    const endTicks = endOf(chunks.at(-1) as Chunk);
    const startUs = this.#toUs(startTicks);
    const exact = { startTicks, durationTicks: endTicks - startTicks };
    const keyFrames = this.rendition.kind === 'audio' ? [] : keyFramesOf(chunks, parts);
    return { bytes: joined(parts), startUs, durationUs: this.#toUs(endTicks) - startUs, ...exact, keyFrames };
  }

  get #startTicks(): number {
    return this.#toTicks(this.rendition.startUs);
  }

  /** Small audio fragments become chunks of half a second: encoders write them small to keep the delay low. */
  #append(chunk: Chunk): void {
    const last = this.#open.at(-1);
    if (last === undefined) this.#checkKeyFrame(chunk);
    const joins = this.rendition.kind === 'audio' && last !== undefined && endOf(last) === chunk.startTicks;
    if (joins && endOf(last) - last.startTicks < this.#timescale / 2) last.samples.push(...chunk.samples);
    else this.#open.push(chunk);
  }

  /** False while the samples have not reached the cut. */
  #cutAt(cutTicks: number): boolean {
    if (this.#endTicks + 1 < cutTicks) return false;
    const index = this.#open.findIndex((chunk) => endOf(chunk) > cutTicks);
    const { before, after } = index < 0 ? { before: undefined, after: undefined } : splitChunk(this.#open[index] as Chunk, cutTicks);
    const head = [...this.#open.slice(0, index < 0 ? undefined : index), ...(before === undefined ? [] : [before])];
    const rest = index < 0 ? [] : [...(after === undefined ? [] : [after]), ...this.#open.slice(index + 1)];
    if (head.length === 0) throw new Fmp4Error('RENDITIONS_APART', `${this.rendition.name} has no media before the cut at ${this.#toUs(cutTicks)} us.`);
    if (rest[0] !== undefined) this.#checkKeyFrame(rest[0]);
    this.#checkCut(endOf(head.at(-1) as Chunk), cutTicks);
    this.#closed.push(head);
    this.#open = rest;
    return true;
  }

  #checkKeyFrame({ startTicks, samples }: Chunk): void {
    if (this.rendition.kind === 'audio' || isSync(samples[0] as Sample)) return;
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

  get #timescale(): number {
    assert(this.#track !== undefined, 'the initialisation comes before the fragments');
    return this.#track.timescale;
  }
}

function endOf({ startTicks, samples }: Chunk): number {
  return samples.reduce((ticks, { duration }) => ticks + duration, startTicks);
}

/** Splits before the first sample that starts at or after the cut (one tick of rounding allowed). */
function splitChunk(chunk: Chunk, cutTicks: number): { readonly before: Chunk | undefined; readonly after: Chunk | undefined } {
  let ticks = chunk.startTicks;
  for (let index = 0; index < chunk.samples.length; index++) {
    if (ticks + 1 >= cutTicks) {
      if (index === 0) return { before: undefined, after: chunk };
      const before = { startTicks: chunk.startTicks, samples: chunk.samples.slice(0, index) };
      return { before, after: { startTicks: ticks, samples: chunk.samples.slice(index) } };
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
