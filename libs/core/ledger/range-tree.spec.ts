import { describe, expect, test } from '@jest/globals';
import { hex, leavesOf, plainHash } from './ledger.fixture.ts';
import { LedgerTree } from './ledger-tree.core.ts';
import { RangeTree, rangeRoots, verifyRange } from './range-tree.core.ts';
import { tilesOf } from './tile.codec.ts';

const size = 700;
const leaves = leavesOf(size);

function treeOf(count: number): { readonly root: Uint8Array; readonly tiles: ReadonlyMap<string, Uint8Array> } {
  const tree = new LedgerTree(plainHash);
  const tiles = new Map<string, Uint8Array>();
  for (const leaf of leaves.slice(0, count)) tree.appendHash(leaf);
  for (const tile of tree.takeChanged()) tiles.set(`${tile.level}/${tile.index}`, tile.hashes);
  for (const tile of tilesOf(count)) expect(tiles.has(`${tile.level}/${tile.index}`)).toBe(true);
  return { root: tree.root(), tiles };
}

function foldOf(from: number, to: number): RangeTree {
  const range = new RangeTree(from, plainHash);
  for (const leaf of leaves.slice(from, to)) range.push(leaf);
  return range;
}

describe('a range of leaves', () => {
  const { root, tiles } = treeOf(size);
  const tile = (at: { level: number; index: number }): Uint8Array | undefined => tiles.get(`${at.level}/${at.index}`);
  const rootsIn = (from: number, to: number): readonly Uint8Array[] => rangeRoots({ from, to }, tile, plainHash) as readonly Uint8Array[];
  const ranges = [
    [0, 1],
    [0, 700],
    [0, 256],
    [256, 512],
    [1, 699],
    [255, 257],
    [3, 300],
    [511, 700],
    [699, 700],
  ] as const;

  test.each(ranges)('%i to %i: its fold has the roots that the tiles give, and stands in the tree', (from, to) => {
    const fold = foldOf(from, to);
    expect(fold.range).toEqual({ from, to });
    expect(fold.roots().map(hex)).toEqual(rootsIn(from, to).map(hex));
    const proof = { before: rootsIn(0, from), after: rootsIn(to, size) };
    expect(verifyRange({ from, to }, fold.roots(), { size, root }, proof, plainHash)).toBe(true);
  });

  test('one leaf more, less, or another one is not in the tree, nor is the range elsewhere', () => {
    const proof = { before: rootsIn(0, 100), after: rootsIn(300, size) };
    const head = { size, root };
    const verified = (range: RangeTree, at = { from: 100, to: 300 }): boolean => verifyRange(at, range.roots(), head, proof, plainHash);
    expect(verified(foldOf(100, 300))).toBe(true);
    expect(verified(foldOf(100, 299))).toBe(false);
    expect(verified(foldOf(101, 301))).toBe(false);
    const altered = new RangeTree(100, plainHash);
    for (let at = 100; at < 300; at++) altered.push(leaves[at === 200 ? 0 : at] as Uint8Array);
    expect(verified(altered)).toBe(false);
    expect(verified(foldOf(100, 300), { from: 101, to: 301 })).toBe(false);
    expect(verifyRange({ from: 100, to: 300 }, foldOf(100, 300).roots(), head, { ...proof, after: proof.after.slice(1) }, plainHash)).toBe(false);
    expect(verifyRange({ from: 100, to: 800 }, [], head, proof, plainHash)).toBe(false);
  });

  test('without a tile there are no roots', () => {
    expect(rangeRoots({ from: 0, to: 300 }, () => undefined, plainHash)).toBeUndefined();
  });
});
