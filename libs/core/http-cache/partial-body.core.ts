import { assert } from '#kernel';
import type { ByteSpan } from './range.codec.ts';

interface Piece {
  readonly first: number;
  readonly bytes: Uint8Array;
}

const endOf = ({ bytes, first }: Piece): number => first + bytes.length;

/** Two pieces that touch or overlap, as one; where both have a byte, the newer counts. */
function joined(older: Piece, newer: Piece): Piece {
  const first = Math.min(older.first, newer.first);
  const bytes = new Uint8Array(Math.max(endOf(older), endOf(newer)) - first);
  bytes.set(older.bytes, older.first - first);
  bytes.set(newer.bytes, newer.first - first);
  return { first, bytes };
}

/** What is stored of a representation of which only parts have come (RFC 9111 sections 3.3 and 3.4). */
export class PartialBody {
  /** Of the whole representation, bytes. */
  readonly length: number;
  /** In order, none touching the next. */
  #pieces: readonly Piece[] = [];

  constructor(length: number) {
    assert(length > 0, 'an empty representation has no parts');
    this.length = length;
  }

  get heldBytes(): number {
    return this.#pieces.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  get complete(): boolean {
    return this.heldBytes === this.length;
  }

  /** @param first where the bytes begin in the representation */
  add(first: number, bytes: Uint8Array): void {
    assert(first >= 0 && first + bytes.length <= this.length, 'a part lies within its representation');
    if (bytes.length === 0) return;
    let piece: Piece = { first, bytes };
    const apart: Piece[] = [];
    for (const other of this.#pieces) {
      if (endOf(other) < piece.first || endOf(piece) < other.first) apart.push(other);
      else piece = joined(other, piece);
    }
    this.#pieces = [...apart, piece].sort((a, b) => a.first - b.first);
  }

  /** The bytes of a span; undefined when not all of them are here. */
  slice({ first, last }: ByteSpan): Uint8Array | undefined {
    const piece = this.#pieces.find((one) => one.first <= first && last < endOf(one));
    return piece?.bytes.subarray(first - piece.first, last + 1 - piece.first);
  }

  /** The one span that is missing; undefined when nothing is, or more than one span. */
  gap(): ByteSpan | undefined {
    const gaps: ByteSpan[] = [];
    let at = 0;
    for (const piece of this.#pieces) {
      if (piece.first > at) gaps.push({ first: at, last: piece.first - 1 });
      at = endOf(piece);
    }
    if (at < this.length) gaps.push({ first: at, last: this.length - 1 });
    return gaps.length === 1 ? gaps[0] : undefined;
  }
}
