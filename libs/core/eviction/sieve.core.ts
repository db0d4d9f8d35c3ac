import { BoundedIndex } from './bounded-index.ts';
import { noSlot } from './eviction-index.ts';

/**
 * SIEVE (Zhang et al., NSDI 2024): a queue in order of arrival, one visited bit per entry, and a hand that walks from
 * the oldest to the newest. A visited entry loses its bit and stays where it is; the first unvisited one goes. A hit
 * writes one bit and moves nothing, and one-hit wonders leave early.
 */
export class SieveIndex extends BoundedIndex {
  #hand = noSlot;

  override touch(slot: number): void {
    this.slots.visit(slot);
  }

  protected override victim(): number {
    let at = this.#hand === noSlot ? this.slots.tail : this.#hand;
    // Ends after at most two rounds: the first clears every bit.
    while (this.slots.unvisit(at)) {
      const newer = this.slots.newer(at);
      at = newer === noSlot ? this.slots.tail : newer;
    }
    this.#hand = at;
    return at;
  }

  protected override beforeDrop(slot: number): void {
    if (this.#hand === slot) this.#hand = this.slots.newer(slot);
  }
}
