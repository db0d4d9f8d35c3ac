import { Prng } from '#kernel';

export interface Browsed {
  readonly atMs: number;
  readonly visitor: number;
  readonly path: string;
  readonly isPage: boolean;
}

export interface BrowseInit {
  readonly seed: number;
  readonly fromMs: number;
  readonly visits: number;
}

/** Pages by Zipf’s law, each with parts of its own and some that all share. */
const pages = 1500;
const zipf = 0.8;
const ownParts = 5;
const sharedParts = 3;
/** Visits begin so often, ms. */
const visitEveryMs = 250;

function draw(dice: Prng, sums: Float64Array): number {
  const wanted = dice.next() * (sums.at(-1) as number);
  let [low, high] = [0, sums.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sums[middle] as number) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * What visitors ask for: a page, what is on it, and in two of five cases a page that it links to. Noise: one in eight leaves before
 * everything is there, one in ten asks for something that nobody asks for again, one part in twenty is in the browser’s own cache,
 * and an address may be that of several people.
 */
export function browse({ fromMs, seed, visits }: BrowseInit): readonly Browsed[] {
  const dice = new Prng(seed);
  const sums = new Float64Array(pages);
  let sum = 0;
  for (let rank = 0; rank < pages; rank++) sums[rank] = sum += 1 / (rank + 1) ** zipf;
  const all: Browsed[] = [];
  const look = (visitor: number, page: number, fromPageMs: number): void => {
    all.push({ atMs: fromPageMs, visitor, path: `/page/${page}`, isPage: true });
    const stays = dice.next() < 7 / 8 ? 1 : dice.next();
    const own = Array.from({ length: ownParts }, (_none, at) => `/part/${page}-${at}`);
    const shared = Array.from({ length: sharedParts }, (_none, at) => `/shared/${at}`);
    for (const [at, path] of [...shared, ...own].entries()) {
      if (at / (ownParts + sharedParts) > stays || dice.next() < 1 / 20) continue;
      all.push({ atMs: fromPageMs + 50 + dice.nextInteger(0, 60) * (1 + at), visitor, path, isPage: false });
    }
    if (dice.next() < 1 / 10) all.push({ atMs: fromPageMs + dice.nextInteger(100, 900), visitor, path: `/once/${dice.nextUint32()}`, isPage: false });
  };
  for (let visit = 0; visit < visits; visit++) {
    const visitor = dice.next() < 1 / 20 ? Math.floor(visit / 10) * 10 : visit;
    let page = draw(dice, sums);
    let atMs = fromMs + visit * visitEveryMs + dice.nextInteger(0, visitEveryMs);
    look(visitor, page, atMs);
    // Each page links to one above all.
    while (dice.next() < 2 / 5) {
      page = dice.next() < 0.7 ? (page * 7 + 3) % pages : draw(dice, sums);
      atMs += dice.nextInteger(4000, 20_000);
      look(visitor, page, atMs);
    }
  }
  return all.sort((a, b) => a.atMs - b.atMs);
}
