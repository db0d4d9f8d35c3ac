import { beforeEach, describe, expect, test } from '@jest/globals';
import { publicationDaysMin, type PublicationEntry, type PublicationStore } from '../publication-store.port.ts';
import { useSubject, type SubjectFactory } from './subject.ts';

/** Days as the adapter's own clock counts them. */
const today = Math.floor(Date.now() / 86_400_000);
let keys = 0;

function entry(day = today, digest = 7n): PublicationEntry {
  return { day, key: `01926f4e-7d3a-7000-8000-${(++keys).toString(16).padStart(12, '0')}`, digest };
}

const heads = [0n, 5n, 9_007_199_254_740_993n];
const position = (offset: bigint) => ({ partition: 2, offset });

/** What every publication store promises. */
export function publicationStoreConformance(name: string, factory: SubjectFactory<PublicationStore>): void {
  describe(`${name} is a publication store`, () => {
    const subject = useSubject(factory);
    let store: PublicationStore;
    beforeEach(() => {
      store = subject().port;
    });
    const reserve = (entries: readonly PublicationEntry[], epoch = 1n, topic = 'content') =>
      store.reserve({ producer: 'intake/1', epoch, batches: [{ topic, heads, entries }] });

    takingCases(() => store, reserve);
    freeingCases(() => store, reserve);

    test('an unsettled batch says whose it is, and where a search for it begins', async () => {
      const { ids } = await reserve([entry(), entry(0)], 41n);
      const expected = { id: ids[0], topic: 'content', producer: 'intake/1', epoch: 41n, heads, positions: undefined };
      expect(await store.batches(ids)).toEqual([expect.objectContaining(expected)]);
      expect(await store.unsettled(0, 10_000)).toContainEqual(expect.objectContaining(expected));
      expect(await store.unsettled(3_600_000, 10_000)).toEqual([]);
      await store.settle(ids[0] as bigint, [undefined, undefined]);
      expect((await store.unsettled(0, 10_000)).map(({ id }) => id)).not.toContain(ids[0]);
    });

    test('forgets days as they pass, and nothing that has to be remembered', async () => {
      const [old, young, timeless] = [entry(today - publicationDaysMin - 2), entry(today - publicationDaysMin), entry(0)];
      await reserve([old, young, timeless]);
      await store.forget(today);
      const { known } = await reserve([old, young, timeless]);
      expect(known.map(({ entryIndex }) => entryIndex).sort()).toEqual([1, 2]);
      const { ids } = await reserve([entry(0)]);
      await store.forget(200_000);
      expect(await store.batches(ids)).toEqual([]);
      expect((await reserve([timeless])).known).toEqual([]);
    });
  });
}

type Reserve = (entries: readonly PublicationEntry[], epoch?: bigint, topic?: string) => ReturnType<PublicationStore['reserve']>;

function takingCases(store: () => PublicationStore, reserve: Reserve): void {
  test('an id is taken once, however often and under whatever content it comes', async () => {
    const [a, b] = [entry(), entry(0, -(2n ** 63n))];
    const first = await reserve([a, b]);
    expect(first.known).toEqual([]);
    const second = await reserve([entry(), { ...b, digest: 8n }, a]);
    expect(second.known.toSorted((x, y) => x.entryIndex - y.entryIndex)).toEqual([
      { batchIndex: 0, entryIndex: 1, batch: first.ids[0], place: 1, digest: -(2n ** 63n) },
      { batchIndex: 0, entryIndex: 2, batch: first.ids[0], place: 0, digest: 7n },
    ]);
  });

  test('batches of several topics in one reservation', async () => {
    const [a, b, c] = [entry(), entry(), entry()];
    const { ids } = await store().reserve({
      producer: 'intake/1',
      epoch: 1n,
      batches: [
        { topic: 'content', heads, entries: [a] },
        { topic: 'playback', heads: [1n], entries: [b, c] },
      ],
    });
    expect(new Set(ids).size).toBe(2);
    expect((await store().batches(ids)).map(({ topic }) => topic).sort()).toEqual(['content', 'playback']);
    expect((await reserve([c])).known).toEqual([{ batchIndex: 0, entryIndex: 0, batch: ids[1], place: 1, digest: 7n }]);
    expect(await store().entries(ids[1] as bigint)).toEqual([
      { place: 0, key: b.key },
      { place: 1, key: c.key },
    ]);
  });

  test('of many who want the same ids at once, each id goes to one', async () => {
    const wanted = Array.from({ length: 50 }, () => entry());
    const answers = await Promise.all(Array.from({ length: 6 }, (_, at) => reserve(at % 2 === 0 ? wanted : wanted.toReversed())));
    const got = answers.map(({ known }) => wanted.length - known.length);
    expect(got.reduce((sum, count) => sum + count)).toBe(wanted.length);
  });
}

function freeingCases(store: () => PublicationStore, reserve: Reserve): void {
  test('is settled once; positions are remembered', async () => {
    const wanted = [entry(), entry()];
    const { ids } = await reserve(wanted);
    const positions = [position(0n), position(2n ** 50n)];
    expect(await store().settle(ids[0] as bigint, positions)).toBe(true);
    expect(await store().settle(ids[0] as bigint, [undefined, undefined])).toBe(false);
    expect((await store().batches(ids))[0]?.positions).toEqual(positions);
    expect((await reserve(wanted)).known).toHaveLength(2);
  });

  test('what a settled batch has not written is free again, and then somebody else’s', async () => {
    const [a, b] = [entry(), entry(0)];
    const first = await reserve([a, b]);
    await store().settle(first.ids[0] as bigint, [position(1n), undefined]);
    const second = await reserve([{ ...b, digest: 9n }, a]);
    expect(second.known).toEqual([{ batchIndex: 0, entryIndex: 1, batch: first.ids[0], place: 0, digest: 7n }]);
    expect(await store().entries(first.ids[0] as bigint)).toEqual([{ place: 0, key: a.key }]);
    expect((await reserve([b])).known).toEqual([{ batchIndex: 0, entryIndex: 0, batch: second.ids[0], place: 0, digest: 9n }]);
  });

  test('of many who want what is free again, one gets it', async () => {
    const wanted = entry();
    const { ids } = await reserve([wanted]);
    await store().settle(ids[0] as bigint, [undefined]);
    const answers = await Promise.all(Array.from({ length: 6 }, () => reserve([wanted])));
    expect(answers.filter(({ known }) => known.length === 0)).toHaveLength(1);
  });
}
