import { wishSources, type WishSource } from './wish.ts';

/** Fewer outcomes say nothing. */
const outcomesMin = 30;
/** Below this share of use a source is held back … */
const precisionMin = 0.3;
/** … to one wish of so many, by which it can prove itself again. */
const heldBackTo = 10;
/** Old outcomes count half after so many newer ones. */
const halfLife = 200;
const decay = 0.5 ** (1 / halfLife);

interface Outcomes {
  used: number;
  wasted: number;
  /** Counts wishes while it is held back. */
  skipped: number;
}

/** How much of what each source wished for was used: one that guesses badly is held back until it guesses better. */
export class PrecisionMeter {
  readonly #records = Object.fromEntries(wishSources.map((source) => [source, { used: 0, wasted: 0, skipped: 0 }])) as { [Source in WishSource]: Outcomes };

  /** Something was asked for, or left unasked for. */
  note(source: WishSource, outcome: 'used' | 'wasted'): void {
    const record = this.#records[source];
    record.used *= decay;
    record.wasted *= decay;
    record[outcome] += 1;
  }

  /** Share of what is over that was used; undefined while too little is known. */
  precision(source: WishSource): number | undefined {
    const { used, wasted } = this.#records[source];
    return used + wasted < outcomesMin ? undefined : used / (used + wasted);
  }

  isHeldBack(source: WishSource): boolean {
    const precision = this.precision(source);
    return precision !== undefined && precision < precisionMin;
  }

  /** Whether the next wish of a source is heard. */
  admits(source: WishSource): boolean {
    if (!this.isHeldBack(source)) return true;
    const record = this.#records[source];
    record.skipped = (record.skipped + 1) % heldBackTo;
    return record.skipped === 0;
  }
}
