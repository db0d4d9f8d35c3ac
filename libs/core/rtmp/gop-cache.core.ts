import type { MediaMessage } from './session.types.ts';
import type { TagBuffer } from './tag-buffer.core.ts';

/**
 * The tags since the last key frame, so that a reader who joins can decode at once. Bounded in bytes: a group of
 * pictures that outgrows the bound is given up, and who joins then starts at the next key frame.
 */
export class GopCache {
  readonly #bytesMax: number;
  readonly #tags: TagBuffer[] = [];
  #bytes = 0;
  #open = false;
  #startMs: number | undefined;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** In order, beginning with a key frame; empty when a joiner has to wait. */
  get tags(): readonly TagBuffer[] {
    return this.#tags;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Timestamp of the key frame that the group begins with; undefined when a joiner has to wait. */
  get startMs(): number | undefined {
    return this.#startMs;
  }

  /** Adds a sealed tag; the cache holds it until the next key frame. */
  add({ tag, keyFrame, timestampMs }: Pick<MediaMessage, 'tag' | 'keyFrame' | 'timestampMs'>): void {
    if (keyFrame) {
      this.clear();
      this.#open = true;
      this.#startMs = timestampMs;
    }
    if (!this.#open) return;
    if (this.#bytes + tag.tagBytes > this.#bytesMax) {
      this.clear();
      return;
    }
    tag.retain();
    this.#tags.push(tag);
    this.#bytes += tag.tagBytes;
  }

  clear(): void {
    for (const tag of this.#tags) tag.release();
    this.#tags.length = 0;
    this.#bytes = 0;
    this.#open = false;
    this.#startMs = undefined;
  }
}
