import { hashBytes, type LedgerHash } from './ledger-hash.types.ts';
import { LedgerTree } from './ledger-tree.core.ts';
import { sameHash } from './merkle.core.ts';
import { tilePath, tilesOf, tileWidth, type SizedTile, type TileAt } from './tile.codec.ts';
import type { TreeHead } from './proof.core.ts';

/** What a set of tiles makes of itself and of signed heads. */
export interface TileAudit {
  /** Tiles that are missing, too short, or not what the tiles below them hash to. */
  readonly broken: readonly string[];
  /** Roots of the tree at the sizes asked for, as far as its leaves reach. */
  readonly roots: ReadonlyMap<number, Uint8Array>;
}

/**
 * Builds the tree anew from its leaf hashes, and compares all its tiles.
 * @param sizes at which the root is wanted
 */
export function auditTiles(size: number, sizes: readonly number[], tiles: (at: TileAt) => Uint8Array | undefined, hash: LedgerHash): TileAudit {
  const broken: string[] = [];
  const roots = new Map<number, Uint8Array>();
  const tree = new LedgerTree(hash);
  const wanted = new Set(sizes);
  if (wanted.has(0)) roots.set(0, tree.root());
  const compare = (tile: SizedTile & { readonly hashes: Uint8Array }): void => {
    const given = tiles(tile);
    if (given === undefined || given.length < tile.hashes.length || !sameHash(given.subarray(0, tile.hashes.length), tile.hashes)) broken.push(tilePath(tile));
  };
  for (const leaves of tilesOf(size)) {
    if (leaves.level > 0) break;
    const hashes = tiles(leaves);
    if (hashes === undefined || hashes.length < leaves.width * hashBytes) {
      broken.push(tilePath(leaves));
      return { broken, roots };
    }
    for (let at = 0; at < leaves.width; at++) {
      tree.appendHash(hashes.subarray(at * hashBytes, (at + 1) * hashBytes));
      if (wanted.has(tree.size)) roots.set(tree.size, tree.root());
    }
    for (const tile of tree.takeChanged()) if (tile.level > 0 && tile.width === tileWidth) compare(tile);
  }
  for (const tile of tilesOf(size)) {
    if (tile.level === 0 || tile.width === tileWidth) continue;
    const made = tree.edge(tile);
    if (made !== undefined) compare({ ...tile, hashes: made.slice(0, tile.width * hashBytes) });
  }
  return { broken, roots };
}

/** Whether the tree has been at that head. */
export function wasAt({ roots }: TileAudit, { size, root }: TreeHead): boolean {
  const made = roots.get(size);
  return made !== undefined && sameHash(made, root);
}
