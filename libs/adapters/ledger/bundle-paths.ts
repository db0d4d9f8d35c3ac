import { tilePath, type SizedTile } from '#core/ledger';

/** Path of the records of a tile; of the same width as the tile. */
export function recordsPath(tile: SizedTile): string {
  return tilePath(tile).replace('tile/0/', 'records/');
}
