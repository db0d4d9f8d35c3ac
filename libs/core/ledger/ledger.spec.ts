import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  consistencyRanges,
  emptyRoot,
  inclusionRanges,
  leafHash,
  LedgerTree,
  nodeHash,
  parseTilePath,
  rootsOf,
  tilePath,
  tilesFor,
  tilesOf,
  verifyConsistency,
  verifyInclusion,
  type FilledTile,
  type TileSource,
} from './index.ts';
import { hex, leavesOf, plainHash } from './ledger.fixture.ts';

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));

/** The tree of RFC 6962 section 2.1, word for word. */
function mth(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return emptyRoot(plainHash);
  if (leaves.length === 1) return leaves[0] as Uint8Array;
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return nodeHash(mth(leaves.slice(0, k)), mth(leaves.slice(k)), plainHash);
}

interface Grown {
  readonly tree: LedgerTree;
  readonly tiles: TileSource;
}

/** A tree of these leaves, and its tiles as they were handed out on the way. */
function grow(leaves: readonly Uint8Array[], takeEvery = 100): Grown {
  const tree = new LedgerTree(plainHash);
  const tiles = new Map<string, FilledTile>();
  const take = (): void => {
    for (const tile of tree.takeChanged()) tiles.set(`${tile.level}/${tile.index}`, tile);
  };
  for (const [at, leaf] of leaves.entries()) {
    tree.appendHash(leaf);
    if (at % takeEvery === 0) take();
  }
  take();
  return { tree, tiles: ({ level, index }) => tiles.get(`${level}/${index}`)?.hashes };
}

describe('the tree of RFC 6962', () => {
  // The vectors of certificate-transparency-go and RFC 9162's reference implementations.
  const leaves = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'].map((one) =>
    leafHash(bytes(one), plainHash),
  );
  const roots = [
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
    'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
    'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
    '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
    'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
    '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
  ];

  test.each(roots.map((root, size) => [size, root] as const))('has the known root at size %d', (size, root) => {
    expect(hex(grow(leaves.slice(0, size)).tree.root())).toBe(root);
  });

  test.each([
    [
      0,
      8,
      [
        '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
        '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
        '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
      ],
    ],
    [
      5,
      8,
      [
        'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
        'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
        'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
      ],
    ],
    [2, 3, ['fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125']],
  ])('proves leaf %d of %d by the known path', (index, size, path) => {
    const { tiles, tree } = grow(leaves.slice(0, size));
    const proof = rootsOf(inclusionRanges(index, size), tiles, plainHash) ?? [];
    expect(proof.map(hex)).toEqual(path);
    expect(verifyInclusion(leaves[index] as Uint8Array, { index, size, root: tree.root(), proof }, plainHash)).toBe(true);
  });

  test.each([
    [
      1,
      8,
      [
        '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
        '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
        '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
      ],
    ],
    [
      6,
      8,
      [
        '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
        'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
        'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
      ],
    ],
  ])('proves that %d leaves became %d by the known hashes', (old, size, path) => {
    const { tiles, tree } = grow(leaves.slice(0, size));
    const proof = rootsOf(consistencyRanges(old, size), tiles, plainHash) ?? [];
    expect(proof.map(hex)).toEqual(path);
    expect(verifyConsistency({ size: old, root: mth(leaves.slice(0, old)) }, { size, root: tree.root() }, proof, plainHash)).toBe(true);
  });
});

describe('a tree in tiles', () => {
  const many = leavesOf(1200);
  const sizes = fc.integer({ min: 0, max: many.length });
  const { tiles } = grow(many);
  /** As quick as the definition is slow; the first test holds the two together. */
  const rootAt = (size: number): Uint8Array => rootsOf([{ from: 0, to: size }], tiles, plainHash)?.[0] ?? new Uint8Array();

  test('has the root of the definition at every size around its tiles, whenever it was taken down and built up again', () => {
    for (const size of [0, 1, 2, 3, 255, 256, 257, 511, 512, 513, 1024, 1199]) {
      const { tree, tiles: taken } = grow(many.slice(0, size), 7);
      expect(hex(tree.root())).toBe(hex(mth(many.slice(0, size))));
      expect(hex(rootAt(size))).toBe(hex(tree.root()));
      const again = LedgerTree.from(size, taken, plainHash);
      for (const leaf of many.slice(size, size + 300)) {
        tree.appendHash(leaf);
        again?.appendHash(leaf);
      }
      expect(hex(again?.root() ?? new Uint8Array())).toBe(hex(tree.root()));
    }
  });

  test('is not built up from tiles that lack something', () => {
    const { tiles: taken } = grow(many.slice(0, 300));
    expect(LedgerTree.from(300, (at) => (at.level === 1 ? undefined : taken(at)), plainHash)).toBeUndefined();
    expect(LedgerTree.from(300, (at) => (at.level === 0 ? taken(at)?.subarray(32) : taken(at)), plainHash)).toBeUndefined();
  });

  test('reaches the second level of tiles', () => {
    const tree = new LedgerTree(plainHash);
    const leaf = leavesOf(1)[0] as Uint8Array;
    for (let at = 0; at < 65_536 + 3; at++) tree.appendHash(leaf);
    const taken = new Map(tree.takeChanged().map((tile) => [`${tile.level}/${tile.index}`, tile]));
    expect([...taken.values()].filter(({ level }) => level > 0).map(({ level, index, width }) => `${level}/${index}/${width}`)).toEqual(['1/0/256', '2/0/1']);
    const proof = rootsOf(inclusionRanges(65_537, tree.size), ({ level, index }) => taken.get(`${level}/${index}`)?.hashes, plainHash) ?? [];
    expect(verifyInclusion(leaf, { index: 65_537, size: tree.size, root: tree.root(), proof }, plainHash)).toBe(true);
  });

  test('proves every leaf of every size, and nothing else', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: many.length }), fc.nat(), fc.nat(), (size, seed, other) => {
        const index = seed % size;
        const root = rootAt(size);
        const proof = rootsOf(inclusionRanges(index, size), tiles, plainHash) ?? [];
        expect(verifyInclusion(many[index] as Uint8Array, { index, size, root, proof }, plainHash)).toBe(true);
        const wrong = other % size;
        if (wrong !== index) expect(verifyInclusion(many[wrong] as Uint8Array, { index, size, root, proof }, plainHash)).toBe(false);
        if (wrong !== index) expect(verifyInclusion(many[index] as Uint8Array, { index: wrong, size, root, proof }, plainHash)).toBe(false);
        expect(verifyInclusion(many[index] as Uint8Array, { index, size, root, proof: [...proof, root] }, plainHash)).toBe(false);
        if (proof.length > 0) expect(verifyInclusion(many[index] as Uint8Array, { index, size, root, proof: proof.slice(1) }, plainHash)).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  test('proves that it grew from each of its sizes, and refuses any other past', () => {
    fc.assert(
      fc.property(sizes, sizes, (one, two) => {
        const [old, size] = [Math.min(one, two), Math.max(one, two)];
        const head = { size, root: rootAt(size) };
        const proof = rootsOf(consistencyRanges(old, size), tiles, plainHash) ?? [];
        expect(verifyConsistency({ size: old, root: rootAt(old) }, head, proof, plainHash)).toBe(true);
        if (old === 0) return;
        const forked = rootAt(old).with(0, rootAt(old).at(0) === 0 ? 1 : 0);
        if (old < many.length) expect(verifyConsistency({ size: old, root: forked }, head, proof, plainHash)).toBe(false);
        expect(verifyConsistency({ size: old, root: rootAt(old) }, head, [...proof, forked], plainHash)).toBe(false);
        if (old < size) expect(verifyConsistency(head, { size: old, root: rootAt(old) }, proof, plainHash)).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  test('needs few tiles for a proof', () => {
    expect(tilesFor(inclusionRanges(0, 1_000_000_000), 1_000_000_000).length).toBeLessThanOrEqual(8);
    expect(rootsOf([{ from: 0, to: 300 }], () => undefined, plainHash)).toBeUndefined();
  });
});

describe('the paths of tiles', () => {
  test('are those of C2SP tlog-tiles', () => {
    expect(tilePath({ level: 0, index: 1234067, width: 256 })).toBe('tile/0/x001/x234/067');
    // Its example: a tree of size 70,000.
    const tiles = [...tilesOf(70_000)];
    expect(tiles.filter(({ level, width }) => level === 0 && width === 256)).toHaveLength(273);
    expect(tiles.filter(({ level, width }) => level > 0 || width < 256).map(tilePath)).toEqual([
      'tile/0/273.p/112',
      'tile/1/000',
      'tile/1/001.p/17',
      'tile/2/000.p/1',
    ]);
    expect([...tilesOf(256)].map(tilePath)).toEqual(['tile/0/000', 'tile/1/000.p/1']);
  });

  test('are read back, in their one spelling', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 63 }), fc.integer({ min: 0, max: 10 ** 12 }), fc.integer({ min: 1, max: 256 }), (level, index, width) => {
        expect(parseTilePath(tilePath({ level, index, width }))).toEqual({ level, index, width });
      }),
    );
    for (const wrong of [
      'tile/0/x000/001',
      'tile/00/001',
      'tile/64/000',
      'tile/0/1',
      'tile/0/001.p/256',
      'tile/0/001.p/0',
      'tile/0/001.p/01',
      'tile/0/001/',
      '/tile/0/001',
      'tile/0/../001',
    ])
      expect(parseTilePath(wrong)).toBeUndefined();
  });
});
