/** No slot: the entry was not admitted. */
export const noSlot = -1;

/** The share of the byte bound above which entries are evicted (requirement C2). */
export const evictAboveShare = 0.9;

export interface EvictionInit {
  /** Hard bound for entries and reservations together, bytes. */
  readonly bytesMax: number;
  /** Hard bound for the number of entries. */
  readonly entriesMax: number;
  /** Called with the slot of each evicted entry, which is free from then on. Must not call back into the index. */
  readonly onEvict: (slot: number) => void;
}

/**
 * Decides which entries of a bounded cache go. It knows entries by slot (a small integer that it hands out) and by
 * size; what a slot holds is the owner's business, so the same index serves memory and disk.
 *
 * Eviction starts as soon as an admission or a reservation would take the cache above 90 % of its bound, and goes on
 * until it is not. The last tenth is never filled: it is the room for what no index can count to the byte.
 */
export interface EvictionIndex {
  readonly bytesMax: number;
  /** Entries and reservations, bytes. Never more than 90 % of `bytesMax`. */
  readonly bytes: number;
  /** What can be taken in without evicting anything, bytes. */
  readonly room: number;
  readonly size: number;
  /** Takes in an entry of `bytes`, evicting others; `noSlot` when it is too large ever to fit beside the reservations. */
  admit(bytes: number): number;
  /** Notes that the entry was used. */
  touch(slot: number): void;
  /** Forgets an entry without calling `onEvict`. */
  remove(slot: number): void;
  /** Sets room aside for bytes that are still arriving, evicting entries for it; false when there is not enough. */
  reserve(bytes: number): boolean;
  /** Gives back reserved room. */
  release(bytes: number): void;
}
