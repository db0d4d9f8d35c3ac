import { Fmp4Error } from './errors.ts';

/** A box within a buffer: ISO/IEC 14496-12 section 4.2. `body` excludes size, type and large size. */
export interface Box {
  readonly type: string;
  readonly body: Uint8Array;
}

/** Boxes that one container may hold; far above any encoder. */
const childrenMax = 1024;

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The four-character code at `at`. */
export function fourCc(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(bytes[at] ?? 0, bytes[at + 1] ?? 0, bytes[at + 2] ?? 0, bytes[at + 3] ?? 0);
}

/** The boxes that fill `bytes`. @throws Fmp4Error `FMP4_INVALID` when they do not fill it exactly. */
export function childBoxes(bytes: Uint8Array): Box[] {
  const view = viewOf(bytes);
  const boxes: Box[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (at + 8 > bytes.length) throw new Fmp4Error('FMP4_INVALID', 'A container ends in the middle of a box header.');
    const size = view.getUint32(at);
    if (size < 8 || at + size > bytes.length) throw new Fmp4Error('FMP4_INVALID', `A box of ${size} bytes does not fit its container.`);
    if (boxes.length === childrenMax) throw new Fmp4Error('FMP4_INVALID', `A container holds more than ${childrenMax} boxes.`);
    boxes.push({ type: fourCc(bytes, at + 4), body: bytes.subarray(at + 8, at + size) });
    at += size;
  }
  return boxes;
}

export function findBox(bytes: Uint8Array, ...path: readonly string[]): Uint8Array | undefined {
  let body: Uint8Array | undefined = bytes;
  for (const type of path) {
    if (body === undefined) return undefined;
    body = childBoxes(body).find((box) => box.type === type)?.body;
  }
  return body;
}

/** @throws Fmp4Error `FMP4_INVALID` when the box is missing. */
export function requireBox(bytes: Uint8Array, ...path: readonly string[]): Uint8Array {
  const body = findBox(bytes, ...path);
  if (body === undefined) throw new Fmp4Error('FMP4_INVALID', `The box ${path.join('/')} is missing.`);
  return body;
}

/** Reads big-endian fields of a box in order; reading past its end is an {@link Fmp4Error}. */
export class FieldReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #type: string;
  #at = 0;

  constructor(type: string, bytes: Uint8Array) {
    this.#type = type;
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
  }

  /** Everything not yet read. */
  rest(): Uint8Array {
    return this.#bytes.subarray(this.#at);
  }

  skip(count: number): this {
    this.#take(count);
    return this;
  }

  uint8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  uint16(): number {
    return this.#view.getUint16(this.#take(2));
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  int32(): number {
    return this.#view.getInt32(this.#take(4));
  }

  /** A 64-bit count as a number. @throws Fmp4Error `FMP4_UNSUPPORTED` above 2^53 - 1. */
  uint64(): number {
    const value = this.#view.getBigUint64(this.#take(8));
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new Fmp4Error('FMP4_UNSUPPORTED', `${this.#type}: ${value} is beyond 2^53.`);
    return Number(value);
  }

  fourCc(): string {
    return fourCc(this.#bytes, this.#take(4));
  }

  /** Version and flags of a full box, ISO/IEC 14496-12 section 4.2. */
  fullBox(): { readonly version: number; readonly flags: number } {
    const word = this.uint32();
    return { version: word >>> 24, flags: word & 0xffffff };
  }

  #take(count: number): number {
    const at = this.#at;
    if (at + count > this.#bytes.length) throw new Fmp4Error('FMP4_INVALID', `The box ${this.#type} ends too early.`);
    this.#at = at + count;
    return at;
  }
}
