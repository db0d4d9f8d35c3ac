import type { Slab, SlabPart } from '#core/rtmp';
import type { Socket } from 'node:net';

/**
 * One packager that reads a session. Tags go out from the slabs where they lie; what the socket has not taken yet is
 * counted, and a reader whose backlog outgrows its bound is cut off.
 *
 * Writes the HTTP/1.1 chunked coding itself (RFC 9112 section 7.1), one chunk for all that one input brought: the end of
 * a session is then a last chunk, and a connection that breaks off is told apart from it.
 */
export class RelayReader {
  readonly #socket: Socket;
  readonly #backlogBytesMax: number;
  #backlogBytes = 0;
  #pieces: Uint8Array[] = [];
  #slabs: Slab[] = [];
  #piecesBytes = 0;
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
    if (this.#isOpen(bytes.length)) this.#queue(bytes);
  }

  /** Sends stretches of slabs, which are held until the socket has taken them. */
  sendParts(parts: readonly SlabPart[]): void {
    for (const { slab, start, end } of parts) {
      if (!this.#isOpen(end - start)) return;
      slab.retain();
      this.#slabs.push(slab);
      this.#queue(slab.bytes.subarray(start, end));
    }
  }

  /** The session is over: everything sent so far is delivered, then the last chunk, then the connection ends. */
  end(): void {
    this.#flush();
    this.#socket.end('0\r\n\r\n');
  }

  #isOpen(bytes: number): boolean {
    if (this.#socket.destroyed) return false;
    if (this.#backlogBytes + bytes <= this.#backlogBytesMax) return true;
    this.cutOff = true;
    this.#socket.destroy();
    return false;
  }

  #queue(bytes: Uint8Array): void {
    if (this.#pieces.length === 0) process.nextTick(() => this.#flush());
    this.#pieces.push(bytes);
    this.#piecesBytes += bytes.length;
    this.#backlogBytes += bytes.length;
  }

  #flush(): void {
    const slabs = this.#slabs;
    const pieces = this.#pieces;
    const bytes = this.#piecesBytes;
    if (pieces.length === 0) return;
    this.#slabs = [];
    this.#pieces = [];
    this.#piecesBytes = 0;
    this.#socket.cork();
    this.#socket.write(`${bytes.toString(16)}\r\n`, 'latin1');
    for (const piece of pieces) this.#socket.write(piece);
    this.#socket.write('\r\n', 'latin1', () => {
      this.#backlogBytes -= bytes;
      for (const slab of slabs) slab.release();
    });
    this.#socket.uncork();
  }
}
