import type { BuildProgress } from '#ports';

/** The rate is of this long, so that it neither jumps nor remembers a pause. */
const windowMs = 5000;

/** How far a rebuild is, how fast it goes, and when it will be there. */
export class ReplayProgress {
  readonly #begun: number;
  readonly #looks: Array<readonly [atMs: number, records: number]> = [];
  #records = 0;
  #skipped = 0;

  /** @param begun records that an earlier owner had folded */
  constructor(begun: number) {
    this.#begun = begun;
  }

  get records(): number {
    return this.#records;
  }

  /** Those of earlier owners included. */
  get done(): number {
    return this.#begun + this.#records;
  }

  get skipped(): number {
    return this.#skipped;
  }

  add(records: number, skipped: number): void {
    this.#records += records;
    this.#skipped += skipped;
  }

  /** @param left records still to come, as far as offsets tell */
  look(left: number, nowMs: number): BuildProgress {
    this.#looks.push([nowMs, this.#records]);
    while (this.#looks.length > 2 && (this.#looks[0]?.[0] ?? nowMs) < nowMs - windowMs) this.#looks.shift();
    const [sinceMs, before] = this.#looks[0] ?? [nowMs, 0];
    const eventsPerSecond = nowMs > sinceMs ? Math.round(((this.#records - before) / (nowMs - sinceMs)) * 1000) : 0;
    const done = this.#begun + this.#records;
    const etaMs = left === 0 ? 0 : eventsPerSecond > 0 ? Math.round((left / eventsPerSecond) * 1000) : null;
    return { done, total: done + left, eventsPerSecond, etaMs, skipped: this.#skipped, atMs: nowMs };
  }
}
