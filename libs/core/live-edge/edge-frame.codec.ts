import { LiveEdgeError } from './errors.ts';
import { checkMessage } from './message-check.ts';
import type { EdgeFrame, EdgeMessage } from './messages.ts';

/** frame = uint32 size of the message, uint32 size of the bytes, message as JSON, bytes; numbers in network order. */
const headBytes = 8;
const messageBytesMax = 65_536;
/** Half a second at 100 Mbit/s is a fifth of it. */
const partBytesMax = 32 * 1024 * 1024;

/** @returns the head and the message; the bytes follow as they are */
export function encodeEdgeFrame(message: EdgeMessage, sizeBytes: number): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(message));
  const frame = new Uint8Array(headBytes + text.length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, text.length);
  view.setUint32(4, sizeBytes);
  frame.set(text, headBytes);
  return frame;
}

/** Frames out of chunks of any size. Holds one frame at most; after an error it must be thrown away. */
export class EdgeFrameReader {
  #chunks: Uint8Array[] = [];
  #length = 0;

  /** @throws LiveEdgeError */
  push(chunk: Uint8Array): EdgeFrame[] {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    const frames: EdgeFrame[] = [];
    for (let needed = this.#needed(); this.#length >= needed; needed = this.#needed()) {
      const sizes = this.#sizes();
      if (sizes === undefined) break;
      const all = this.#joined();
      const { messageBytes } = sizes;
      const message = parse(all.subarray(headBytes, headBytes + messageBytes));
      // A copy: the chunk would be kept for as long as the part is.
      frames.push({ message, bytes: new Uint8Array(all.subarray(headBytes + messageBytes, needed)) });
      this.#chunks = [all.subarray(needed)];
      this.#length -= needed;
    }
    return frames;
  }

  #needed(): number {
    const sizes = this.#sizes();
    return sizes === undefined ? headBytes : headBytes + sizes.messageBytes + sizes.partBytes;
  }

  #sizes(): { readonly messageBytes: number; readonly partBytes: number } | undefined {
    if (this.#length < headBytes) return undefined;
    const head = (this.#chunks[0]?.length ?? 0) >= headBytes ? (this.#chunks[0] as Uint8Array) : this.#joined();
    const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
    const sizes = { messageBytes: view.getUint32(0), partBytes: view.getUint32(4) };
    if (sizes.messageBytes > messageBytesMax || sizes.partBytes > partBytesMax)
      throw new LiveEdgeError(`A frame of ${sizes.messageBytes} and ${sizes.partBytes} bytes.`);
    return sizes;
  }

  #joined(): Uint8Array {
    const only = this.#chunks[0];
    if (this.#chunks.length === 1 && only !== undefined) return only;
    const all = new Uint8Array(this.#length);
    let at = 0;
    for (const chunk of this.#chunks) {
      all.set(chunk, at);
      at += chunk.length;
    }
    this.#chunks = [all];
    return all;
  }
}

function parse(text: Uint8Array): EdgeMessage {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(text));
  } catch {
    throw new LiveEdgeError('A message is no JSON.');
  }
  return checkMessage(value);
}
