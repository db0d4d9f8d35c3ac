import type { Fragment, Sample } from '#core/fmp4';
import { RemuxError } from './errors.ts';
import { fragmentFramesMax, type SourceFrame, type TrackRemuxerInit } from './frame.ts';
import { videoTimescale } from './track.ts';

const ticksPerMs = videoTimescale / 1000;
/** Half a second, which is what players of low latency are promised a part to have at most. */
const fragmentTicksMax = videoTimescale / 2;
/** What a frame may be shown before or after it is decoded; real ones stay below a second. */
const compositionMsMax = 10_000;
/** ISO/IEC 14496-12 section 8.8.3.1: depends on none; or on others, and is no place to begin at. */
const keyFrameFlags = 0x0200_0000;
const otherFlags = 0x0101_0000;

interface OpenFrame {
  /** Where it would be decoded if all frames were moved as key frames are. */
  readonly ticks: number;
  /** Where it is decoded. */
  readonly decodeTicks: number;
  readonly compositionOffset: number;
  readonly flags: number;
  readonly data: Uint8Array;
}

/**
 * Frames of one video track as fragments on the stream's timeline. A frame lasts until the next is decoded, so each waits for
 * its successor. Key frames are decoded when they are shown: segments then begin where their picture does. Of a source with B-frames
 * the others keep their decode times, as far as the key frame before them lets them: the first ones of a group follow it at once, and
 * the last one lasts until the next. So no frame is shown before it is decoded, and nobody has to know of a shift: players differ in
 * what they make of negative composition offsets and of edit lists in segments (docs/adr/0060).
 */
export class VideoRemuxer {
  readonly #init: TrackRemuxerInit;
  #shiftTicks: number | undefined;
  #open: OpenFrame | undefined;
  #samples: Sample[] = [];
  /** Of the first sample in hand. */
  #startTicks = 0;
  #lastTicks: number;
  #lastDuration = ticksPerMs;
  /** The newest key frame: what is shown while no picture comes. */
  #still: Uint8Array | undefined;
  /** It is shown: what refers to other frames cannot be decoded until the next key frame. */
  #isStill = false;

  constructor(init: TrackRemuxerInit) {
    this.#init = init;
    this.#lastTicks = Math.round((init.startUs * videoTimescale) / 1_000_000) - 1;
  }

  /** By how much decode times were moved, ticks: what the first key frame is shown after it is decoded. Undefined before it. */
  get shiftTicks(): number | undefined {
    return this.#shiftTicks;
  }

  /** Where the newest frame is decoded, ticks of the stream's timeline; undefined before the first. */
  get openTicks(): number | undefined {
    return this.#open?.ticks;
  }

  /** What the newest frame will last, judged by the one before it, ticks. */
  get lastDuration(): number {
    return this.#lastDuration;
  }

  /** What is before the first key frame is passed over, and behind a still picture what is before the next. @throws RemuxError `REMUX_INVALID` for a presentation that cannot be */
  push({ timestampMs, compositionMs, keyFrame, data }: SourceFrame): Fragment | undefined {
    if (Math.abs(compositionMs) > compositionMsMax)
      throw new RemuxError('REMUX_INVALID', `A frame that is shown ${compositionMs} ms after it is decoded cannot be.`);
    if (data.length === 0 || ((this.#shiftTicks === undefined || this.#isStill) && !keyFrame)) return undefined;
    this.#shiftTicks ??= Math.max(0, compositionMs * ticksPerMs);
    const shown = (timestampMs + this.#init.offsetMs + compositionMs) * ticksPerMs;
    // Decode times grow by a tick at least, also where the source's stand still for a frame.
    const due = (timestampMs + this.#init.offsetMs) * ticksPerMs + this.#shiftTicks;
    // It came so late that a still picture has its place.
    if (this.#isStill && due <= this.#lastTicks) return undefined;
    this.#isStill = false;
    if (keyFrame) this.#still = data;
    const ticks = Math.max(due, this.#lastTicks + 1);
    const decodeTicks = this.#decodeTicks(ticks, keyFrame);
    const fragment = this.#closeFrame(ticks, decodeTicks, keyFrame);
    this.#lastTicks = ticks;
    this.#open = { ticks, decodeTicks, compositionOffset: shown - decodeTicks, flags: keyFrame ? keyFrameFlags : otherFlags, data };
    return fragment;
  }

  /**
   * Shows the newest key frame once more: a player that has pictures for every moment goes on with the sound.
   * @param atTicks where on the stream's timeline, behind all frames so far
   * @param isPoint a segment begins with it
   */
  still(atTicks: number, isPoint: boolean): Fragment | undefined {
    if (this.#still === undefined || atTicks <= this.#lastTicks) return undefined;
    this.#isStill = true;
    const fragment = this.#closeFrame(atTicks, atTicks, isPoint);
    this.#lastTicks = atTicks;
    this.#open = { ticks: atTicks, decodeTicks: atTicks, compositionOffset: 0, flags: isPoint ? keyFrameFlags : otherFlags, data: this.#still };
    return fragment;
  }

  /** @param endMs decode time of what follows, ms of the source; the last frame lasts as long as the one before it without */
  finish(endMs?: number): Fragment | undefined {
    const open = this.#open;
    if (open === undefined) return undefined;
    const endTicks = endMs === undefined ? 0 : Math.round((endMs + this.#init.offsetMs) * ticksPerMs) + (this.#shiftTicks ?? 0);
    const isNext = endTicks > open.ticks && endTicks - open.ticks <= videoTimescale;
    this.#keep(open, (isNext ? endTicks : open.ticks + this.#lastDuration) - open.decodeTicks);
    this.#open = undefined;
    return this.#take();
  }

  #decodeTicks(ticks: number, keyFrame: boolean): number {
    return keyFrame ? ticks : Math.max(ticks - (this.#shiftTicks ?? 0), (this.#open?.decodeTicks ?? 0) + 1);
  }

  /** The frame before the one at `ticks` is complete. */
  #closeFrame(ticks: number, decodeTicks: number, keyFrame: boolean): Fragment | undefined {
    const open = this.#open;
    if (open === undefined) return undefined;
    this.#lastDuration = ticks - open.ticks;
    this.#keep(open, decodeTicks - open.decodeTicks);
    // The next frame will last about as long as this one: a fragment ends before it would be too long.
    const isFull = decodeTicks - this.#startTicks + this.#lastDuration > fragmentTicksMax || this.#samples.length === fragmentFramesMax;
    if (keyFrame) return { ...this.#take(), endsAtKeyFrame: true };
    return isFull ? this.#take() : undefined;
  }

  #keep({ decodeTicks, compositionOffset, flags, data }: OpenFrame, duration: number): void {
    if (this.#samples.length === 0) this.#startTicks = decodeTicks;
    this.#samples.push({ duration, flags, compositionOffset, data });
  }

  #take(): Fragment {
    const samples = this.#samples;
    this.#samples = [];
    return { baseDecodeTime: this.#startTicks, samples };
  }
}
