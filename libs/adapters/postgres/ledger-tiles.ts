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
  const noPrints = new Uint8Array(0);
  const prints = rows.map(({ place }) => place?.idPrints ?? noPrints);
  const column = (of: (row: (typeof rows)[number]) => number | bigint | undefined): string => columnArray('bigint', rows.map(of));
  return [
    Buffer.concat(rows.map(({ tile }) => tile.hashes)),
    textArray(rows.map(({ topic }) => topic)),
    column(({ partition }) => partition),
    column(({ tile }) => tile.level),
    column(({ tile }) => tile.index),
    column(({ tile }) => tile.width),
    columnArray('bigint', starts(rows.map(({ tile }) => tile.hashes))),
    column(({ place }) => place?.firstOffset),
    column(({ place }) => place?.firstIdMs),
    column(({ place }) => place?.lastIdMs),
    Buffer.concat(prints),
    columnArray('bigint', starts(prints)),
  ];
}

/** Where each begins when they stand one behind the other; SQL counts from 1. */
function starts(parts: readonly Uint8Array[]): readonly number[] {
  let next = 1;
  return parts.map(({ length }) => {
    const start = next;
    next += length;
    return start;
  });
}
