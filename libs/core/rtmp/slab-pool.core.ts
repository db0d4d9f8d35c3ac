import { assert } from '#kernel';

export interface SlabPoolInit {
  readonly slabBytes?: number;
  /** Unused slabs kept for the next taker; more are left to the garbage collector. */
  readonly freeMax?: number;
}

/**
 * A block of memory that several holders share, counted. Media of all sessions lives in slabs, so that the same memory
 * is written again and again and the garbage collector sees none of it. A holder that forgets to release loses the
 * recycling of its slab, never its correctness; one that releases twice breaks an invariant.
 */
export class Slab {
  readonly bytes: Uint8Array;
  readonly #pool: SlabPool;
  #holders = 1;

  constructor(bytes: Uint8Array, pool: SlabPool) {
    this.bytes = bytes;
    this.#pool = pool;
  }

  retain(): void {
    assert(this.#holders > 0, 'a slab was retained after its last release');
    this.#holders += 1;
  }

  release(): void {
    assert(this.#holders > 0, 'a slab was released twice');
    this.#holders -= 1;
    if (this.#holders === 0) this.#pool.recycle(this.bytes);
  }
}

export class SlabPool {
  readonly slabBytes: number;
  readonly #freeMax: number;
  readonly #free: Uint8Array[] = [];
  #held = 0;

  constructor(init: SlabPoolInit = {}) {
    this.slabBytes = init.slabBytes ?? 32 * 1024;
    this.#freeMax = init.freeMax ?? 256;
  }

  /** Slabs that somebody holds. */
  get held(): number {
    return this.#held;
  }

  get free(): number {
    return this.#free.length;
  }

  take(): Slab {
    this.#held += 1;
    return new Slab(this.#free.pop() ?? new Uint8Array(this.slabBytes), this);
  }

  recycle(bytes: Uint8Array): void {
    this.#held -= 1;
    if (this.#free.length < this.#freeMax) this.#free.push(bytes);
  }
}
