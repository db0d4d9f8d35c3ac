import { assert } from '#kernel';
import type { KeyHash } from './key-hash.core.ts';

/** Where a record lies, and what must be known of it without reading it. */
export interface RecordPlace {
  readonly hash: KeyHash;
  /** Of which list of field names its variant is; 1 to 255. */
  readonly names: number;
  /** A hash of the variant's values. */
  readonly variant: number;
  /** Segments are numbered in the order in which they were begun, so that the greater place is the newer one. */
  readonly segment: number;
  /** In the segment, bytes. */
  readonly offset: number;
  readonly length: number;
  /** Of no use to anybody from then on, s since the Unix epoch. */
  readonly uselessAtS: number;
}

/** Above this share a table of open addresses is slow. */
const fullShare = 0.85;

/**
 * Which record holds which key: open addressing with linear probing on typed arrays, 30 bytes a place, no object per
 * entry. All variants of a key lie under its hash. The size is fixed, so that memory is known and nothing is ever rehashed.
 */
export class RecordIndex {
  readonly capacity: number;
  size = 0;
  readonly #high: Uint32Array;
  readonly #low: Uint32Array;
  readonly #segment: Uint32Array;
  readonly #offset: Uint32Array;
  readonly #length: Uint32Array;
  readonly #uselessAtS: Uint32Array;
  readonly #variant: Uint32Array;
  /** Zero for a free place. */
  readonly #names: Uint8Array;
  readonly #visited: Uint8Array;

  constructor(capacity: number) {
    assert(Number.isSafeInteger(capacity) && capacity > 1 && capacity < 2 ** 31, 'a record index has between 2 and 2^31 - 1 places');
    this.capacity = capacity;
    this.#high = new Uint32Array(capacity);
    this.#low = new Uint32Array(capacity);
    this.#segment = new Uint32Array(capacity);
    this.#offset = new Uint32Array(capacity);
    this.#length = new Uint32Array(capacity);
    this.#uselessAtS = new Uint32Array(capacity);
    this.#variant = new Uint32Array(capacity);
    this.#names = new Uint8Array(capacity);
    this.#visited = new Uint8Array(capacity);
  }

  get full(): boolean {
    return this.size >= Math.floor(this.capacity * fullShare);
  }

  /** Takes a record in; what lay under the same key and variant is forgotten. */
  put(place: RecordPlace): void {
    assert(!this.full, 'put into a full index');
    this.removeVariant(place.hash, place.names, place.variant);
    const { high, low } = place.hash;
    let at = low % this.capacity;
    while (this.#names[at] !== 0) at = this.#after(at);
    this.#high[at] = high;
    this.#low[at] = low;
    this.#segment[at] = place.segment;
    this.#offset[at] = place.offset;
    this.#length[at] = place.length;
    this.#uselessAtS[at] = place.uselessAtS;
    this.#variant[at] = place.variant;
    this.#names[at] = place.names;
    this.#visited[at] = 0;
    this.size++;
  }

  /** The newest record of a key whose variant fits. */
  find({ high, low }: KeyHash, fits: (names: number, variant: number) => boolean): RecordPlace | undefined {
    let found = -1;
    for (let at = low % this.capacity; this.#names[at] !== 0; at = this.#after(at)) {
      if (this.#low[at] !== low || this.#high[at] !== high) continue;
      if (!fits(this.#names[at] as number, this.#variant[at] as number)) continue;
      if (found < 0 || this.#isNewer(at, found)) found = at;
    }
    return found < 0 ? undefined : this.#placeAt(found);
  }

  /** Whether anything lies under a key. */
  has({ high, low }: KeyHash): boolean {
    for (let at = low % this.capacity; this.#names[at] !== 0; at = this.#after(at)) if (this.#low[at] === low && this.#high[at] === high) return true;
    return false;
  }

  /** Notes that a record was used; what was moved or forgotten meanwhile is left alone. */
  visit(place: RecordPlace): void {
    const at = this.#at(place);
    if (at >= 0) this.#visited[at] = 1;
  }

  isVisited(place: RecordPlace): boolean {
    const at = this.#at(place);
    return at >= 0 && this.#visited[at] === 1;
  }

  /** Whether a record still lies where it did. */
  holds(place: RecordPlace): boolean {
    return this.#at(place) >= 0;
  }

  /** Forgets one record. */
  remove(place: Pick<RecordPlace, 'hash' | 'segment' | 'offset'>): boolean {
    const at = this.#at(place);
    if (at < 0) return false;
    this.#free(at);
    return true;
  }

  removeVariant(hash: KeyHash, names: number, variant: number): number {
    return this.#removeWhere(hash, (at) => this.#names[at] === names && this.#variant[at] === variant);
  }

  /** Forgets all variants of a key; how many there were. */
  removeKey(hash: KeyHash): number {
    return this.#removeWhere(hash, () => true);
  }

  clear(): void {
    this.#names.fill(0);
    this.size = 0;
  }

  /** The records among `count` places from `first` on; where the next look begins. For walks that must not take long at once. */
  look(first: number, count: number, onRecord: (place: RecordPlace) => void, segment?: number): number {
    const end = Math.min(this.capacity, first + count);
    for (let at = first; at < end; at++) {
      if (this.#names[at] === 0 || (segment !== undefined && this.#segment[at] !== segment)) continue;
      onRecord(this.#placeAt(at));
    }
    return end;
  }

  /** Forgets what `gone` says among `count` places from `first` on; where the next look begins. */
  sweep(first: number, count: number, gone: (segment: number, offset: number, length: number) => boolean): number {
    const end = Math.min(this.capacity, first + count);
    for (let at = first; at < end; at++) {
      // Forgetting one moves another into its place.
      while (this.#names[at] !== 0 && gone(this.#segment[at] as number, this.#offset[at] as number, this.#length[at] as number)) this.#free(at);
    }
    return end;
  }

  #at({ hash: { high, low }, offset, segment }: Pick<RecordPlace, 'hash' | 'segment' | 'offset'>): number {
    for (let at = low % this.capacity; this.#names[at] !== 0; at = this.#after(at)) {
      if (this.#low[at] === low && this.#high[at] === high && this.#segment[at] === segment && this.#offset[at] === offset) return at;
    }
    return -1;
  }

  #removeWhere({ high, low }: KeyHash, goes: (at: number) => boolean): number {
    let removed = 0;
    let at = low % this.capacity;
    while (this.#names[at] !== 0) {
      if (this.#low[at] === low && this.#high[at] === high && goes(at)) {
        this.#free(at);
        removed++;
      } else at = this.#after(at);
    }
    return removed;
  }

  /** Knuth's algorithm R (TAOCP 6.4): what would not be found any more across the gap moves into it. */
  #free(at: number): void {
    let gap = at;
    for (let next = this.#after(gap); this.#names[next] !== 0; next = this.#after(next)) {
      const home = (this.#low[next] as number) % this.capacity;
      const between = gap <= next ? gap < home && home <= next : gap < home || home <= next;
      if (between) continue;
      this.#move(next, gap);
      gap = next;
    }
    this.#names[gap] = 0;
    this.size--;
  }

  #move(from: number, to: number): void {
    for (const column of [this.#high, this.#low, this.#segment, this.#offset, this.#length, this.#uselessAtS, this.#variant])
      column[to] = column[from] as number;
    this.#names[to] = this.#names[from] as number;
    this.#visited[to] = this.#visited[from] as number;
  }

  #after(at: number): number {
    return at + 1 === this.capacity ? 0 : at + 1;
  }

  #isNewer(one: number, other: number): boolean {
    const [a, b] = [this.#segment[one] as number, this.#segment[other] as number];
    return a === b ? (this.#offset[one] as number) > (this.#offset[other] as number) : a > b;
  }

  #placeAt(at: number): RecordPlace {
    return {
      hash: { high: this.#high[at] as number, low: this.#low[at] as number },
      names: this.#names[at] as number,
      variant: this.#variant[at] as number,
      segment: this.#segment[at] as number,
      offset: this.#offset[at] as number,
      length: this.#length[at] as number,
      uselessAtS: this.#uselessAtS[at] as number,
    };
  }
}
