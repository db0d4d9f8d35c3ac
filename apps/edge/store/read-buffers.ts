/** Of one buffer, bytes: for most of what is sent whole. */
const bufferBytes = 64 * 1024;
/** Kept for the next read. Few are out at a time: what is read at once is sent at once. */
const freeMax = 8;

/**
 * Memory for bytes that are read, sent and forgotten: a new buffer for each of them would be given back to the system by the
 * collector, and be fetched from it again page by page.
 */
export class ReadBuffers {
  readonly #free: Buffer[] = [];

  /** Whatever was in it is still there. */
  take(length: number): Buffer {
    if (length > bufferBytes) return Buffer.allocUnsafeSlow(length);
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(bufferBytes);
  }

  /** Of one that nobody looks into any more. One that never comes back is the collector's. */
  giveBack(buffer: Buffer): void {
    if (buffer.length === bufferBytes && this.#free.length < freeMax) this.#free.push(buffer);
  }
}
