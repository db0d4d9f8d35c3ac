/** One picture within an image that holds several. */
export interface Tile {
  readonly url: string;
  /** Wall clock of its moment, ms since the Unix epoch. */
  readonly atMs: number;
  readonly durationMs: number;
  /** Place in the image, pixels. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** Size of the whole image. */
  readonly imageWidth: number;
  readonly imageHeight: number;
}

/**
 * Reads an image playlist (EXT-X-IMAGES-ONLY): a line `EXT-X-TILES` says how pictures lie in the image whose address follows.
 * What it does not understand it leaves out.
 */
export function tilesOf(playlist: string, base: string): readonly Tile[] {
  const tiles: Tile[] = [];
  let clockMs = Number.NaN;
  let durationMs = 0;
  let layout: Layout | undefined;
  for (const line of playlist.split('\n')) {
    const [tag, value] = splitOnce(line, ':');
    if (tag === '#EXT-X-PROGRAM-DATE-TIME') clockMs = Date.parse(value);
    else if (tag === '#EXTINF') durationMs = Number.parseFloat(value) * 1000;
    else if (tag === '#EXT-X-TILES') layout = layoutOf(value);
    else if (line !== '' && !line.startsWith('#')) {
      if (layout !== undefined && !Number.isNaN(clockMs)) tiles.push(...tilesIn(layout, new URL(line, base).href, clockMs, durationMs));
      clockMs += durationMs;
    }
  }
  return tiles;
}

interface Layout {
  readonly width: number;
  readonly height: number;
  readonly columns: number;
  readonly rows: number;
  readonly durationMs: number;
}

function layoutOf(attributes: string): Layout | undefined {
  const found = /RESOLUTION=(\d+)x(\d+),LAYOUT=(\d+)x(\d+),DURATION=([\d.]+)/.exec(attributes);
  if (found === null) return undefined;
  const [width, height, columns, rows, seconds] = found.slice(1).map(Number) as [number, number, number, number, number];
  return { width, height, columns, rows, durationMs: seconds * 1000 };
}

function tilesIn({ width, height, columns, rows, durationMs }: Layout, url: string, fromMs: number, imageMs: number): Tile[] {
  const tiles: Tile[] = [];
  // The last image of a run may have fewer pictures than places.
  for (let index = 0; index < columns * rows && index * durationMs < imageMs - 1; index++) {
    const place = { x: (index % columns) * width, y: Math.floor(index / columns) * height, width, height };
    tiles.push({ url, atMs: fromMs + index * durationMs, durationMs, ...place, imageWidth: width * columns, imageHeight: height * rows });
  }
  return tiles;
}

function splitOnce(text: string, separator: string): readonly [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

/** The picture of a moment; undefined where none is near it. */
export function tileAt(tiles: readonly Tile[], atMs: number | undefined): Tile | undefined {
  if (atMs === undefined) return undefined;
  const found = tiles.findLast((tile) => tile.atMs <= atMs) ?? tiles[0];
  if (found === undefined) return undefined;
  // Pictures come some seconds late: near the live edge the newest one stands for what follows.
  const lateMs = atMs - (found.atMs + found.durationMs);
  return lateMs <= Math.max(15_000, found.durationMs * 5) && found.atMs - atMs <= found.durationMs ? found : undefined;
}
