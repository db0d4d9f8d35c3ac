import type { RingPiece, SlabPart } from '#core/rtmp';
import type { Socket } from 'node:net';

/** A stretch of a slab that grows while tags follow each other in it. */
interface GrowingPart extends SlabPart {
  end: number;
}

/** More is not gathered. */
const gatherBytesMax = 256 * 1024;

/**
 * One packager that reads a session. Tags go out from the slabs where they lie; what the socket has not taken yet is
 * counted, and a reader whose backlog outgrows its bound is cut off.
 *
 * Writes the HTTP/1.1 chunked coding itself (RFC 9112 section 7.1), one chunk for all that one input brought: the end of
 * a session is then a last chunk, and a connection that breaks off is told apart from it.
 *
 * A reader that nobody watches may ask for media to be gathered: a chunk then holds what came over some time, unless
 * something urgent comes, and waking up for it and sending it costs both processes that much less.
 */
export class RelayReader {
  readonly #socket: Socket;
  readonly #backlogBytesMax: number;
  #backlogBytes = 0;
  /** Of the backlog, what came at once from the past: until it is sent, more may wait. */
  #replayBytes = 0;
  #pieces: Array<Uint8Array | GrowingPart> = [];
  #piecesBytes = 0;
  #gatherMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #isDue = false;
  /** True when the reader was cut off because it fell behind. */
  cutOff = false;
  /** False until the reader got a point to start decoding at. */
  started = false;
  /** It goes on from some place, and wants to know when the session's time zero was. */
  isPackager = false;

  constructor(socket: Socket, backlogBytesMax: number) {
    this.#socket = socket;
    this.#backlogBytesMax = backlogBytesMax;
  }

  get backlogBytes(): number {
    return this.#backlogBytes;
  }

  /** How long what is not urgent may be held, ms; 0, as it is at the beginning: not at all. */
  gather(ms: number): void {
    this.#gatherMs = ms;
    if (ms === 0) this.#hurry();
  }

  /** Sends media of the past, however much: its memory is held anyway. */
  replay(pieces: readonly RingPiece[]): void {
    this.#replayBytes = pieces.reduce((sum, piece) => sum + ('slab' in piece ? piece.end - piece.start : piece.length), 0);
    for (const piece of pieces) {
      if ('slab' in piece) this.sendParts([piece], true);
      else this.sendBytes(piece);
    }
  }

  /** Sends bytes that nobody changes, at once. */
  sendBytes(bytes: Uint8Array): void {
    if (!this.#isOpen(bytes.length)) return;
    this.#count(bytes.length);
    this.#pieces.push(bytes);
    this.#hurry();
  }

  /** Sends stretches of slabs, which are held until the socket has taken them. */
  sendParts(parts: readonly SlabPart[], isUrgent: boolean): void {
    for (const { slab, start, end } of parts) {
      if (!this.#isOpen(end - start)) return;
      this.#count(end - start);
      const last = this.#pieces.at(-1);
      if (last !== undefined && 'slab' in last && last.slab === slab && last.end === start) {
        last.end = end;
        continue;
      }
      slab.retain();
      this.#pieces.push({ slab, start, end });
    }
    if (isUrgent || this.#gatherMs === 0 || this.#piecesBytes >= gatherBytesMax) this.#hurry();
    else this.#timer ??= setTimeout(() => this.#flush(), this.#gatherMs);
  }

  /** The session is over: everything sent so far is delivered, then the last chunk, then the connection ends. */
  end(): void {
    this.#flush();
    this.#socket.end('0\r\n\r\n');
  }

  #isOpen(bytes: number): boolean {
    if (this.#socket.destroyed) return false;
    if (this.#backlogBytes + bytes <= this.#backlogBytesMax + this.#replayBytes) return true;
    this.cutOff = true;
    this.#socket.destroy();
    return false;
  }

  #count(bytes: number): void {
    this.#piecesBytes += bytes;
    this.#backlogBytes += bytes;
  }

  /** With all that the input in hand brings. */
  #hurry(): void {
    if (this.#isDue || this.#pieces.length === 0) return;
    this.#isDue = true;
    process.nextTick(() => this.#flush());
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isDue = false;
    const pieces = this.#pieces;
    const bytes = this.#piecesBytes;
    if (pieces.length === 0) return;
    this.#pieces = [];
    this.#piecesBytes = 0;
    this.#socket.cork();
    this.#socket.write(`${bytes.toString(16)}\r\n`, 'latin1');
    for (const piece of pieces) this.#socket.write('slab' in piece ? piece.slab.bytes.subarray(piece.start, piece.end) : piece);
    this.#socket.write('\r\n', 'latin1', () => {
      this.#backlogBytes -= bytes;
      this.#replayBytes = Math.min(this.#replayBytes, this.#backlogBytes);
      for (const piece of pieces) if ('slab' in piece) piece.slab.release();
    });
    this.#socket.uncork();
  }
}
