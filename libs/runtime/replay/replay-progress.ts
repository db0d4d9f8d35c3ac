import { poisonedMax, type BuildPosition, type BuildProgress, type PoisonedPlace } from '#ports';

/** The rate is of this long, so that it neither jumps nor remembers a pause. */
const windowMs = 5000;

/** How far a rebuild is, how fast it goes, and when it will be there. */
export class ReplayProgress {
  readonly #begun: number;
  readonly #looks: Array<readonly [atMs: number, records: number]> = [];
  #records = 0;
  #skipped: number;
  #poisoned: readonly PoisonedPlace[];

  /** @param positions how far the build is, by whomever */
  constructor(positions: readonly BuildPosition[]) {
    this.#begun = positions.reduce((sum, { first, position }) => sum + Number(position - first), 0);
    this.#skipped = positions.reduce((sum, { skipped }) => sum + skipped, 0);
    this.#poisoned = positions.flatMap(({ poisoned }) => poisoned).slice(0, poisonedMax);
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

  /** Events that the projection could not handle: the first ones. */
  get poisoned(): readonly PoisonedPlace[] {
    return this.#poisoned;
  }

  add(records: number, skipped: number, poisoned: readonly PoisonedPlace[] = []): void {
    if (poisoned.length > 0) this.#poisoned = [...this.#poisoned, ...poisoned].slice(0, poisonedMax);
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
    return {
      done,
      total: done + left,
      eventsPerSecond,
      etaMs,
      skipped: this.#skipped,
      ...(this.#poisoned.length === 0 ? {} : { poisoned: this.#poisoned }),
      atMs: nowMs,
    };
  }
}
