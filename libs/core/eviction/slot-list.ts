import { assert, InvariantError } from '#kernel';
import { noSlot } from './eviction-index.ts';

const slotsAtStart = 64;

/**
 * A doubly linked list of slots on typed arrays, with the size of each: no object per entry, nothing for a garbage
 * collector to walk. Free slots are chained through `next`. The arrays double as needed, up to `slotsMax`.
 */
export class SlotList {
  /** Newest slot, or noSlot. */
  head = noSlot;
  /** Oldest slot, or noSlot. */
  tail = noSlot;
  size = 0;
  #slotsMax: number;
  #free = noSlot;
  #used = 0;
  #next: Int32Array;
  #prev: Int32Array;
  #bytes: Float64Array;
  /** 0 free, 1 held, 3 held and visited. */
  #state: Uint8Array;

  constructor(slotsMax: number) {
    assert(Number.isInteger(slotsMax) && slotsMax > 0 && slotsMax < 2 ** 31, 'a slot list holds between 1 and 2^31 - 1 slots');
    this.#slotsMax = slotsMax;
    const slots = Math.min(slotsAtStart, slotsMax);
    this.#next = new Int32Array(slots);
    this.#prev = new Int32Array(slots);
    this.#bytes = new Float64Array(slots);
    this.#state = new Uint8Array(slots);
  }

  get full(): boolean {
    return this.size === this.#slotsMax;
  }

  /** Takes a free slot and puts it at the head. */
  push(bytes: number): number {
    assert(!this.full, 'push into a full slot list');
    const slot = this.#take();
    this.#bytes[slot] = bytes;
    this.#state[slot] = 1;
    this.size++;
    this.#link(slot);
    return slot;
  }

  /** Frees a slot; returns the bytes it held. */
  drop(slot: number): number {
    this.#assertHeld(slot);
    this.#unlink(slot);
    this.#state[slot] = 0;
    this.#next[slot] = this.#free;
    this.#free = slot;
    this.size--;
    return this.#bytes[slot] as number;
  }

  moveToHead(slot: number): void {
    this.#assertHeld(slot);
    if (this.head === slot) return;
    this.#unlink(slot);
    this.#link(slot);
  }

  /** The neighbour towards the head. */
  newer(slot: number): number {
    return this.#prev[slot] as number;
  }

  visit(slot: number): void {
    this.#assertHeld(slot);
    this.#state[slot] = 3;
  }

  /** Clears the visited bit; true when it was set. */
  unvisit(slot: number): boolean {
    const was = this.#state[slot] === 3;
    if (was) this.#state[slot] = 1;
    return was;
  }

  #assertHeld(slot: number): void {
    if (((this.#state[slot] ?? 0) & 1) === 0) throw new InvariantError(`slot ${slot} holds nothing`);
  }

  #take(): number {
    if (this.#free !== noSlot) {
      const slot = this.#free;
      this.#free = this.#next[slot] as number;
      return slot;
    }
    if (this.#used === this.#state.length) this.#grow();
    return this.#used++;
  }

  #grow(): void {
    const slots = Math.min(this.#state.length * 2, this.#slotsMax);
    const copy = <A extends Int32Array | Float64Array | Uint8Array>(into: A, from: A): A => {
      into.set(from);
      return into;
    };
    this.#next = copy(new Int32Array(slots), this.#next);
    this.#prev = copy(new Int32Array(slots), this.#prev);
    this.#bytes = copy(new Float64Array(slots), this.#bytes);
    this.#state = copy(new Uint8Array(slots), this.#state);
  }

  #link(slot: number): void {
    this.#prev[slot] = noSlot;
    this.#next[slot] = this.head;
    if (this.head !== noSlot) this.#prev[this.head] = slot;
    this.head = slot;
    if (this.tail === noSlot) this.tail = slot;
  }

  #unlink(slot: number): void {
    const newer = this.#prev[slot] as number;
    const older = this.#next[slot] as number;
    if (newer === noSlot) this.head = older;
    else this.#next[newer] = older;
    if (older === noSlot) this.tail = newer;
    else this.#prev[older] = newer;
  }
}
