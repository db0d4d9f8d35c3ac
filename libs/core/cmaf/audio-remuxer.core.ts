import type { Fragment, Sample } from '#core/fmp4';
import { fragmentFramesMax, type SourceFrame, type TrackRemuxerInit } from './frame.ts';
import type { CmafTrack } from './track.ts';

/** So far the sample count and the source's clock may be apart, ms: below what is noticed (ITU-R BT.1359). */
const apartMsMax = 40;
/** Small, so that sound is never what a segment waits for. */
const fragmentMsMax = 100;
/** Every frame of sound can be begun with. */
const soundFlags = 0x0200_0000;

/** How often the count of samples was set right by the source's clock. */
export interface ClockCorrections {
  /** Holes that the frame before them was stretched over. */
  stretched: number;
  /** Frames that were left out because there was no time left for them. */
  leftOut: number;
}

/**
 * Frames of one audio track as fragments on the stream's timeline. The clock is the count of samples: a source's
 * milliseconds are rounded, and durations made from them would be heard. Where the two are apart by more than one notices
 * the source is right: a hole is closed by the frame before it, and what comes too early is left out.
 */
export class AudioRemuxer {
  readonly #init: TrackRemuxerInit;
  readonly #track: CmafTrack;
  readonly corrections: ClockCorrections = { stretched: 0, leftOut: 0 };
  readonly #apartTicks: number;
  readonly #fragmentTicks: number;
  readonly #beginTicks: number;
  /** Where the next frame begins; undefined before the first. */
  #nextTicks: number | undefined;
  #startTicks = 0;
  #samples: Sample[] = [];
  /** The newest frame, whose duration may still change. */
  #open: Sample | undefined;

  constructor(track: CmafTrack, init: TrackRemuxerInit) {
    this.#track = track;
    this.#init = init;
    this.#apartTicks = this.#ticks(apartMsMax);
    this.#fragmentTicks = this.#ticks(fragmentMsMax);
    this.#beginTicks = this.#ticks(init.startUs / 1000);
  }

  /** @throws RemuxError `REMUX_INVALID` for a frame that does not tell how long it is */
  push({ timestampMs, data }: SourceFrame): Fragment | undefined {
    if (data.length === 0) return undefined;
    const duration = this.#track.samplesOf?.(data) ?? 0;
    const due = this.#ticks(timestampMs + this.#init.offsetMs);
    if (this.#nextTicks === undefined && !this.#begin(due, duration)) return undefined;
    let apart = due - (this.#nextTicks as number);
    if (apart < -this.#apartTicks) {
      this.corrections.leftOut += 1;
      return undefined;
    }
    if (apart <= this.#apartTicks) apart = 0;
    const fragment = this.#closeFrame(apart);
    this.#nextTicks = (this.#nextTicks as number) + apart + duration;
    this.#open = { duration, flags: soundFlags, compositionOffset: 0, data };
    return fragment;
  }

  finish(): Fragment | undefined {
    if (this.#open === undefined) return undefined;
    this.#keep(this.#open);
    this.#open = undefined;
    return this.#take();
  }

  /** What mostly belongs before the beginning is passed over; the first frame then begins exactly there, if it can. */
  #begin(due: number, duration: number): boolean {
    if (due + duration / 2 <= this.#beginTicks) return false;
    this.#nextTicks = due <= this.#beginTicks + Math.max(duration / 2, this.#apartTicks) ? this.#beginTicks : due;
    this.#startTicks = this.#nextTicks;
    return true;
  }

  #closeFrame(holeTicks: number): Fragment | undefined {
    const open = this.#open;
    if (open === undefined) {
      // A hole before the very first frame: there is nothing to stretch, so the track begins later.
      this.#startTicks += holeTicks;
      return undefined;
    }
    if (holeTicks > 0) this.corrections.stretched += 1;
    this.#keep(holeTicks > 0 ? { ...open, duration: open.duration + holeTicks } : open);
    const endTicks = (this.#nextTicks as number) + holeTicks;
    return endTicks - this.#startTicks >= this.#fragmentTicks || this.#samples.length === fragmentFramesMax ? this.#take() : undefined;
  }

  #keep(sample: Sample): void {
    this.#samples.push(sample);
  }

  #take(): Fragment {
    const fragment = { baseDecodeTime: this.#startTicks, samples: this.#samples };
    for (const { duration } of this.#samples) this.#startTicks += duration;
    this.#samples = [];
    return fragment;
  }

  #ticks(ms: number): number {
    return Math.round((ms * this.#track.timescale) / 1000);
  }
}
