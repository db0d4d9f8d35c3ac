import type { LedgerGrowth } from '#ports';
import { columnArray, textArray } from './array-literal.ts';

/**
 * Parameters of the statement that writes tiles: all hashes in one value, sent as bytes, and where each tile begins in it.
 * As an array of byte strings they would travel in hexadecimal digits, quoted.
 */
export function growthTiles(growths: readonly LedgerGrowth[]): readonly unknown[] | undefined {
  const rows = growths.flatMap(({ topic, partition, tiles, places }) => {
    const placeOf = new Map(places.map((place) => [place.index, place]));
    return tiles.map((tile) => ({ topic, partition, tile, place: tile.level === 0 ? placeOf.get(tile.index) : undefined }));
  });
  if (rows.length === 0) return undefined;
  let start = 1;
  const starts = rows.map(({ tile }) => {
    const at = start;
    start += tile.hashes.length;
    return at;
  });
  const column = (of: (row: (typeof rows)[number]) => number | bigint | undefined): string => columnArray('bigint', rows.map(of));
  return [
    Buffer.concat(rows.map(({ tile }) => tile.hashes)),
    textArray(rows.map(({ topic }) => topic)),
    column(({ partition }) => partition),
    column(({ tile }) => tile.level),
    column(({ tile }) => tile.index),
    column(({ tile }) => tile.width),
    columnArray('bigint', starts),
    column(({ place }) => place?.firstOffset),
    column(({ place }) => place?.firstIdMs),
    column(({ place }) => place?.lastIdMs),
  ];
}
