import type { TagBuffer } from '#core/rtmp';
import type { Socket } from 'node:net';

/**
 * One packager that reads a session. Tags go out from the slabs where they lie; what the socket has not taken yet is
 * counted, and a reader whose backlog outgrows its bound is cut off.
 */
export class RelayReader {
  readonly #socket: Socket;
  readonly #backlogBytesMax: number;
  #backlogBytes = 0;
  #corked = false;
  /** True when the reader was cut off because it fell behind. */
  cutOff = false;
  /** False until the reader got a point to start decoding at. */
  started = false;

  constructor(socket: Socket, backlogBytesMax: number) {
    this.#socket = socket;
    this.#backlogBytesMax = backlogBytesMax;
  }

  get backlogBytes(): number {
    return this.#backlogBytes;
  }

  /** Sends bytes that nobody changes. */
  sendBytes(bytes: Uint8Array): void {
    this.#write(bytes, () => undefined);
  }

  sendTag(tag: TagBuffer): void {
    for (const { slab, start, end } of tag.parts) {
      slab.retain();
      this.#write(slab.bytes.subarray(start, end), () => slab.release());
    }
  }

  /** The session is over: everything sent so far is delivered, then the connection ends. */
  end(): void {
    this.#socket.end();
  }

  #write(bytes: Uint8Array, sent: () => void): void {
    if (this.#socket.destroyed) {
      sent();
      return;
    }
    this.#backlogBytes += bytes.length;
    if (this.#backlogBytes > this.#backlogBytesMax) {
      sent();
      this.cutOff = true;
      this.#socket.destroy();
      return;
    }
    this.#cork();
    this.#socket.write(bytes, () => {
      this.#backlogBytes -= bytes.length;
      sent();
    });
  }

  /** Many tags of one input are one write to the kernel. */
  #cork(): void {
    if (this.#corked) return;
    this.#corked = true;
    this.#socket.cork();
    process.nextTick(() => {
      this.#corked = false;
      this.#socket.uncork();
    });
  }
}
