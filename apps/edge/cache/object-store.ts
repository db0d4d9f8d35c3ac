import { noSlot, SieveIndex, type EvictionIndex } from '#core/eviction';
import { matchesVariant, sameVariant } from '#core/http-cache';
import { CachedObject } from './cached-object.ts';
import { PartStore } from './part-store.ts';

export interface ObjectStoreInit {
  /** Hard bound for objects and arriving bytes together, bytes. */
  readonly bytesMax: number;
  readonly objectsMax: number;
  /** Variants of one key; the oldest goes. */
  readonly variantsMax: number;
}

/** Share of the memory, and number of representations, of which only parts are kept. */
const partsShare = 1 / 8;
const partsMax = 10_000;

interface Varying {
  field(name: string): string | undefined;
}

/** The objects in memory: by key, and by slot for the eviction index. */
export class ObjectStore {
  readonly #init: ObjectStoreInit;
  readonly #byKey = new Map<string, CachedObject>();
  readonly #bySlot: (CachedObject | undefined)[] = [];
  readonly #index: EvictionIndex;
  /** What is here in parts only. */
  readonly parts: PartStore;

  constructor(init: ObjectStoreInit) {
    this.#init = init;
    this.#index = new SieveIndex({
      bytesMax: init.bytesMax,
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
    });
  }

  get size(): number {
    return this.#index.size;
  }

  get bytes(): number {
    return this.#index.bytes;
  }

  /** The newest variant that fits the request. Counts as a use. */
  find(key: string, request: Varying): CachedObject | undefined {
    let object = this.#byKey.get(key);
    while (object !== undefined && !matchesVariant(object.response.variant, request)) object = object.next;
    if (object !== undefined) this.#index.touch(object.slot);
    return object;
  }

  /** True when something is stored under the key, whatever the variant. */
  has(key: string): boolean {
    return this.#byKey.has(key);
  }

  /** Takes an object in, in place of the same variant; false when there is no room for it. */
  put(object: CachedObject): boolean {
    this.parts.drop(object.key);
    const variants = this.#variants(object.key);
    const same = variants.find((other) => sameVariant(other.response.variant, object.response.variant));
    if (same !== undefined) this.remove(same);
    else if (variants.length >= this.#init.variantsMax) this.remove(variants.at(-1) as CachedObject);
    const slot = this.#index.admit(object.bytes);
    if (slot === noSlot) return false;
    object.slot = slot;
    this.#bySlot[slot] = object;
    object.next = this.#byKey.get(object.key);
    this.#byKey.set(object.key, object);
    return true;
  }

  /** True while the object can still be found. */
  holds(object: CachedObject): boolean {
    return object.slot !== noSlot;
  }

  remove(object: CachedObject): void {
    if (object.slot === noSlot) return;
    this.#index.remove(object.slot);
    this.#bySlot[object.slot] = undefined;
    object.slot = noSlot;
    this.#unchain(object);
  }

  /** Removes every variant of a key; how many there were. */
  purge(key: string): number {
    const variants = this.#variants(key);
    for (const object of variants) this.remove(object);
    this.parts.drop(key);
    return variants.length;
  }

  purgeAll(): number {
    const size = this.#index.size;
    this.parts.clear();
    for (const key of [...this.#byKey.keys()]) this.purge(key);
    return size;
  }

  /** Makes room for bytes that are arriving; false when they would be too many. */
  reserve(bytes: number): boolean {
    return this.#index.reserve(bytes);
  }

  release(bytes: number): void {
    this.#index.release(bytes);
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
