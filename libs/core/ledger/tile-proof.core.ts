import { hashBytes, type LedgerHash } from './ledger-hash.types.ts';
import { joinRoots, perfectRoot, subtreesOf, type Subtree } from './merkle.core.ts';
import type { LeafRange, Proof } from './proof.core.ts';
import { tileHeight, tileWidth, tileWidthIn, type SizedTile, type TileAt } from './tile.codec.ts';

/** The hashes of a tile, as many as are there; undefined when it is not at hand. */
export type TileSource = (at: TileAt) => Uint8Array | undefined;

/** A subtree of height h is made of hashes of the tile level below it, all in one tile. */
function tileOf({ height, index }: Subtree): TileAt & { readonly first: number; readonly count: number } {
  const level = Math.floor(height / tileHeight);
  const count = 2 ** (height % tileHeight);
  return { level, index: Math.floor((index * count) / tileWidth), first: (index * count) % tileWidth, count };
}

/** Which tiles of a tree of that size hold what the ranges need, each once, by the width that it has in this tree. */
export function tilesFor(ranges: readonly LeafRange[], size: number): readonly SizedTile[] {
  const tiles = new Map<string, SizedTile>();
  for (const { from, to } of ranges) {
    for (const subtree of subtreesOf(from, to)) {
      const { level, index } = tileOf(subtree);
      tiles.set(`${level}/${index}`, { level, index, width: tileWidthIn(size, { level, index }) });
    }
  }
  return [...tiles.values()];
}

/**
 * The roots of ranges of leaves, read from tiles: a proof, when the ranges are those of one; the root of the tree, when it
 * is the one range from 0 on.
 * @returns undefined when a tile that is needed is not there, or too short.
 */
export function rootsOf(ranges: readonly LeafRange[], tiles: TileSource, hash: LedgerHash): Proof | undefined {
  const roots: Uint8Array[] = [];
  for (const { from, to } of ranges) {
    const parts: Uint8Array[] = [];
    for (const subtree of subtreesOf(from, to)) {
      const { level, index, first, count } = tileOf(subtree);
      const hashes = tiles({ level, index });
      if (hashes === undefined || hashes.length < (first + count) * hashBytes) return undefined;
      parts.push(perfectRoot(hashes.subarray(first * hashBytes, (first + count) * hashBytes), hash));
    }
    roots.push(joinRoots(parts, hash));
  }
  return roots;
}
