import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

type Done = (error?: Error | null) => void;

/** When what nobody reads any more is given up, ms. */
const leftMs = 1000;

/**
 * A socket as its owner is told of it. Node gives the socket itself to a session of HTTP/2, which seems to read nothing while a write
 * is under way: where the other side ends the connection at that moment that write does not always end, and nobody is told (ADR 62).
 */
export class ToldSocket extends Duplex {
  readonly #socket: Socket;
  #written: Done | undefined;
  #isOver = false;

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
    socket.on('data', (bytes: Buffer) => {
      if (!this.#isOver && !this.push(bytes)) socket.pause();
    });
    socket.on('end', () => this.#end());
    socket.on('close', () => {
      this.#settle();
      // What came before is read first.
      this.#end();
      setTimeout(() => this.destroy(), leftMs).unref();
    });
    this.on('end', () => this.destroy());
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(bytes: Uint8Array, _encoding: BufferEncoding, done: Done): void {
    this.#written = done;
    if (this.#socket.writable) this.#socket.write(bytes, () => this.#settle());
    else this.#settle();
  }

  override _writev(pieces: ReadonlyArray<{ readonly chunk: Uint8Array }>, done: Done): void {
    this._write(Buffer.concat(pieces.map(({ chunk }) => chunk)), 'binary', done);
  }

  override _final(done: Done): void {
    this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#socket.destroy();
    done(error);
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.push(null);
  }

  /** Whether it went out is told by what follows. */
  #settle(): void {
    const written = this.#written;
    this.#written = undefined;
    written?.();
  }
}
