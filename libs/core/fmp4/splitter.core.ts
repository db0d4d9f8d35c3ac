import { fourCc, viewOf } from './box.core.ts';
import { ByteQueue } from './byte-queue.core.ts';
import { Fmp4Error } from './errors.ts';
import { parseFragment, type Fragment } from './fragment.core.ts';
import { parseMoov, type TrackInit } from './init.core.ts';

/** What comes out of a fragmented MP4, in order: the initialisation segment once, then fragments. */
export type Fmp4Part =
  | { readonly kind: 'init'; readonly bytes: Uint8Array; readonly track: TrackInit }
  | { readonly kind: 'fragment'; readonly fragment: Fragment };

export interface Fmp4SplitterInit {
  /** Greatest ftyp, moov, moof or mdat that is accepted, bytes. */
  readonly boxBytesMax: number;
}

interface Header {
  readonly type: string;
  readonly headerBytes: number;
  readonly bodyBytes: number;
}

/** Boxes that are kept; everything else between them (styp, sidx, prft, emsg, free, mfra) is passed over unread. */
const kept = new Set(['ftyp', 'moov', 'moof', 'mdat']);

/**
 * Cuts a fragmented MP4 that arrives in chunks of any size into its initialisation segment and fragments. Holds at most
 * one moof and one mdat within the byte budget, and copies each byte at most once. After an error it must be thrown away.
 */
export class Fmp4Splitter {
  readonly #boxBytesMax: number;
  readonly #queue = new ByteQueue();
  #header: Header | undefined;
  /** Bytes of an uninteresting box that are still to be passed over. */
  #skipBytes = 0;
  #ftyp: Uint8Array | undefined;
  #track: TrackInit | undefined;
  #moof: Uint8Array | undefined;

  constructor(init: Fmp4SplitterInit) {
    this.#boxBytesMax = init.boxBytesMax;
  }

  /** Bytes received that do not make up a whole box yet. */
  get pendingBytes(): number {
    return this.#queue.length;
  }

  /** @throws Fmp4Error when the bytes are not a single-track fragmented MP4 within the budget. */
  push(chunk: Uint8Array): Fmp4Part[] {
    this.#queue.push(chunk);
    const parts: Fmp4Part[] = [];
    for (;;) {
      if (this.#skipBytes > 0) this.#skipBytes -= this.#queue.skip(this.#skipBytes);
      if (this.#skipBytes > 0) return parts;
      this.#header ??= this.#readHeader();
      const header = this.#header;
      if (header === undefined) return parts;
      const body = this.#queue.take(header.bodyBytes);
      if (body === undefined) return parts;
      this.#header = undefined;
      const part = this.#accept(header, body);
      if (part !== undefined) parts.push(part);
    }
  }

  /** Undefined while the next kept box's header is not all there. */
  #readHeader(): Header | undefined {
    const start = this.#queue.peek(8);
    if (start === undefined) return undefined;
    const type = fourCc(start, 4);
    const size32 = viewOf(start).getUint32(0);
    if (size32 === 0) throw new Fmp4Error('FMP4_UNSUPPORTED', `The box ${JSON.stringify(type)} has no end.`);
    // ISO/IEC 14496-12 section 4.2: size 1 says that a 64-bit size follows the type.
    const headerBytes = size32 === 1 ? 16 : 8;
    const head = size32 === 1 ? this.#queue.peek(16) : start;
    if (head === undefined) return undefined;
    const size = size32 === 1 ? Number(viewOf(head).getBigUint64(8)) : size32;
    if (size < headerBytes) throw new Fmp4Error('FMP4_INVALID', `The box ${JSON.stringify(type)} claims ${size} bytes.`);
    this.#queue.skip(headerBytes);
    if (!kept.has(type)) {
      this.#skipBytes = size - headerBytes;
      return this.#skipBytes > 0 ? this.#skipped() : this.#readHeader();
    }
    if (size > this.#boxBytesMax) throw new Fmp4Error('FMP4_TOO_LARGE', `The box ${type} of ${size} bytes is over ${this.#boxBytesMax}.`);
    return { type, headerBytes, bodyBytes: size - headerBytes };
  }

  #skipped(): Header | undefined {
    this.#skipBytes -= this.#queue.skip(this.#skipBytes);
    return this.#skipBytes > 0 ? undefined : this.#readHeader();
  }

  #accept({ type, headerBytes }: Header, body: Uint8Array): Fmp4Part | undefined {
    switch (type) {
      case 'ftyp':
        this.#ftyp = withHeader('ftyp', body);
        return undefined;
      case 'moov':
        return this.#acceptMoov(body);
      case 'moof':
        if (this.#track === undefined) throw new Fmp4Error('FMP4_INVALID', 'A fragment comes before the moov.');
        if (this.#moof !== undefined) throw new Fmp4Error('FMP4_INVALID', 'A moof has no mdat.');
        this.#moof = withHeader('moof', body);
        return undefined;
      default:
        return this.#acceptMdat(body, headerBytes);
    }
  }

  #acceptMoov(body: Uint8Array): Fmp4Part {
    if (this.#track !== undefined) throw new Fmp4Error('FMP4_INVALID', 'There is a second moov.');
    if (this.#ftyp === undefined) throw new Fmp4Error('FMP4_INVALID', 'The moov has no ftyp before it.');
    this.#track = parseMoov(body);
    const moov = withHeader('moov', body);
    const bytes = new Uint8Array(this.#ftyp.length + moov.length);
    bytes.set(this.#ftyp);
    bytes.set(moov, this.#ftyp.length);
    return { kind: 'init', bytes, track: this.#track };
  }

  #acceptMdat(body: Uint8Array, headerBytes: number): Fmp4Part | undefined {
    const moof = this.#moof;
    if (moof === undefined || this.#track === undefined) {
      // Some muxers write an empty mdat before the first fragment.
      if (body.length === 0) return undefined;
      throw new Fmp4Error('FMP4_INVALID', 'An mdat has no moof.');
    }
    this.#moof = undefined;
    return { kind: 'fragment', fragment: parseFragment(this.#track, moof, body, headerBytes) };
  }
}

/** The whole box as a copy of its own, so that it does not pin the chunk that it came in. */
function withHeader(type: string, body: Uint8Array): Uint8Array {
  const box = new Uint8Array(8 + body.length);
  viewOf(box).setUint32(0, box.length);
  for (let index = 0; index < 4; index++) box[4 + index] = type.charCodeAt(index);
  box.set(body, 8);
  return box;
}
