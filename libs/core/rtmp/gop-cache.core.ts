import type { MediaMessage } from './session.types.ts';
import type { Slab } from './slab-pool.core.ts';
import type { SlabPart } from './tag-buffer.core.ts';

/** A stretch of a slab that grows while tags follow each other in it. */
interface GrowingPart extends SlabPart {
  end: number;
}

/**
 * The tags since the last key frame, so that a reader who joins can decode at once. Bounded in bytes: a group of
 * pictures that outgrows the bound is given up, and who joins then starts at the next key frame.
 *
 * Keeps stretches of slabs, not tags: tags lie one behind the other, so a group is a few dozen stretches, and the tags'
 * own objects die young.
 */
export class GopCache {
  #parts: GrowingPart[] = [];
  #bytes = 0;
  #startMs: number | undefined;

  /** In order, beginning with a key frame; empty when a joiner has to wait. */
  get parts(): readonly SlabPart[] {
    return this.#parts;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Timestamp of the key frame that the group begins with; undefined when a joiner has to wait. */
  get startMs(): number | undefined {
    return this.#startMs;
  }

  /** Adds a sealed tag; the cache holds its memory until the next key frame, or until it would be more than `bytesMax`. */
  add({ tag, keyFrame, timestampMs }: Pick<MediaMessage, 'tag' | 'keyFrame' | 'timestampMs'>, bytesMax: number): void {
    if (keyFrame) {
      this.clear();
      this.#startMs = timestampMs;
    }
    if (this.#startMs === undefined) return;
    this.#bytes += tag.tagBytes;
    if (this.#bytes > bytesMax) this.clear();
    else for (const part of tag.parts) this.#keep(part.slab, part.start, part.end);
  }

  #keep(slab: Slab, start: number, end: number): void {
    const last = this.#parts[this.#parts.length - 1];
    if (last?.slab === slab && last.end === start) {
      last.end = end;
      return;
    }
    slab.retain();
    this.#parts.push({ slab, start, end });
  }

  clear(): void {
    for (const { slab } of this.#parts) slab.release();
    this.#parts = [];
    this.#bytes = 0;
    this.#startMs = undefined;
  }
}
