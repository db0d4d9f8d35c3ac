import { assert } from '#kernel';
import { nameDifference, type Difference } from './difference.core.ts';
import { hashBytes } from './ledger-hash.types.ts';
import { tileWidth, type TileAt } from './tile.codec.ts';

export interface FirstDifference {
  readonly kind: Difference;
  /** The leaf that has no such record. */
  readonly index: number;
}

/** How far a record may have moved to be recognised. */
const lookAhead = 64;

/**
 * Compares records, one after the other, with the leaves of a tree whose root was signed, and names the first difference.
 * A record of nobody's is not let through: every leaf is compared.
 */
export class RecordAudit {
  readonly #size: number;
  readonly #leaves: (at: TileAt) => Uint8Array | undefined;
  readonly #there: string[] = [];
  #count: number;
  #differs = -1;

  /**
   * @param leaves the tiles of level 0, complete: their root is the signed one
   * @param first the leaf that the first record is
   */
  constructor(size: number, leaves: (at: TileAt) => Uint8Array | undefined, first = 0) {
    this.#count = first;
    this.#size = size;
    this.#leaves = leaves;
  }

  /** Enough was seen: nothing that comes changes the finding. */
  get isOver(): boolean {
    return this.#differs === -1 ? this.#count >= this.#size : this.#there.length > lookAhead;
  }

  /** Index of the leaf that the next record is compared with. */
  get next(): number {
    return this.#count;
  }

  /** Takes the leaf hash of the next record, at `at` of `hashes`; false from the first difference on. */
  push(hashes: Uint8Array, at = 0): boolean {
    if (this.#differs === -1 && this.#count < this.#size && !this.#isLeaf(this.#count, hashes, at)) this.#differs = this.#count;
    if (this.#differs !== -1) this.#there.push(textOf(hashes, at));
    else this.#count++;
    return this.#differs === -1;
  }

  /** After the last record: the first difference, if any. */
  finish(): FirstDifference | undefined {
    const index = this.#differs === -1 ? this.#count : this.#differs;
    if (index >= this.#size) return undefined;
    return {
      kind: nameDifference({ signed: this.#leafTexts(index, index + lookAhead), there: this.#there, before: this.#leafTexts(index - lookAhead, index) }),
      index,
    };
  }

  #isLeaf(index: number, hashes: Uint8Array, at: number): boolean {
    const tile = this.#tile(index);
    const from = (index % tileWidth) * hashBytes;
    for (let byte = 0; byte < hashBytes; byte++) if (tile[from + byte] !== hashes[at + byte]) return false;
    return true;
  }

  #leafTexts(from: number, to: number): readonly string[] {
    const texts: string[] = [];
    for (let index = Math.max(0, from); index < Math.min(to, this.#size); index++) texts.push(textOf(this.#tile(index), (index % tileWidth) * hashBytes));
    return texts;
  }

  #tile(leaf: number): Uint8Array {
    const tile = this.#leaves({ level: 0, index: Math.floor(leaf / tileWidth) });
    assert(tile !== undefined, 'the leaves that were signed are all there');
    return tile;
  }
}

function textOf(hashes: Uint8Array, at: number): string {
  return String.fromCharCode(...hashes.subarray(at, at + hashBytes));
}
