import { assert } from '#kernel';
import { hashBytes, type LedgerHash } from './ledger-hash.types.ts';
import { perfectRoot } from './merkle.core.ts';
import { hashRecord, type LedgerRecord } from './record-bytes.codec.ts';
import { rootsOf } from './tile-proof.core.ts';
import { tileWidth, tileWidthIn, type SizedTile, type TileAt } from './tile.codec.ts';

/** A tile and what is in it. */
export interface FilledTile extends SizedTile {
  readonly hashes: Uint8Array;
}

/**
 * A growing tree, of which only the right edge is held: the rightmost tile of each level, at most 8 KiB each. Everything
 * left of it never changes again.
 */
export class LedgerTree {
  readonly #hash: LedgerHash;
  /** Hashes of the rightmost tile of each level. */
  readonly #edge: Uint8Array[] = [];
  readonly #changed = new Map<string, TileAt>();
  readonly #full = new Map<string, Uint8Array>();
  #size = 0;

  constructor(hash: LedgerHash) {
    this.#hash = hash;
  }

  /**
   * A tree of that size from its rightmost tiles.
   * @returns undefined when one is missing, or not as wide as the size says.
   */
  static from(size: number, tiles: (at: TileAt) => Uint8Array | undefined, hash: LedgerHash): LedgerTree | undefined {
    const tree = new LedgerTree(hash);
    tree.#size = size;
    for (let level = 0, hashes = size; hashes > 0; level++, hashes = Math.floor(hashes / tileWidth)) {
      const width = hashes % tileWidth;
      const edge = new Uint8Array(tileWidth * hashBytes);
      if (width > 0) {
        const stored = tiles({ level, index: Math.floor(hashes / tileWidth) });
        if (stored === undefined || stored.length < width * hashBytes) return undefined;
        edge.set(stored.subarray(0, width * hashBytes));
      }
      tree.#edge.push(edge);
    }
    return tree;
  }

  /** Leaves so far. */
  get size(): number {
    return this.#size;
  }

  append(record: LedgerRecord): void {
    hashRecord(record, this.#hash, this.#at(0), (this.#size % tileWidth) * hashBytes);
    this.#grown();
  }

  /** Takes a leaf by its hash. */
  appendHash(hash: Uint8Array): void {
    assert(hash.length === hashBytes, 'a leaf hash has 32 bytes');
    this.#at(0).set(hash, (this.#size % tileWidth) * hashBytes);
    this.#grown();
  }

  #at(level: number): Uint8Array {
    return (this.#edge[level] ??= new Uint8Array(tileWidth * hashBytes));
  }

  /** A full tile gives its root to the level above, and the next one begins. */
  #grown(): void {
    const leaf = this.#size++;
    if ((leaf & (tileWidth - 1)) === 0 || this.#changed.size === 0) this.#touch(0, Math.floor(leaf / tileWidth));
    for (let level = 0, hashes = this.#size; hashes % tileWidth === 0; level++) {
      const full = this.#at(level);
      hashes /= tileWidth;
      this.#full.set(`${level}/${hashes - 1}`, full.slice());
      this.#at(level + 1).set(perfectRoot(full, this.#hash), ((hashes - 1) % tileWidth) * hashBytes);
      this.#touch(level + 1, Math.floor((hashes - 1) / tileWidth));
    }
  }

  #touch(level: number, index: number): void {
    this.#changed.set(`${level}/${index}`, { level, index });
  }

  /** The tiles that grew since this was last asked: full ones for the last time, partial ones as they are now. */
  takeChanged(): readonly FilledTile[] {
    const tiles = [...this.#changed.values()].map((at) => ({ ...at, ...this.#filled(at) }));
    this.#changed.clear();
    this.#full.clear();
    return tiles;
  }

  #filled(at: TileAt): { readonly width: number; readonly hashes: Uint8Array } {
    const width = tileWidthIn(this.#size, at);
    const hashes = this.#full.get(`${at.level}/${at.index}`) ?? this.#at(at.level).slice(0, width * hashBytes);
    return { width, hashes };
  }

  /** The root hash of RFC 6962 section 2.1. */
  root(): Uint8Array {
    const [root] = rootsOf([{ from: 0, to: this.#size }], (at) => this.edge(at), this.#hash) ?? [];
    assert(root !== undefined, 'the right edge gives the root');
    return root;
  }

  /** The rightmost tile of a level, with room behind what is in it; undefined for any other. Perfect subtrees of a tree lie in these alone. */
  edge({ level, index }: TileAt): Uint8Array | undefined {
    const hashes = Math.floor(this.#size / tileWidth ** level);
    return index === Math.floor(hashes / tileWidth) ? this.#at(level) : undefined;
  }
}
