import type { Millis } from '#kernel';
import type { HeardCue } from './cue-tap.core.ts';

const burst = 10;
const perSecond = 1;
/** Refusals are told together, so that an encoder which sends nothing else fills no log. */
const refusalEveryMs = 10_000;

export interface Refusals {
  readonly cue: string;
  readonly reason: 'malformed' | 'too-large' | 'too-many';
  readonly detail: string;
  /** How many since the last word. */
  readonly refused: number;
}

/** Which of a session's cues become markers, and when a word about the others is due. Pure. */
export class CuePace {
  #tokens = burst;
  #at: Millis;
  #refused = 0;
  #newest: Omit<Refusals, 'refused'> | undefined;
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(now: Millis) {
    this.#at = now;
  }

  /** True when the cue is to be told. */
  admits({ reading }: HeardCue, now: Millis): boolean {
    if (reading.kind === 'refused') {
      this.#refuse({ cue: reading.name, reason: reading.reason, detail: reading.detail });
      return false;
    }
    this.#tokens = Math.min(burst, this.#tokens + (Math.max(0, now - this.#at) / 1000) * perSecond);
    this.#at = now;
    if (this.#tokens < 1) {
      this.#refuse({ cue: reading.name, reason: 'too-many', detail: `More than ${burst} at once, or ${perSecond} a second for long.` });
      return false;
    }
    this.#tokens -= 1;
    return true;
  }

  /** A word about those that were refused; undefined when there were none, or one was told a moment ago. */
  refusals(now: Millis): Refusals | undefined {
    if (this.#newest === undefined || now - this.#toldAt < refusalEveryMs) return undefined;
    const told = { ...this.#newest, refused: this.#refused };
    this.#toldAt = now;
    this.#refused = 0;
    this.#newest = undefined;
    return told;
  }

  #refuse(refusal: Omit<Refusals, 'refused'>): void {
    this.#newest = refusal;
    this.#refused += 1;
  }
}
