import type { Fields } from '#core/http-cache';
import type { ByteSource } from '../server/exchange.ts';

/** What one process of an edge asks another for: the response for a key, as the origin would give it. */
export interface SiblingAsk {
  readonly zone: string;
  readonly key: string;
  /** How far the asking process has read the purges: who has not come so far knows nothing of use. */
  readonly positions: readonly string[];
  readonly fields: Fields;
}

export interface SiblingHead {
  readonly status: number;
  readonly fields: Fields;
}

/** Bytes of one frame of a body at most. */
export const frameBytesMax = 256 * 1024;

/** A length of four bytes, and what it says; a length of none ends a body, so that none that breaks off is taken for whole. */
export function frame(bytes: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(4 + bytes.length);
  framed.writeUInt32BE(bytes.length);
  framed.set(bytes, 4);
  return framed;
}

export const endFrame = Buffer.alloc(4);

/** Frames out of a stream, whatever pieces it comes in. */
export class FrameReader {
  readonly #pieces: AsyncIterator<Uint8Array>;
  #held = Buffer.alloc(0);

  constructor(stream: AsyncIterable<Uint8Array>) {
    this.#pieces = stream[Symbol.asyncIterator]();
  }

  /** Undefined for the frame that ends a body. @throws Error when the stream ends before it */
  async next(): Promise<Uint8Array | undefined> {
    const length = (await this.#take(4)).readUInt32BE();
    if (length === 0) return undefined;
    if (length > 64 * frameBytesMax) throw new Error('A frame is larger than any that is sent.');
    return new Uint8Array(await this.#take(length));
  }

  async #take(count: number): Promise<Buffer> {
    const pieces = [this.#held];
    let length = this.#held.length;
    while (length < count) {
      const { done, value } = await this.#pieces.next();
      if (done === true) throw new Error('The body broke off.');
      pieces.push(Buffer.from(value));
      length += value.length;
    }
    const whole = pieces.length === 1 ? this.#held : Buffer.concat(pieces);
    this.#held = whole.subarray(count);
    return whole.subarray(0, count);
  }
}

export function frameSource(frames: FrameReader, cancel: () => void): ByteSource {
  return { read: () => frames.next(), cancel };
}
