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
  /** Holes that were closed by the frame before them, once more. */
  filled: number;
  /** Frames that were left out because there was no time left for them. */
  leftOut: number;
}

/**
 * Frames of one audio track as fragments on the stream's timeline. The clock is the count of samples: a source's
 * milliseconds are rounded, and durations made from them would be heard. Where the two are apart by more than one notices
 * the source is right: a hole is closed by repeating the frame before it for so long, since players stop at holes, and what
 * comes too early is left out.
 */
export class AudioRemuxer {
  readonly #init: TrackRemuxerInit;
  readonly #track: CmafTrack;
  readonly corrections: ClockCorrections = { filled: 0, leftOut: 0 };
  readonly #apartTicks: number;
  readonly #fragmentTicks: number;
  readonly #beginTicks: number;
  /** Where the next frame begins; undefined before the first. */
  #nextTicks: number | undefined;
  /** Where the samples begin that were not handed out. */
  #startTicks = 0;
  #samples: Sample[] = [];
  #last: Uint8Array | undefined;

  constructor(track: CmafTrack, init: TrackRemuxerInit) {
    this.#track = track;
    this.#init = init;
    this.#apartTicks = this.#ticks(apartMsMax);
    this.#fragmentTicks = this.#ticks(fragmentMsMax);
    this.#beginTicks = this.#ticks(init.startUs / 1000);
  }

  /** Where the newest frame ends on the stream's timeline, microseconds. */
  get endUs(): number {
    return Math.round(((this.#nextTicks ?? this.#beginTicks) * 1_000_000) / this.#track.timescale);
  }

  /** @throws RemuxError `REMUX_INVALID` for a frame that does not tell how long it is */
  push({ timestampMs, data }: SourceFrame): Fragment | undefined {
    if (data.length === 0) return undefined;
    const duration = this.#track.samplesOf?.(data) ?? 0;
    const due = this.#ticks(timestampMs + this.#init.offsetMs);
    if (this.#nextTicks === undefined && !this.#begin(due, duration)) return undefined;
    const apart = due - (this.#nextTicks as number);
    if (apart < -this.#apartTicks) {
      this.corrections.leftOut += 1;
      return undefined;
    }
    if (apart > this.#apartTicks) this.#fill(apart);
    this.#keep(data, duration);
    const isFull = (this.#nextTicks as number) - this.#startTicks >= this.#fragmentTicks || this.#samples.length >= fragmentFramesMax - 1;
    return isFull ? this.flush() : undefined;
  }

  /** What is there of the fragment in hand. */
  flush(): Fragment | undefined {
    if (this.#samples.length === 0) return undefined;
    const fragment = { baseDecodeTime: this.#startTicks, samples: this.#samples };
    this.#startTicks = this.#nextTicks as number;
    this.#samples = [];
    return fragment;
  }

  /** What mostly belongs before the beginning is passed over; the first frame then begins exactly there, if it can. */
  #begin(due: number, duration: number): boolean {
    if (due + duration / 2 <= this.#beginTicks) return false;
    this.#nextTicks = due <= this.#beginTicks + Math.max(duration / 2, this.#apartTicks) ? this.#beginTicks : due;
    this.#startTicks = this.#nextTicks;
    return true;
  }

  #fill(ticks: number): void {
    this.corrections.filled += 1;
    this.#keep(this.#last as Uint8Array, ticks);
  }

  #keep(data: Uint8Array, duration: number): void {
    this.#samples.push({ duration, flags: soundFlags, compositionOffset: 0, data });
    this.#nextTicks = (this.#nextTicks as number) + duration;
    this.#last = data;
  }

  #ticks(ms: number): number {
    return Math.round((ms * this.#track.timescale) / 1000);
  }
}
