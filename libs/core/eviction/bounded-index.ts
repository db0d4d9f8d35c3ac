import { assert } from '#kernel';
import { evictAboveShare, noSlot, type EvictionIndex, type EvictionInit } from './eviction-index.ts';
import { SlotList } from './slot-list.ts';

/** What all policies share: the byte account. A policy says what a touch does and who goes next. */
export abstract class BoundedIndex implements EvictionIndex {
  readonly bytesMax: number;
  protected readonly slots: SlotList;
  readonly #evictAboveBytes: number;
  readonly #onEvict: (slot: number) => void;
  #entryBytes = 0;
  #reservedBytes = 0;

  constructor(init: EvictionInit) {
    assert(init.bytesMax > 0, 'an eviction index needs a positive byte bound');
    this.bytesMax = init.bytesMax;
    this.#evictAboveBytes = Math.floor(init.bytesMax * evictAboveShare);
    this.#onEvict = init.onEvict;
    this.slots = new SlotList(init.entriesMax);
  }

  get bytes(): number {
    return this.#entryBytes + this.#reservedBytes;
  }

  get room(): number {
    return Math.max(0, this.#evictAboveBytes - this.bytes);
  }

  get size(): number {
    return this.slots.size;
  }

  admit(bytes: number): number {
    assert(Number.isSafeInteger(bytes) && bytes >= 0, 'an entry has a whole number of bytes');
    if (bytes + this.#reservedBytes > this.#evictAboveBytes) return noSlot;
    this.#makeRoom(bytes);
    if (this.slots.full) this.#evict();
    this.#entryBytes += bytes;
    return this.slots.push(bytes);
  }

  abstract touch(slot: number): void;

  remove(slot: number): void {
    this.beforeDrop(slot);
    this.#entryBytes -= this.slots.drop(slot);
  }

  reserve(bytes: number): boolean {
    assert(Number.isSafeInteger(bytes) && bytes >= 0, 'a reservation has a whole number of bytes');
    if (bytes + this.#reservedBytes > this.#evictAboveBytes) return false;
    this.#makeRoom(bytes);
    this.#reservedBytes += bytes;
    return true;
  }

  release(bytes: number): void {
    assert(bytes <= this.#reservedBytes, 'more room released than was reserved');
    this.#reservedBytes -= bytes;
  }

  /** The entry to evict next; there is at least one. */
  protected abstract victim(): number;

  /** Lets the policy move what points at a slot that is about to be freed. */
  protected abstract beforeDrop(slot: number): void;

  #makeRoom(bytes: number): void {
    while (this.slots.size > 0 && this.bytes + bytes > this.#evictAboveBytes) this.#evict();
  }

  #evict(): void {
    const slot = this.victim();
    this.remove(slot);
    this.#onEvict(slot);
  }
}
