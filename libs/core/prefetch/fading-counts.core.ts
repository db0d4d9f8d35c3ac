import { compareText, type Millis } from '#kernel';

export interface FadingCountsInit {
  /** What was counted so long ago counts half. */
  readonly halfLifeMs: Millis;
  /** Keys that are remembered. */
  readonly keysMax: number;
}

export interface FadingCount {
  /** Halved for each half-life since, as of {@link FadingCounts.get}. */
  readonly weight: number;
  /** How often it was really seen, however long ago. */
  readonly seen: number;
}

interface Entry {
  scaled: number;
  seen: number;
}

/** A sweep comes when there is so much more than may stay. */
const slack = 1.25;
/** Weights are counted in units that grow with time; before they leave what doubles hold well, all are counted anew. */
const doublingsMax = 200;

/**
 * Weights of keys that fade, in bounded memory: forward decay (Cormode, Shkapenyuk, Srivastava, Xu: Forward decay, 2009),
 * by which nothing is touched as time goes by, and by which the order of what is counted does not matter. Of too many keys the lightest
 * are forgotten, whole: what is told is never more than what was counted.
 */
export class FadingCounts {
  readonly #init: FadingCountsInit;
  readonly #entries = new Map<string, Entry>();
  #zeroMs: Millis | undefined;

  constructor(init: FadingCountsInit) {
    this.#init = init;
  }

  get size(): number {
    return this.#entries.size;
  }

  add(key: string, weight: number, atMs: Millis): void {
    const scaled = weight * this.#unit(atMs);
    const entry = this.#entries.get(key);
    if (entry === undefined) this.#entries.set(key, { scaled, seen: 1 });
    else {
      entry.scaled += scaled;
      entry.seen++;
    }
    if (this.#entries.size > this.#init.keysMax * slack) this.#sweep();
  }

  get(key: string, nowMs: Millis): FadingCount {
    const entry = this.#entries.get(key);
    return entry === undefined ? { weight: 0, seen: 0 } : { weight: entry.scaled / this.#unit(nowMs), seen: entry.seen };
  }

  *entries(nowMs: Millis): Generator<readonly [key: string, count: FadingCount]> {
    const unit = this.#unit(nowMs);
    for (const [key, { scaled, seen }] of this.#entries) yield [key, { weight: scaled / unit, seen }];
  }

  /** What one is worth that is counted now. */
  #unit(atMs: Millis): number {
    this.#zeroMs ??= atMs;
    const doublings = (atMs - this.#zeroMs) / this.#init.halfLifeMs;
    if (Math.abs(doublings) <= doublingsMax) return 2 ** doublings;
    const factor = 2 ** -doublings;
    // What has faded to nothing is gone; what comes from long before the rest counts as nothing beside it.
    for (const [key, entry] of this.#entries) {
      entry.scaled = doublings > 0 ? entry.scaled * factor : entry.scaled;
      if (entry.scaled === 0) this.#entries.delete(key);
    }
    if (doublings < 0) return 0;
    this.#zeroMs = atMs;
    return 1;
  }

  #sweep(): void {
    const kept = [...this.#entries].sort(([a, one], [b, other]) => other.scaled - one.scaled || compareText(a, b)).slice(0, this.#init.keysMax);
    const names = new Set(kept.map(([key]) => key));
    for (const key of this.#entries.keys()) if (!names.has(key)) this.#entries.delete(key);
  }
}
