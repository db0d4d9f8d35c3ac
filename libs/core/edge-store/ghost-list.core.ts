import { assert } from '#kernel';
import type { KeyHash } from './key-hash.core.ts';

/** Places of one bucket: the oldest of so many goes. */
const ways = 8;

/**
 * Remembers which keys were seen lately, by 32 bits of their hash: the ghost queue of S3-FIFO (Yang et al., SOSP 2023).
 * What comes a second time while it is remembered is no one-hit wonder. A bounded table of small first-in-first-out
 * buckets: 4 bytes a key, and two keys taken for one cost one needless write in a thousand million.
 */
export class GhostList {
  readonly #marks: Uint32Array;
  readonly #buckets: number;

  /** @param keysMax about so many keys are remembered */
  constructor(keysMax: number) {
    assert(Number.isSafeInteger(keysMax) && keysMax > 0, 'a ghost list remembers a whole number of keys');
    this.#buckets = Math.ceil(keysMax / ways);
    this.#marks = new Uint32Array(this.#buckets * ways);
  }

  /** Notes a key; true when it had been seen already, and is forgotten by that. */
  seen({ high, low }: KeyHash): boolean {
    const first = (low % this.#buckets) * ways;
    // Zero stands for an empty place.
    const mark = high === 0 ? 1 : high;
    for (let at = first; at < first + ways; at++) {
      if (this.#marks[at] !== mark) continue;
      this.#marks.copyWithin(at, at + 1, first + ways);
      this.#marks[first + ways - 1] = 0;
      return true;
    }
    this.#marks.copyWithin(first + 1, first, first + ways - 1);
    this.#marks[first] = mark;
    return false;
  }
}
