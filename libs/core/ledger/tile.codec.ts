/** Tiles of C2SP tlog-tiles: 256 hashes of one level of the tree, each the root of 256^level leaves. */

export const tileHeight = 8;
/** Hashes of a full tile. */
export const tileWidth = 256;

/** A tile of the tree. */
export interface TileAt {
  /** 0 holds hashes of leaves. */
  readonly level: number;
  readonly index: number;
}

export interface SizedTile extends TileAt {
  /** Hashes in it, 1 to 256. */
  readonly width: number;
}

const levelMax = 63;

/** How many hashes a tile has in a tree of that size; 0 when there is no such tile. */
export function tileWidthIn(size: number, { level, index }: TileAt): number {
  const hashes = Math.floor(size / tileWidth ** level);
  return Math.max(0, Math.min(tileWidth, hashes - index * tileWidth));
}

/** All tiles of a tree of that size, level by level. */
export function* tilesOf(size: number): Generator<SizedTile, void> {
  for (let level = 0; level <= levelMax; level++) {
    const hashes = Math.floor(size / tileWidth ** level);
    if (hashes === 0) return;
    for (let index = 0; index * tileWidth < hashes; index++) yield { level, index, width: tileWidthIn(size, { level, index }) };
  }
}

/** Groups of three digits, all but the last with an x: 1234067 is `x001/x234/067`. */
function indexPath(index: number): string {
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/\d{3}/g) ?? [];
  return groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join('/');
}

function widthSuffix(width: number): string {
  return width === tileWidth ? '' : `.p/${width}`;
}

/** `tile/<level>/<index>[.p/<width>]`, under the prefix of the log. */
export function tilePath({ level, index, width }: SizedTile): string {
  return `tile/${level}/${indexPath(index)}${widthSuffix(width)}`;
}

const pattern = /^tile\/(0|[1-9]\d?)\/((?:x\d{3}\/){0,4}\d{3})(?:\.p\/([1-9]\d{0,2}))?$/;

/** The tile that a path names; undefined when it is no such path, or not its only spelling. */
export function parseTilePath(path: string): SizedTile | undefined {
  const match = pattern.exec(path);
  if (match === null) return undefined;
  const tile = { level: Number(match[1]), index: Number((match[2] as string).replaceAll(/[x/]/g, '')), width: Number(match[3] ?? tileWidth) };
  return tile.level <= levelMax && tilePath(tile) === path ? tile : undefined;
}
