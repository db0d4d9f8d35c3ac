import { assert } from '#kernel';
import { PieceJoiner } from './piece-joiner.core.ts';

/** A reader's place in a growing body. */
export interface Cursor {
  /** Bytes before it, from the start of the body. */
  position: number;
  /** The chunk that holds `position`, counted from the start of the body. */
  chunk: number;
  /** Where that chunk begins, bytes from the start of the body. */
  chunkStart: number;
  /** Where the reader wants to begin. */
  readonly first: number;
}

export type Reading =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** Nothing yet: `wake` is called once when that changes. */
  | { readonly kind: 'wait' }
  | { readonly kind: 'end' }
  | { readonly kind: 'failed'; readonly error: Error };

/**
 * A body that arrives while many read it, each at its own pace. Whoever fills it knows nothing of the readers, so that
 * none of them can hold up or break off what the others get.
 *
 * A body that turns out too large to keep is turned into a stream by `forgetRead`: what all readers have passed is let
 * go, nobody may join any more, and `behindBytes` tells the filler when to wait for the slowest.
 */
export class GrowingBody {
  readonly #chunks: Uint8Array[] = [];
  readonly #joiner = new PieceJoiner();
  /** Chunks let go from the front. */
  #gone = 0;
  #goneBytes = 0;
  #length = 0;
  #end: 'open' | 'complete' | Error = 'open';
  #streaming = false;
  #whole: Uint8Array | undefined;
  readonly #cursors = new Set<Cursor>();
  readonly #waiting = new Set<() => void>();

  /** Bytes that have arrived. */
  get length(): number {
    return this.#length;
  }

  /** Bytes that are held. */
  get heldBytes(): number {
    return this.#length - this.#goneBytes;
  }

  get complete(): boolean {
    return this.#end === 'complete';
  }

  get joinable(): boolean {
    return !this.#streaming && !(this.#end instanceof Error);
  }

  get readers(): number {
    return this.#cursors.size;
  }

  append(chunk: Uint8Array): void {
    assert(this.#end === 'open', 'a body that has ended does not grow');
    if (chunk.length === 0) return;
    this.#joiner.add(this.#chunks, chunk);
    this.#length += chunk.length;
    this.#wake();
  }

  end(): void {
    assert(this.#end === 'open', 'a body ends once');
    this.#end = 'complete';
    this.#wake();
  }

  fail(error: Error): void {
    if (this.#end !== 'open') return;
    this.#end = error;
    this.#wake();
  }

  /** From now on only what somebody has still to read is held. */
  forgetRead(): void {
    this.#streaming = true;
    this.#trim();
  }

  /** @param first the byte to begin with */
  join(first = 0): Cursor {
    assert(this.joinable, 'nobody joins a body whose beginning is gone');
    const cursor = { position: 0, chunk: 0, chunkStart: 0, first };
    this.#cursors.add(cursor);
    return cursor;
  }

  leave(cursor: Cursor): void {
    this.#cursors.delete(cursor);
    this.#trim();
    this.#wake();
  }

  /** The next bytes, at most up to `end` (exclusive); `wake` is kept when there are none yet. */
  read(cursor: Cursor, end: number, wake: () => void): Reading {
    if (cursor.position >= end) return { kind: 'end' };
    this.#skip(cursor);
    const chunk = this.#at(cursor);
    if (chunk !== undefined) return { kind: 'bytes', bytes: this.#take(cursor, chunk, end) };
    if (this.#end instanceof Error) return { kind: 'failed', error: this.#end };
    if (this.#end === 'complete') return { kind: 'end' };
    this.#waiting.add(wake);
    return { kind: 'wait' };
  }

  /** Calls `wake` at the next change: bytes, an end, a reader gone. */
  onChange(wake: () => void): void {
    this.#waiting.add(wake);
  }

  /** The whole body in one piece. */
  bytes(): Uint8Array {
    assert(this.complete && this.#gone === 0, 'only a complete body that was kept can be had in one piece');
    this.#whole ??= this.#chunks.length === 1 ? (this.#chunks[0] as Uint8Array) : joined(this.#chunks, this.#length);
    return this.#whole;
  }

  /** Passes over what lies before the reader's first byte, as far as it has arrived. */
  #skip(cursor: Cursor): void {
    while (cursor.position < cursor.first) {
      const chunk = this.#at(cursor);
      if (chunk === undefined) return;
      this.#take(cursor, chunk, cursor.first);
    }
  }

  /** The chunk that holds the reader's next byte; undefined before that has arrived. */
  #at(cursor: Cursor): Uint8Array | undefined {
    const chunk = this.#chunks[cursor.chunk - this.#gone];
    if (chunk === undefined || cursor.position < cursor.chunkStart + chunk.length) return chunk;
    // It was open when the last of it was read.
    if (this.#joiner.isOpen(chunk)) return undefined;
    pass(cursor, chunk);
    return this.#chunks[cursor.chunk - this.#gone];
  }

  #take(cursor: Cursor, chunk: Uint8Array, end: number): Uint8Array {
    const offset = cursor.position - cursor.chunkStart;
    const bytes = chunk.subarray(offset, Math.min(chunk.length, offset + end - cursor.position));
    cursor.position += bytes.length;
    if (offset + bytes.length === chunk.length && !this.#joiner.isOpen(chunk)) pass(cursor, chunk);
    if (this.#streaming) {
      this.#trim();
      this.#wake();
    }
    return bytes;
  }

  #trim(): void {
    if (!this.#streaming) return;
    this.#closeRead();
    let needed = this.#gone + this.#chunks.length;
    for (const cursor of this.#cursors) needed = Math.min(needed, cursor.chunk);
    while (this.#gone < needed) {
      this.#goneBytes += (this.#chunks.shift() as Uint8Array).length;
      this.#gone++;
    }
  }

  /** What is open and was read by all is let go with the rest. */
  #closeRead(): void {
    const last = this.#chunks.at(-1);
    if (last === undefined || !this.#joiner.isOpen(last)) return;
    for (const { position } of this.#cursors) if (position < this.#length) return;
    this.#joiner.close();
    for (const cursor of this.#cursors) pass(cursor, last);
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }
}

function pass(cursor: Cursor, chunk: Uint8Array): void {
  cursor.chunk++;
  cursor.chunkStart += chunk.length;
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const all = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
