/** Received bytes in their original chunks: appending copies nothing, taking copies at most once. */
export class ByteQueue {
  #chunks: Uint8Array[] = [];
  /** First chunk not yet consumed, and the place within it. */
  #index = 0;
  #offset = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#length += chunk.length;
  }

  /** Copies the next `count` bytes without consuming them; undefined while they are not all there. */
  peek(count: number): Uint8Array | undefined {
    if (count > this.#length) return undefined;
    const bytes = new Uint8Array(count);
    let at = 0;
    let offset = this.#offset;
    for (let index = this.#index; at < count; index++) {
      const chunk = this.#chunks[index] as Uint8Array;
      const part = chunk.subarray(offset, offset + count - at);
      bytes.set(part, at);
      at += part.length;
      offset = 0;
    }
    return bytes;
  }

  /** Consumes the next `count` bytes; undefined while they are not all there. */
  take(count: number): Uint8Array | undefined {
    if (count > this.#length) return undefined;
    const chunk = this.#chunks[this.#index];
    const whole = chunk !== undefined && this.#offset + count <= chunk.length;
    const bytes = whole ? chunk.subarray(this.#offset, this.#offset + count) : this.peek(count);
    this.skip(count);
    return bytes;
  }

  /** Drops up to `count` bytes; answers how many were there to drop. */
  skip(count: number): number {
    let left = Math.min(count, this.#length);
    const dropped = left;
    this.#length -= left;
    while (left > 0) {
      const chunk = this.#chunks[this.#index] as Uint8Array;
      const here = Math.min(left, chunk.length - this.#offset);
      left -= here;
      this.#offset += here;
      if (this.#offset === chunk.length) this.#advance();
    }
    return dropped;
  }

  /** The array is compacted in large steps only, so that a queue of many small chunks stays linear. */
  #advance(): void {
    this.#index += 1;
    this.#offset = 0;
    if (this.#index < 64 && this.#index < this.#chunks.length) return;
    this.#chunks = this.#chunks.slice(this.#index);
    this.#index = 0;
  }
}
