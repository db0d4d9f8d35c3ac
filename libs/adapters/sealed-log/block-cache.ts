import type { Block } from './block.codec.ts';

interface Cached {
  readonly block: Promise<Block>;
  /** 0 while it is on its way. */
  sizeBytes: number;
}

/** Blocks that were read lately, and those on their way; each is read once, however many ask. */
export class BlockCache {
  readonly #bytesMax: number;
  readonly #blocks = new Map<string, Cached>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get(name: string, load: () => Promise<Block>): Promise<Block> {
    const known = this.#blocks.get(name);
    if (known === undefined) return this.#load(name, load);
    this.#blocks.delete(name);
    this.#blocks.set(name, known);
    return known.block;
  }

  async #load(name: string, load: () => Promise<Block>): Promise<Block> {
    const cached: Cached = { block: load(), sizeBytes: 0 };
    this.#blocks.set(name, cached);
    try {
      const block = await cached.block;
      cached.sizeBytes = block.sizeBytes;
      this.#bytes += block.sizeBytes;
      this.#shrink(name);
      return block;
    } catch (error) {
      // The next reader tries again.
      this.#blocks.delete(name);
      throw error;
    }
  }

  /** The oldest go first; those on their way stay. */
  #shrink(newest: string): void {
    for (const [name, { sizeBytes }] of this.#blocks) {
      if (this.#bytes <= this.#bytesMax) return;
      if (sizeBytes === 0 || name === newest) continue;
      this.#blocks.delete(name);
      this.#bytes -= sizeBytes;
    }
  }
}
