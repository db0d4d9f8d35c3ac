import { presets, type Preset } from '#core/ffmpeg-plan';
import type { Millis } from '#kernel';

/** What a stream gives up, in this order, while its machine cannot encode it in real time. */
export type ShedStep =
  | { readonly step: 'preset'; readonly preset: Preset }
  | { readonly step: 'top-rung' }
  | { readonly step: 'frame-rate' }
  | { readonly step: 'new-streams' };

/** How a run is made after what was given up. */
export interface ShedLevel {
  readonly preset: Preset;
  /** The highest encoded rung is left out. */
  readonly withoutTopRung: boolean;
  readonly halfFrameRate: boolean;
  /** This process begins no other stream. */
  readonly refusesStreams: boolean;
}

/** So long nothing may have been too slow before a step is taken back, at first and at most; twice as long after each relapse. */
const calmMsDefault = 60_000;
const calmMsMax = 1_920_000;
/** A step that is taken back and needed again within this time was taken back too early. */
const relapseMs = 60_000;

/**
 * Decides what a stream gives up while it cannot be encoded in real time, and when it tries to have it back: first a faster
 * preset, which costs quality that few see, then the highest rung, then every second frame, then other streams that would come.
 */
export class Shedding {
  readonly #steps: readonly ShedStep[];
  readonly #first: Preset;
  #taken = 0;
  #calmMs: number;
  #changedAt: Millis = 0;
  /** When the last step was taken back. */
  #raisedAt = Number.NEGATIVE_INFINITY;

  /**
   * @param preset index of the one to begin with
   * @param calmMs how long nothing may have been too slow before the first step is taken back
   */
  constructor(preset: number, calmMs = calmMsDefault) {
    this.#calmMs = calmMs;
    this.#first = presets[preset] ?? 'ultrafast';
    const faster = presets.slice(presets.indexOf(this.#first) + 1).map((one): ShedStep => ({ step: 'preset', preset: one }));
    this.#steps = [...faster, { step: 'top-rung' }, { step: 'frame-rate' }, { step: 'new-streams' }];
  }

  get level(): ShedLevel {
    const taken = this.#steps.slice(0, this.#taken);
    const preset = taken.findLast((one) => one.step === 'preset')?.preset ?? this.#first;
    const has = (step: ShedStep['step']): boolean => taken.some((one) => one.step === step);
    return { preset, withoutTopRung: has('top-rung'), halfFrameRate: has('frame-rate'), refusesStreams: has('new-streams') };
  }

  /** The machine was too slow: the next step, or undefined when there is nothing left to give up but the media itself. */
  tooSlow(now: Millis): ShedStep | undefined {
    if (now - this.#raisedAt < relapseMs) this.#calmMs = Math.min(calmMsMax, this.#calmMs * 2);
    this.#changedAt = now;
    const step = this.#steps[this.#taken];
    if (step !== undefined) this.#taken += 1;
    return step;
  }

  /** When a step is due to be taken back; undefined while none is taken. */
  get calmAt(): Millis | undefined {
    return this.#taken === 0 ? undefined : this.#changedAt + this.#calmMs;
  }

  /** Takes the last step back when it has been calm for long enough; the step, or undefined. */
  calm(now: Millis): ShedStep | undefined {
    if (this.calmAt === undefined || now < this.calmAt) return undefined;
    this.#taken -= 1;
    this.#changedAt = now;
    this.#raisedAt = now;
    return this.#steps[this.#taken];
  }
}
