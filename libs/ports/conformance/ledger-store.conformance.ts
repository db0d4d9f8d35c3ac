import { describe, expect, test } from '@jest/globals';
import type { LeafTilePlace, LedgerGrowth, LedgerPartition, LedgerStore, LedgerTile } from '../ledger-store.port.ts';
import { freshName, operatingError, useSubject, type Subject, type SubjectFactory } from './subject.ts';

/** What every store of the ledger promises. */
export function ledgerStoreConformance(name: string, factory: SubjectFactory<LedgerStore>): void {
  describe(`${name} is a ledger store`, () => {
    const subject = useSubject(factory);
    growing(subject);
    finding(subject);
    keeping(subject);
    knowing(subject);
  });
}

const at = (): LedgerPartition => ({ topic: freshName('topic'), partition: 3 });

function tile(level: number, index: number, width: number): LedgerTile {
  return { level, index, width, hashes: Uint8Array.from({ length: width * 32 }, (_, byte) => (byte * 7 + width + level) % 256) };
}

function growth(where: LedgerPartition, fromSize: number, size: number, more: Partial<LedgerGrowth> = {}): LedgerGrowth {
  return { ...where, fromSize, size, position: BigInt(size * 2), lastOffset: BigInt(size * 2 - 2), epoch: 1n, beginsAt: 0n, tiles: [], places: [], ...more };
}

function growing(subject: () => Subject<LedgerStore>): void {
  test('a tree begins empty and goes on where it was left', async () => {
    const { port } = subject();
    const where = at();
    expect(await port.claim(where, 1n)).toEqual({ ...where, size: 0, position: 0n, lastOffset: undefined, beginsAt: 0n });
    await port.grow([growth(where, 0, 300)]);
    expect(await port.claim(where, 2n)).toEqual({ ...where, size: 300, position: 600n, lastOffset: 598n, beginsAt: 0n });
    expect(await port.progress()).toContainEqual({ ...where, size: 300, position: 600n, lastOffset: 598n, beginsAt: 0n });
  });

  test('an older owner, and one that missed something, is refused; nothing of it is written', async () => {
    const { port } = subject();
    const [one, two] = [at(), at()];
    await port.claim(one, 5n);
    await port.claim(two, 5n);
    await expect(port.claim(one, 4n)).rejects.toEqual(operatingError('LEDGER_FENCED'));
    await port.grow([growth(one, 0, 1, { epoch: 5n })]);
    const late = [growth(two, 0, 1, { epoch: 5n, tiles: [tile(0, 0, 1)] }), growth(one, 1, 2, { epoch: 4n })];
    await expect(port.grow(late)).rejects.toEqual(operatingError('LEDGER_FENCED'));
    await expect(port.grow([growth(one, 0, 2, { epoch: 5n })])).rejects.toEqual(operatingError('LEDGER_FENCED'));
    await expect(port.grow([growth(at(), 0, 1)])).rejects.toEqual(operatingError('LEDGER_FENCED'));
    expect(await port.tiles(two, [{ level: 0, index: 0 }])).toEqual([]);
    expect(await port.claim(two, 6n)).toMatchObject({ size: 0 });
  });

  test('a tree is begun anew without what it had, once, and goes on from there', async () => {
    const { port } = subject();
    const where = at();
    await port.claim(where, 1n);
    const whole = tile(0, 0, 7);
    await port.grow([growth(where, 0, 7, { tiles: [whole] })]);
    await port.keep([{ ...where, size: 7, note: 'seven' }]);
    expect(await port.beginAnew({ ...where, size: 6 }, 40n)).toBe(false);
    expect(await port.beginAnew({ ...where, size: 7 }, 40n)).toBe(true);
    expect(await port.beginAnew({ ...where, size: 0 }, 40n)).toBe(false);
    expect(await port.claim(where, 1n)).toEqual({ ...where, size: 0, position: 40n, lastOffset: undefined, beginsAt: 40n });
    expect([await port.tiles(where, [whole]), await port.checkpoint(where)]).toEqual([[], undefined]);
    await port.grow([growth(where, 0, 3, { beginsAt: 40n })]);
    expect(await port.progress()).toContainEqual({ ...where, size: 3, position: 6n, lastOffset: 4n, beginsAt: 40n });
  });

  test('tiles grow and come back as they were last written', async () => {
    const { port } = subject();
    const [where, other] = [at(), at()];
    await port.claim(where, 1n);
    await port.claim(other, 1n);
    await port.grow([growth(where, 0, 300, { tiles: [tile(0, 0, 256), tile(0, 1, 44), tile(1, 0, 1)] }), growth(other, 0, 7, { tiles: [tile(0, 0, 7)] })]);
    await port.grow([growth(where, 300, 310, { tiles: [tile(0, 1, 54)] })]);
    const asked = [
      { level: 0, index: 0 },
      { level: 0, index: 1 },
      { level: 1, index: 0 },
      { level: 0, index: 2 },
    ];
    const tiles = [...(await port.tiles(where, asked))].sort((a, b) => a.level - b.level || a.index - b.index);
    expect(tiles.map(plain)).toEqual([tile(0, 0, 256), tile(0, 1, 54), tile(1, 0, 1)].map(plain));
    expect((await port.tiles(other, asked)).map(plain)).toEqual([plain(tile(0, 0, 7))]);
    expect(await port.tiles(where, [])).toEqual([]);
  });
}

/** Whatever kind of byte array it is. */
function plain(one: LedgerTile): object {
  return { ...one, hashes: [...one.hashes] };
}

function finding(subject: () => Subject<LedgerStore>): void {
  const place = (index: number, firstOffset: bigint, firstIdMs: number, lastIdMs: number, width = 256) => ({
    index,
    firstOffset,
    firstIdMs,
    lastIdMs,
    idPrints: Uint8Array.from({ length: width * 2 }, (_, byte) => (byte * 3 + index) % 256),
  });
  /** Whatever kind of byte array it is. */
  const bare = (one: LeafTilePlace | undefined): unknown => (one === undefined ? undefined : { ...one, idPrints: [...one.idPrints] });

  test('records are found by offset and by the time in their id', async () => {
    const { port } = subject();
    const where = at();
    const beside = { ...where, partition: 4 };
    await port.claim(where, 1n);
    await port.claim(beside, 1n);
    const tiles = [tile(0, 0, 256), tile(0, 1, 256), tile(0, 2, 1)];
    const places = [place(0, 10n, 1000, 2000), place(1, 700n, 1900, 3000), place(2, 1500n, 3000, 3000, 1)];
    await port.grow([
      growth(where, 0, 513, { tiles, places, lastOffset: 1500n }),
      growth(beside, 0, 1, { tiles: [tile(0, 0, 1)], places: [place(0, 0n, 0, 1950, 1)] }),
    ]);
    await port.grow([growth(where, 513, 514, { tiles: [tile(0, 2, 2)], places: [place(2, 1500n, 2500, 3000, 2)], lastOffset: 1501n })]);
    expect(bare(await port.place(where, 1))).toEqual(bare(places[1]));
    expect(await port.place(where, 9)).toBeUndefined();
    expect(bare(await port.placeOf(where, 10n))).toEqual(bare(places[0]));
    expect(bare(await port.placeOf(where, 1499n))).toEqual(bare(places[1]));
    expect(bare(await port.placeOf(where, 1501n))).toEqual(bare(place(2, 1500n, 2500, 3000, 2)));
    expect(await port.placeOf(where, 9n)).toBeUndefined();
    expect(await port.placeOf(where, 1502n)).toBeUndefined();
    const found = async (idMs: number, limit = 10): Promise<string[]> =>
      (await port.placesAt(idMs, 100))
        .filter(({ topic }) => topic === where.topic)
        .slice(0, limit)
        .map((one) => `${one.partition}/${one.index}`);
    expect(await found(1950)).toEqual(['4/0', '3/0', '3/1']);
    expect(await port.placesAt(1950, 2)).toHaveLength(2);
    expect(bare((await port.placesAt(2001, 1)).map(({ topic: _, partition: __, ...one }) => one)[0])).toEqual(bare(places[1]));
    expect(await found(0)).toEqual(['4/0']);
    expect(await found(2700)).toEqual(['3/1', '3/2']);
    expect(await found(3001)).toEqual([]);
  });

  test('what a proof takes is found at once: the tile of the leaf, those above it, the right edge of what is signed', async () => {
    const { port } = subject();
    const where = at();
    await port.claim(where, 1n);
    expect(await port.evidence(where, { offset: 0n })).toEqual({ place: undefined, checkpoint: undefined, tiles: [] });
    const leaves = Array.from({ length: 258 }, (_, index) => tile(0, index, index < 257 ? 256 : 9));
    const tiles = [...leaves, tile(1, 0, 256), tile(1, 1, 1), tile(2, 0, 1)];
    const places = leaves.map(({ index, width }) => place(index, BigInt(index * 300), 1, 2, width));
    await port.grow([growth(where, 0, 257 * 256 + 9, { tiles, places, lastOffset: 77_200n })]);
    const names = (found: readonly LedgerTile[]): readonly string[] => found.map(({ level, index }) => `${level}/${index}`).toSorted();
    const unsigned = await port.evidence(where, { index: 7 });
    expect([unsigned.place, unsigned.checkpoint, names(unsigned.tiles)]).toEqual([{ index: 7, firstOffset: 2100n }, undefined, ['0/7', '1/0', '2/0']]);
    const signed = { ...where, size: 257 * 256 + 3, note: 'signed\n' };
    await port.keep([{ ...signed, size: 9 }, signed]);
    const found = await port.evidence(where, { offset: 2399n });
    expect(found).toMatchObject({ place: { index: 7, firstOffset: 2100n }, checkpoint: signed });
    expect(names(found.tiles)).toEqual(['0/257', '0/7', '1/0', '1/1', '2/0']);
    expect(found.tiles.map(plain)).toContainEqual(plain(tile(0, 257, 9)));
    expect(names((await port.evidence(where, { index: 257 })).tiles)).toEqual(['0/257', '1/1', '2/0']);
    expect((await port.evidence(where, { offset: 77_201n })).place).toBeUndefined();
    expect((await port.evidence(where, { index: 258 })).place).toBeUndefined();
  });
}

function keeping(subject: () => Subject<LedgerStore>): void {
  test('the largest checkpoint counts, and one with more signatures takes its place', async () => {
    const { port } = subject();
    const where = at();
    expect(await port.checkpoint(where)).toBeUndefined();
    await port.keep([
      { ...where, size: 7, note: 'seven\n' },
      { ...where, size: 9, note: 'nine\n' },
    ]);
    await port.keep([{ ...where, size: 7, note: 'seven, cosigned\n' }]);
    expect(await port.checkpoint(where)).toEqual({ ...where, size: 9, note: 'nine\n' });
    expect(await port.checkpoints(where, 10)).toEqual([
      { ...where, size: 9, note: 'nine\n' },
      { ...where, size: 7, note: 'seven, cosigned\n' },
    ]);
    expect(await port.checkpoints(where, 1)).toHaveLength(1);
    await port.keep([]);
  });
}

function knowing(subject: () => Subject<LedgerStore>): void {
  test('keys are counted, one more for one of those who ask at once', async () => {
    const { port } = subject();
    const count = await port.keyCount();
    const added = await Promise.all([port.addKey(count), port.addKey(count), port.addKey(count)]);
    expect(added.filter(Boolean)).toHaveLength(1);
    expect(await port.keyCount()).toBe(count + 1);
    expect(await port.addKey(count)).toBe(false);
  });

  test('the list of the most keys counts', async () => {
    const { port } = subject();
    const count = await port.keyCount();
    await port.keepKeyList(count, 'list\n');
    expect(await port.keyList()).toBe('list\n');
    expect(await port.addKey(count)).toBe(true);
    expect(await port.keyList()).toBe('list\n');
    await port.keepKeyList(count + 1, 'longer\n');
    await port.keepKeyList(count, 'list again\n');
    expect(await port.keyList()).toBe('longer\n');
  });

  test('the list of the trees with the most records counts', async () => {
    const { port } = subject();
    const records = 2 + Number.parseInt((await port.treeList()) ?? '0', 10);
    await port.keepTreeList(records, `${records} first\n`);
    await port.keepTreeList(records, `${records} again\n`);
    await port.keepTreeList(records - 1, 'older\n');
    expect(await port.treeList()).toBe(`${records} again\n`);
  });

  test('of a witness the first key counts', async () => {
    const { port } = subject();
    const edgeId = freshName('edge');
    expect(await port.meet({ edgeId, verifierKey: 'one' })).toEqual({ edgeId, verifierKey: 'one' });
    expect(await port.meet({ edgeId, verifierKey: 'two' })).toEqual({ edgeId, verifierKey: 'one' });
    expect(await port.witnesses()).toContainEqual({ edgeId, verifierKey: 'one' });
    expect(await port.replaceWitness({ edgeId, verifierKey: 'never said' }, 'two')).toEqual({ edgeId, verifierKey: 'one' });
    expect(await port.replaceWitness({ edgeId, verifierKey: 'one' }, 'two')).toEqual({ edgeId, verifierKey: 'two' });
    expect(await port.meet({ edgeId, verifierKey: 'one' })).toEqual({ edgeId, verifierKey: 'two' });
  });
}
