import { tagHeaderBytes, tagTrailerByte, tagTrailerBytes, writeTagHeader, type TagType } from '#core/flv';
import { assert } from '#kernel';
import type { Slab, SlabPool } from './slab-pool.core.ts';

/** A stretch of a slab; `end` is exclusive. */
export interface SlabPart {
  readonly slab: Slab;
  readonly start: number;
  readonly end: number;
}

/** Enough for a tag header and the bytes that tell codecs apart: these stand in the first part, never across two. */
const firstPartBytesMin = 64;

/** Cuts slabs into parts, one after the other. One arena per session: its messages lie next to each other. */
export class Arena {
  readonly #pool: SlabPool;
  #slab: Slab | undefined;
  #used = 0;

  constructor(pool: SlabPool) {
    this.#pool = pool;
  }

  /** Up to `wanted` bytes, at least `min` of them, all in one slab. The taker releases the part's slab. */
  reserve(wanted: number, min: number): SlabPart {
    if (this.#slab === undefined || this.#slab.bytes.length - this.#used < min) {
      this.#slab?.release();
      this.#slab = this.#pool.take();
      this.#used = 0;
    }
    const slab = this.#slab;
    const start = this.#used;
    const end = Math.min(start + wanted, slab.bytes.length);
    slab.retain();
    this.#used = end;
    return { slab, start, end };
  }

  close(): void {
    this.#slab?.release();
    this.#slab = undefined;
  }
}

/**
 * The payload of one RTMP message, copied once, with room around it: sealed, the same bytes are an FLV tag that any
 * number of readers send as they are. Memory is reserved as bytes arrive, not as the header promises.
 */
export class TagBuffer {
  readonly bodyBytes: number;
  readonly #arena: Arena;
  readonly #parts: SlabPart[] = [];
  /** The slab of the last part. */
  #target!: Uint8Array;
  #room: number;
  #at: number;
  #end: number;
  #released = false;

  constructor(arena: Arena, bodyBytes: number) {
    this.bodyBytes = bodyBytes;
    this.#arena = arena;
    this.#room = tagHeaderBytes + bodyBytes + tagTrailerBytes;
    const first = this.#grow(firstPartBytesMin);
    this.#at = first.start + tagHeaderBytes;
    this.#end = first.end;
  }

  /** Size of the sealed tag with its trailer. */
  get tagBytes(): number {
    return tagHeaderBytes + this.bodyBytes + tagTrailerBytes;
  }

  get released(): boolean {
    return this.#released;
  }

  get parts(): readonly SlabPart[] {
    return this.#parts;
  }

  #grow(min: number): SlabPart {
    assert(this.#room > 0, 'a message got more bytes than it announced');
    const part = this.#arena.reserve(this.#room, Math.min(min, this.#room));
    this.#room -= part.end - part.start;
    this.#parts.push(part);
    this.#target = part.slab.bytes;
    return part;
  }

  /** Copies `source[from, to)` behind what is there. */
  append(source: Uint8Array, from: number, to: number): void {
    let at = from;
    while (at < to) {
      if (this.#at === this.#end) this.#next();
      const count = Math.min(to - at, this.#end - this.#at);
      const target = this.#target;
      if (count < 64) for (let i = 0; i < count; i++) target[this.#at + i] = source[at + i] as number;
      else target.set(source.subarray(at, at + count), this.#at);
      this.#at += count;
      at += count;
    }
  }

  #next(): void {
    const part = this.#grow(1);
    this.#at = part.start;
    this.#end = part.end;
  }

  #put(byte: number): void {
    if (this.#at === this.#end) this.#next();
    this.#target[this.#at] = byte;
    this.#at += 1;
  }

  /** The body's byte `index`, one of the first few. */
  byteAt(index: number): number {
    const first = this.#parts[0] as SlabPart;
    return index < this.bodyBytes ? (first.slab.bytes[first.start + tagHeaderBytes + index] as number) : 0;
  }

  /** The first bytes of the body, as a view. */
  peek(count: number): Uint8Array {
    const first = this.#parts[0] as SlabPart;
    const start = first.start + tagHeaderBytes;
    return first.slab.bytes.subarray(start, Math.min(start + Math.min(count, this.bodyBytes), first.end));
  }

  /** The body as a copy of its own. */
  copyBody(): Uint8Array {
    const body = new Uint8Array(this.bodyBytes);
    let written = -tagHeaderBytes;
    for (const { slab, start, end } of this.#parts) {
      const from = written < 0 ? start - written : start;
      const at = Math.max(written, 0);
      const to = Math.min(end, from + this.bodyBytes - at);
      if (to > from) body.set(slab.bytes.subarray(from, to), at);
      written += end - start;
    }
    return body;
  }

  /** Makes the complete message an FLV tag. */
  seal(type: TagType, timestampMs: number): void {
    const first = this.#parts[0] as SlabPart;
    writeTagHeader(first.slab.bytes, first.start, type, this.bodyBytes, timestampMs);
    for (let i = 0; i < tagTrailerBytes; i++) this.#put(tagTrailerByte(this.bodyBytes, i));
    assert(this.#room === 0 && this.#at === this.#end, 'a tag was sealed before its message was complete');
  }

  /** Gives the memory back; whoever still needs it has retained the slabs. */
  release(): void {
    assert(!this.#released, 'a tag was released twice');
    this.#released = true;
    for (const part of this.#parts) part.slab.release();
  }
}
