import { describe, expect, test } from '@jest/globals';
import { keyText, lastKeyText } from '#kernel';
import type { PastBlock, PastModel, PastPiece, PastStore } from '../past-store.port.ts';
import { freshName, useSubject, type Subject, type SubjectFactory } from './subject.ts';

type PastSubject = () => Subject<PastStore>;

const at = { topic: 'stream', partition: 3 };

function model(): PastModel {
  return { log: freshName('log'), projection: 'streams', version: 2 };
}

function piece(first: number, next: number, lacks: readonly number[] = []): PastPiece {
  return { ...at, first: BigInt(first), next: BigInt(next), lastRecordedAtMs: next, lacks: lacks.map(BigInt) };
}

async function* of(...blocks: PastBlock[]): AsyncIterable<readonly PastBlock[]> {
  yield blocks;
}

function block(firstKey: string, lastKey: string, text = firstKey, table = 'stream'): PastBlock {
  return { table, firstKey, lastKey, rows: 2, bytes: Buffer.from(text) };
}

async function chain(store: PastStore, of: PastModel, before: number): Promise<readonly string[]> {
  const [found = []] = await store.chains(of, [{ ...at, before: BigInt(before) }]);
  return found.map(({ first, next }) => `${first}-${next}`);
}

/** What every store of the past promises. */
export function pastStoreConformance(name: string, factory: SubjectFactory<PastStore>): void {
  describe(`${name} keeps the past`, () => {
    const subject = useSubject(factory);
    chains(subject);
    ranges(subject);
    forgetting(subject);
  });
}

function chains(subject: PastSubject): void {
  test('a chain takes the largest pieces that end before the offset', async () => {
    const store = subject().port;
    const mine = model();
    expect(await chain(store, mine, 100)).toEqual([]);
    for (const [first, next] of [
      [5, 10],
      [10, 20],
      [20, 30],
      [5, 30],
      [30, 40],
    ] as const)
      expect(await store.add(mine, piece(first, next), of())).toBe(true);
    expect(await chain(store, mine, 9)).toEqual([]);
    expect(await chain(store, mine, 29)).toEqual(['5-10', '10-20']);
    expect(await chain(store, mine, 30)).toEqual(['5-30']);
    expect(await chain(store, mine, 1000)).toEqual(['5-30', '30-40']);
    const several = await store.chains(mine, [
      { ...at, before: 25n },
      { topic: 'stream', partition: 4, before: 25n },
      { ...at, before: 40n },
    ]);
    expect(several.map((pieces) => pieces.map(({ next }) => next))).toEqual([[10n, 20n], [], [30n, 40n]]);
    expect(several[2]?.[0]).toMatchObject({ ...at, first: 5n, lastRecordedAtMs: 30 });
  });

  test('a piece is kept once, and only where it joins those that are there', async () => {
    const store = subject().port;
    const mine = model();
    expect(await store.add(mine, piece(0, 10), of(block('a', 'b')))).toBe(true);
    expect(await store.add(mine, piece(0, 10), of(block('a', 'c')))).toBe(false);
    expect(await store.add(mine, piece(12, 20), of())).toBe(false);
    expect(await store.add({ ...mine, version: 3 }, piece(12, 20), of())).toBe(true);
    expect(await chain(store, mine, 100)).toEqual(['0-10']);
    expect(await store.size(mine)).toMatchObject({ pieces: 1, blocks: 1 });
  });

  test('a piece whose blocks could not be made is not kept', async () => {
    const store = subject().port;
    const mine = model();
    async function* broken(): AsyncIterable<readonly PastBlock[]> {
      yield [block('a', 'b')];
      throw new Error('the log went away');
    }
    await expect(store.add(mine, piece(0, 10), broken())).rejects.toThrow();
    expect(await chain(store, mine, 100)).toEqual([]);
    expect(await store.add(mine, piece(0, 10), of(block('a', 'b')))).toBe(true);
  });
}

function ranges(subject: PastSubject): void {
  test('blocks of a range, by piece and key', async () => {
    const store = subject().port;
    const mine = model();
    const [a, c, e, g] = ['a', 'c', 'e', 'g'].map((id) => keyText([id])) as [string, string, string, string];
    await store.add(mine, piece(0, 10), of(block(a, a, 'one'), block(c, e, 'two'), block(g, g, 'three'), block(a, g, 'other', 'segment')));
    await store.add(mine, piece(10, 20), of(block(a, g, 'four')));
    const [pieces = []] = await store.chains(mine, [{ ...at, before: 20n }]);
    const ids = pieces.map(({ id }) => id);
    const read = async (from: string, to: string, blocksMax?: number): Promise<readonly string[]> => {
      const found = await store.blocks(ids, { table: 'stream', from, to, ...(blocksMax === undefined ? {} : { blocksMax }) });
      return found.map(({ piece: id, bytes }) => `${ids.indexOf(id)}:${Buffer.from(bytes).toString()}`);
    };
    expect(await read('', lastKeyText)).toEqual(['0:one', '0:two', '0:three', '1:four']);
    expect(await read(keyText(['d']), keyText(['d']))).toEqual(['0:two', '1:four']);
    expect(await read(keyText(['b']), keyText(['b']))).toEqual(['1:four']);
    expect(await read(e, lastKeyText)).toEqual(['0:two', '0:three', '1:four']);
    expect(await read('', lastKeyText, 1)).toEqual(['0:one', '1:four']);
    expect(await read(keyText(['h']), lastKeyText)).toEqual([]);
  });
}

function forgetting(subject: PastSubject): void {
  test('what is of another log or an older version is forgotten, and pieces behind an offset', async () => {
    const store = subject().port;
    const [mine, other] = [model(), model()];
    const newer = { ...mine, version: mine.version + 1 };
    for (const each of [mine, other, newer]) {
      await store.add(each, piece(0, 10), of(block('a', 'b')));
      await store.add(each, piece(10, 20), of(block('a', 'b')));
    }
    await store.forgetFrom('streams', { ...at, before: 10n }, 0n);
    expect(await chain(store, mine, 100)).toEqual(['0-10']);
    await store.forgetOlder([mine]);
    expect(await chain(store, mine, 100)).toEqual(['0-10']);
    expect(await chain(store, newer, 100)).toEqual(['0-10']);
    expect(await store.size(other)).toEqual({ pieces: 0, blocks: 0, bytes: 0 });
    await store.forgetOlder([newer]);
    expect(await chain(store, mine, 100)).toEqual([]);
    expect(await chain(store, newer, 100)).toEqual(['0-10']);
  });

  test('what the log no longer has is forgotten only where others are kept up to where it begins', async () => {
    const store = subject().port;
    const [mine, other] = [model(), model()];
    // The one has a piece that ends where the log begins, the other has not: all that it has would be lost.
    for (const [first, next] of [
      [0, 10],
      [10, 15],
      [15, 20],
      [0, 20],
      [20, 30],
    ] as const)
      await store.add(mine, piece(first, next), of());
    for (const [first, next] of [
      [0, 10],
      [10, 20],
      [0, 20],
      [20, 30],
    ] as const)
      await store.add(other, piece(first, next), of());
    await store.forgetFrom('streams', { ...at, before: 5n }, 15n);
    expect([await chain(store, mine, 100), await chain(store, other, 100)]).toEqual([['0-10', '10-15'], ['0-20']]);
    expect(await chain(store, other, 15)).toEqual(['0-10']);
  });

  test('a piece of what is gone is told from one of what was nothing', async () => {
    const store = subject().port;
    const mine = model();
    await store.add(mine, { ...piece(0, 10), gone: true }, of());
    await store.add(mine, { ...piece(10, 20), lastRecordedAtMs: null }, of());
    const [found = []] = await store.chains(mine, [{ ...at, before: 100n }]);
    expect(found.map(({ gone, lastRecordedAtMs }) => [gone, lastRecordedAtMs])).toEqual([
      [true, 10],
      [undefined, null],
    ]);
  });

  test('pieces that lack events are found until they are forgotten', async () => {
    const store = subject().port;
    const [mine, other] = [model(), model()];
    await store.add(mine, piece(0, 10, [2, 3]), of(block('a', 'b')));
    await store.add(mine, piece(10, 20), of());
    await store.add(mine, piece(0, 20), of());
    await store.add(mine, piece(20, 30, [29]), of());
    await store.add(other, piece(0, 10, [1]), of());
    await store.add({ ...mine, version: mine.version + 1 }, piece(0, 10, [4]), of());
    const lacking = await store.lacking(mine, '', 10);
    expect(lacking.map(({ topic, partition, first, lacks }) => [topic, partition, first, lacks])).toEqual([
      [at.topic, at.partition, 0n, [2n, 3n]],
      [at.topic, at.partition, 20n, [29n]],
    ]);
    const [first, second] = lacking;
    expect(await store.lacking(mine, '', 1)).toEqual([first]);
    expect(await store.lacking(mine, first?.id ?? '', 10)).toEqual([second]);
    expect(await store.lacking(mine, second?.id ?? '', 10)).toEqual([]);
    await store.forgetFrom('streams', { ...at, before: 29n }, 0n);
    expect(await store.lacking(mine, '', 10)).toEqual([first]);
  });
}
