import { GhostList, hashKey } from '#core/edge-store';
import { LruIndex, noSlot, SieveIndex, type EvictionIndex } from '#core/eviction';
import { matchesVariant, sameVariant, type PurgeLedger } from '#core/http-cache';
import type { WishSource } from '#core/prefetch';
import { CachedObject } from './cached-object.ts';
import { PartStore } from './part-store.ts';
import { onProbation, Probation } from './probation.ts';
import type { DiskTier, Varying } from '../store/disk-tier.ts';

export const evictions = ['sieve', 'lru'] as const;
/** What goes first from a full memory: what was not asked for since it was passed last (SIEVE), or what was not for the longest time. */
export type Eviction = (typeof evictions)[number];

export interface ObjectStoreInit {
  /** Hard bound for objects and arriving bytes together, bytes. */
  readonly bytesMax: number;
  readonly objectsMax: number;
  /** Variants of one key; the oldest goes. */
  readonly variantsMax: number;
  /** What was purged: nothing of it is ever found. */
  readonly ledger: PurgeLedger;
  /** Told of each object that a purge, named by its generation, has hit: it is gone, or stale from now on. */
  readonly onPurged?: ((generation: number) => void) | undefined;
  /** Which objects give way; `sieve` when left out. */
  readonly eviction?: Eviction | undefined;
  /** What lies below the memory. */
  readonly disk?: DiskTier | undefined;
  /** Of the memory, for what nobody has asked for yet; none when left out, bytes. */
  readonly aheadBytesMax?: number | undefined;
  /** Told what became of what was fetched ahead: asked for, or gone without. */
  readonly onAhead?: ((object: CachedObject, source: WishSource, outcome: 'used' | 'wasted') => void) | undefined;
}

/** Share of the memory, and number of representations, of which only parts are kept. */
const partsShare = 1 / 8;
const partsMax = 10_000;

/** Of the room for what nobody has asked for yet, what one object may take. */
const aheadObjectShare = 1 / 4;

/** Of the average object, bytes. */
const averageBytes = 8000;

/** The objects in memory, by key, and by slot for the eviction index; below them those on the disk, if there is one. */
export class ObjectStore {
  readonly #init: ObjectStoreInit;
  readonly #byKey = new Map<string, CachedObject>();
  readonly #bySlot: (CachedObject | undefined)[] = [];
  readonly #index: EvictionIndex;
  readonly #disk: DiskTier | undefined;
  /** What came from the disk lately: about as much as the memory holds. */
  readonly #recalled: GhostList;
  readonly #probation: Probation;
  /** What is here in parts only. */
  readonly parts: PartStore;

  constructor(init: ObjectStoreInit) {
    this.#init = init;
    this.#disk = init.disk;
    this.#recalled = new GhostList(init.disk === undefined ? 1 : Math.ceil(init.bytesMax / averageBytes));
    const aheadBytesMax = init.aheadBytesMax ?? 0;
    this.#probation = new Probation(aheadBytesMax, (object) => this.#leave(object));
    const Index = init.eviction === 'lru' ? LruIndex : SieveIndex;
    this.#index = new Index({
      bytesMax: init.bytesMax - aheadBytesMax,
      entriesMax: init.objectsMax,
      onEvict: (slot) => {
        const object = this.#bySlot[slot] as CachedObject;
        object.slot = noSlot;
        this.#bySlot[slot] = undefined;
        this.#unchain(object);
      },
    });
    this.parts = new PartStore({
      bytesMax: Math.floor(init.bytesMax * partsShare),
      entriesMax: partsMax,
      reserve: (bytes) => this.#index.reserve(bytes),
      release: (bytes) => this.#index.release(bytes),
      ledger: init.ledger,
    });
  }

  get size(): number {
    return this.#index.size + this.#probation.size;
  }

  get bytes(): number {
    return this.#index.bytes + this.#probation.bytes;
  }

  /** What memory and disk hold at most, bytes. */
  get capacity(): number {
    const disk = this.#disk?.status();
    return this.#init.bytesMax + (disk === undefined || disk.state === 'off' ? 0 : disk.bytesMax);
  }

  /** The newest variant that fits the request and was not purged. Counts as a use. */
  find(key: string, request: Varying): CachedObject | undefined {
    const { ledger } = this.#init;
    let object = this.#byKey.get(key);
    while (object !== undefined) {
      const { next } = object;
      if (matchesVariant(object.response.variant, request) && (object.generation === ledger.generation || this.#survives(object))) {
        object.uses++;
        if (object.slot === onProbation) this.#promote(object);
        else {
          this.#index.touch(object.slot);
          if (object.atDisk === 'no' && this.#disk !== undefined) this.#disk.used(object);
        }
        return object;
      }
      object = next;
    }
    return undefined;
  }

  /** The same, but it is no use of it. */
  peek(key: string, request: Varying): CachedObject | undefined {
    const { ledger } = this.#init;
    for (let object = this.#byKey.get(key); object !== undefined; object = object.next)
      if (matchesVariant(object.response.variant, request) && ledger.judge(object, object.generation).kind === 'current') return object;
    return undefined;
  }

  /** The same, chosen by what it is. */
  current(key: string, fits: (object: CachedObject) => boolean): CachedObject | undefined {
    const { ledger } = this.#init;
    return this.#variants(key).find((object) => fits(object) && ledger.judge(object, object.generation).kind === 'current');
  }

  /** Whether it is worth asking {@link recall}. */
  mayRecall(key: string): boolean {
    return this.#disk !== undefined && this.#disk.mayHold(key);
  }

  /** Takes an object from the disk back into memory, where {@link find} did not find it. */
  async recall(key: string, request: Varying): Promise<CachedObject | undefined> {
    const object = await this.#disk?.recall(key, request);
    if (object === undefined) return undefined;
    // Meanwhile the origin may have sent something newer, or another request taken it.
    const newer = this.find(key, request);
    if (newer !== undefined) return newer;
    if (object.generation !== this.#init.ledger.generation && !this.#survives(object)) {
      this.#disk?.forget(object);
      return undefined;
    }
    if (object.slot === noSlot) this.#admit(object);
    return object;
  }

  /**
   * An object from the disk at once, where {@link find} did not find it and nothing has to be waited for; undefined says nothing.
   * It comes back into memory when it would still be there had it come at the last time: else each hit would drive another out.
   */
  recallNow(key: string, request: Varying): CachedObject | undefined {
    if (this.#disk === undefined || !this.#disk.mayHold(key)) return undefined;
    const stays = this.#recalled.seen(hashKey(key));
    const object = this.#disk.recallNow(key, request, stays);
    if (object === undefined) return undefined;
    const { ledger } = this.#init;
    // What a purge has hit is for recall() to judge.
    if (object.generation !== ledger.generation && !ledger.isCurrent(object, object.generation)) return undefined;
    if (stays) {
      object.generation = ledger.generation;
      this.#admit(object);
    }
    return object;
  }

  /** True when something is stored under the key, whatever the variant. */
  has(key: string): boolean {
    return this.#byKey.has(key) || this.mayRecall(key);
  }

  /** Takes an object in, in place of the same variant; false when there is no room for it. */
  put(object: CachedObject): boolean {
    this.parts.drop(object.key);
    const taken = this.#admit(object);
    this.#disk?.filled(object);
    return taken;
  }

  /** Takes in what nobody has asked for yet, where it drives nothing out; false when there is no room for it. */
  putAhead(object: CachedObject, source: WishSource): boolean {
    this.#makePlace(object);
    if (!this.#probation.add(object)) return false;
    object.ahead = source;
    this.#chain(object);
    return true;
  }

  #admit(object: CachedObject): boolean {
    this.#makePlace(object);
    if (!this.#place(object)) return false;
    this.#chain(object);
    return true;
  }

  #makePlace(object: CachedObject): void {
    const variants = this.#variants(object.key);
    const same = variants.find((other) => sameVariant(other.response.variant, object.response.variant));
    if (same !== undefined) this.remove(same);
    else if (variants.length >= this.#init.variantsMax) this.remove(variants.at(-1) as CachedObject);
  }

  #place(object: CachedObject): boolean {
    const slot = this.#index.admit(object.bytes);
    object.slot = slot;
    if (slot !== noSlot) this.#bySlot[slot] = object;
    return slot !== noSlot;
  }

  #chain(object: CachedObject): void {
    object.next = this.#byKey.get(object.key);
    this.#byKey.set(object.key, object);
  }

  /** The first use of what was fetched ahead: from now on it is like all that was asked for. */
  #promote(object: CachedObject): void {
    this.#probation.remove(object);
    const { ahead } = object;
    object.ahead = undefined;
    if (!this.#place(object)) this.#unchain(object);
    else this.#disk?.filled(object);
    if (ahead !== undefined) this.#init.onAhead?.(object, ahead, 'used');
  }

  /** Out of probation without having been used. */
  #leave(object: CachedObject): void {
    object.slot = noSlot;
    this.#unchain(object);
    if (object.ahead !== undefined) this.#init.onAhead?.(object, object.ahead, 'wasted');
  }

  /** True while the object can still be found. */
  holds(object: CachedObject): boolean {
    return object.slot !== noSlot;
  }

  remove(object: CachedObject): void {
    if (object.slot === noSlot) return;
    if (object.slot === onProbation) this.#probation.remove(object);
    else {
      this.#index.remove(object.slot);
      this.#bySlot[object.slot] = undefined;
    }
    object.slot = noSlot;
    this.#unchain(object);
    this.#disk?.forget(object);
  }

  /** Removes every variant of a key; how many there were. */
  purge(key: string): number {
    const below = this.#disk?.purge(key) ?? 0;
    const variants = this.#variants(key);
    for (const object of variants) this.remove(object);
    this.parts.drop(key);
    // Most of what is in memory lies on the disk, too.
    return Math.max(below, variants.length);
  }

  /**
   * Frees what was purged among some slots: purging itself looks at no object.
   * @returns the slot to go on from; undefined at the end
   */
  reclaim(fromSlot: number, slots: number): number | undefined {
    const { ledger } = this.#init;
    const end = Math.min(fromSlot + slots, this.#bySlot.length);
    for (let slot = fromSlot; slot < end; slot++) {
      const object = this.#bySlot[slot];
      if (object !== undefined && object.generation !== ledger.generation) this.#survives(object);
    }
    if (end < this.#bySlot.length) return end;
    for (const object of this.#probation.objects()) if (object.generation !== ledger.generation) this.#survives(object);
    this.parts.reclaim();
    return undefined;
  }

  /**
   * Shows some of the objects as they are stored, purged ones left out.
   * @returns the slot to go on from; undefined at the end
   */
  scan(fromSlot: number, slots: number, visit: (object: CachedObject) => void): number | undefined {
    const end = Math.min(fromSlot + slots, this.#bySlot.length);
    for (let slot = fromSlot; slot < end; slot++) {
      const object = this.#bySlot[slot];
      if (object !== undefined && this.#init.ledger.judge(object, object.generation).kind !== 'purged') visit(object);
    }
    if (end < this.#bySlot.length) return end;
    for (const object of this.#probation.objects()) if (this.#init.ledger.judge(object, object.generation).kind !== 'purged') visit(object);
    return undefined;
  }

  /** Judges an object by what was purged since it was last judged. */
  #survives(object: CachedObject): boolean {
    const { ledger, onPurged } = this.#init;
    const verdict = ledger.judge(object, object.generation);
    if (verdict.kind === 'purged') this.remove(object);
    else object.generation = ledger.generation;
    if (verdict.kind === 'soft') object.expire(verdict.atMs);
    if (verdict.kind !== 'current') onPurged?.(verdict.generation);
    return verdict.kind !== 'purged';
  }

  /** Everything on the disk was purged: its room is free from now on. */
  clearDisk(): void {
    this.#disk?.purgeAll();
  }

  /** Resolves when what was purged stays so after a crash. */
  async flush(): Promise<void> {
    await this.#disk?.flush();
  }

  /** The largest object that is taken in before anybody asks for it, bytes. */
  get aheadObjectBytesMax(): number {
    return this.#probation.bytesMax * aheadObjectShare;
  }

  /** What can be taken in without driving anything out, bytes. */
  get room(): number {
    return this.#index.room;
  }

  /** Makes room for bytes that are arriving; false when they would be too many. @param ahead whether nobody has asked for them yet */
  reserve(bytes: number, ahead = false): boolean {
    return ahead ? this.#probation.reserve(bytes) : this.#index.reserve(bytes);
  }

  release(bytes: number, ahead = false): void {
    if (ahead) this.#probation.release(bytes);
    else this.#index.release(bytes);
  }

  #variants(key: string): CachedObject[] {
    const variants: CachedObject[] = [];
    for (let object = this.#byKey.get(key); object !== undefined; object = object.next) variants.push(object);
    return variants;
  }

  #unchain(object: CachedObject): void {
    const first = this.#byKey.get(object.key);
    if (first === object) {
      if (object.next === undefined) this.#byKey.delete(object.key);
      else this.#byKey.set(object.key, object.next);
    } else {
      let before = first;
      while (before !== undefined && before.next !== object) before = before.next;
      if (before !== undefined) before.next = object.next;
    }
    object.next = undefined;
  }
}
