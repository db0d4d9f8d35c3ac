import { BoundedIndex } from './bounded-index.ts';

/** Least recently used: a hit moves the entry to the head, the tail goes first. */
export class LruIndex extends BoundedIndex {
  override touch(slot: number): void {
    this.slots.moveToHead(slot);
  }

  protected override victim(): number {
    return this.slots.tail;
  }

  protected override beforeDrop(): void {
    // Nothing points into the list but its own ends.
  }
}
