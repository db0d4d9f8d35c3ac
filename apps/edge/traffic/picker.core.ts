import type { Prng } from '#kernel';

export interface PickerInit {
  /** Picked in a second, about; 0 for none ever. */
  readonly perSecond: number;
  readonly dice: Pick<Prng, 'nextInteger'>;
}

/** One in so many at most: fewer say nothing any more. */
const everyMax = 65_536;

/**
 * Picks each request while there are few, and one in 2, 4, 8, … while there are many, so that looking closely costs the same
 * at any load. Which one of them is up to chance: what comes at regular intervals is neither picked always nor never.
 */
export class Picker {
  readonly #init: PickerInit;
  #every = 1;
  #weight = 1;
  #skip: number;
  /** Since the rate last changed, and since the last tick. */
  #picked = 0;
  #inSecond = 0;

  constructor(init: PickerInit) {
    this.#init = init;
    this.#skip = init.perSecond === 0 ? Number.POSITIVE_INFINITY : 1;
  }

  /** How many requests the last one that was picked stands for. */
  get weight(): number {
    return this.#weight;
  }

  /** Called for each request. */
  pick(): boolean {
    if (--this.#skip > 0) return false;
    this.#take();
    return true;
  }

  /** Called each second. */
  tick(): void {
    // Twice the rate would be twice as many: that must leave room to spare.
    if (this.#every > 1 && this.#inSecond < this.#init.perSecond / 4) this.#every /= 2;
    this.#picked = 0;
    this.#inSecond = 0;
  }

  #take(): void {
    const { dice, perSecond } = this.#init;
    this.#weight = this.#every;
    this.#inSecond++;
    if (++this.#picked >= perSecond && this.#every < everyMax) {
      this.#picked = 0;
      this.#every *= 2;
    }
    this.#skip = this.#every === 1 ? 1 : dice.nextInteger(1, 2 * this.#every - 1);
  }
}
