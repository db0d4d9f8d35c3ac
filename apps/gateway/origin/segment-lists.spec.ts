import { beforeEach, expect, test } from '@jest/globals';
import { segmentTable, thumbnailTable } from '#domain/stream';
import type { RowChange, TableSpec } from '#kernel';
import { ReadStore, rowsFor, type ReadQuery, type ReadRow, type ReadSnapshot } from '#ports';
import { StreamExtras } from '../streams/stream-extras.ts';
import { SegmentLists, type SegmentList } from './segment-lists.ts';

/** Rows that change under the reader; counts what is asked and answered. */
class Rows extends ReadStore {
  rows: RowChange[] = [];
  answered = 0;
  asked = 0;
  fails = false;

  override select(table: TableSpec, query: ReadQuery): Promise<readonly ReadRow[]> {
    if (this.fails) return Promise.reject(new Error('away'));
    const rows = rowsFor(table, query, this.rows);
    this.asked += 1;
    this.answered += rows.length;
    return Promise.resolve(rows);
  }

  override snapshot(): Promise<ReadSnapshot> {
    throw new Error('nobody asks for one');
  }

  addImages(from: number, to: number, cid = 'c'): void {
    for (let at = from; at < to; at++) {
      const times = { start_us: BigInt(at) * 10_000_000n, duration_us: 10_000_000n, program_date_time_ms: 1n };
      this.rows = this.rows.filter(({ key }) => key['media_sequence'] !== at * 5 || key['rendition'] !== undefined);
      const set = { cid: `${cid}${at}`, size_bytes: 9n, ...times, columns: 5, rows: 1, width: 160, height: 90 };
      this.rows.push({ table: thumbnailTable.name, key: { stream_id: 'st', media_sequence: at * 5 }, set });
    }
  }

  add(from: number, to: number, change: Partial<RowChange['set']> = {}, rendition = '720p'): void {
    for (let mediaSequence = from; mediaSequence < to; mediaSequence++) {
      const set = {
        ...{ cid: `c${mediaSequence}`, init_cid: 'i', size_bytes: 1n, duration_us: 2_000_000n, start_us: BigInt(mediaSequence) * 2_000_000n },
        ...{ program_date_time_ms: 1n, discontinuity: false, timescale: 90_000, codecs: 'avc1.64001f', key_frames: [], ...change },
      };
      this.rows = [...this.rows.filter(({ key }) => key['rendition'] !== rendition || key['media_sequence'] !== mediaSequence)];
      this.rows.push({ table: segmentTable.name, key: { stream_id: 'st', rendition, media_sequence: mediaSequence }, set });
    }
  }
}

let reads: Rows;
let lists: SegmentLists;
const want = (last: number, fromUs = 0, rendition = '720p'): Promise<SegmentList> => lists.list({ streamId: 'st', rendition, fromUs, last });
const numbers = ({ segments }: Pick<SegmentList, 'segments'>): number[] => segments.map(({ mediaSequence }) => mediaSequence);
const beginnings = ({ beginnings: segments }: SegmentList): number[] => numbers({ segments });

beforeEach(() => {
  reads = new Rows();
  lists = new SegmentLists(reads, { segmentsMax: 500 });
});

test('what is known is not read again: a new segment costs a handful of rows, and no segment costs none', async () => {
  reads.add(0, 400);
  expect(numbers(await want(399))).toHaveLength(400);
  reads.answered = 0;
  reads.add(400, 401);
  expect(numbers(await want(400)).at(-1)).toBe(400);
  expect(reads.answered).toBe(9);
  reads.asked = 0;
  await want(400);
  expect(reads.asked).toBe(0);
});

test('what a successor replaced is seen, and a break that came with it', async () => {
  reads.add(0, 20);
  await want(19);
  reads.add(18, 20, { cid: 'new', discontinuity: true });
  reads.add(20, 21);
  const list = await want(20);
  expect(list.segments.slice(-4).map(({ cid }) => cid)).toEqual(['c17', 'new', 'new', 'c20']);
  expect(beginnings(list)).toEqual([0, 18, 19]);
});

test('what is older than the window is let go, its breaks are still counted, and read again when somebody wants all', async () => {
  reads.add(0, 100);
  reads.add(3, 4, { discontinuity: true });
  await want(99);
  reads.add(100, 101);
  const held = await want(100, 100_000_000);
  expect([numbers(held)[0], beginnings(held)]).toEqual([35, [0, 3]]);
  expect(numbers(await want(100, 0))).toHaveLength(101);
});

test('a row that comes later than that of another rendition is waited for', async () => {
  reads.add(0, 5);
  expect(numbers(await want(5))).toEqual([0, 1, 2, 3, 4]);
  reads.add(5, 6);
  expect(numbers(await want(5))).toEqual([0, 1, 2, 3, 4, 5]);
});

test('readers at once are answered from one reading', async () => {
  reads.add(0, 100);
  const found = await Promise.all(Array.from({ length: 10 }, () => want(99)));
  expect(found.map((one) => one.segments.length)).toEqual(Array.from({ length: 10 }, () => 100));
  expect(reads.asked).toBe(3);
});

test('a rendition of which there is nothing yet begins with what comes', async () => {
  expect(await want(3)).toEqual({ segments: [], beginnings: [] });
  reads.add(3, 6);
  expect(beginnings(await want(5))).toEqual([3]);
  reads.add(6, 7);
  expect(beginnings(await want(6))).toEqual([3]);
});

test('the memory is bounded: what was not asked for the longest is forgotten', async () => {
  for (const rendition of ['a', 'b', 'c']) {
    reads.add(0, 200, {}, rendition);
    await want(199, 0, rendition);
  }
  expect(lists.size).toBe(400);
  reads.asked = 0;
  await want(199, 0, 'b');
  expect(reads.asked).toBe(0);
  await want(199, 0, 'a');
  expect([reads.asked, lists.size]).toEqual([3, 400]);
});

test('a failure is told to whoever asked, and the next one reads anew', async () => {
  reads.add(0, 3);
  const select = reads.select.bind(reads);
  reads.select = () => Promise.reject(new Error('away'));
  await expect(want(2)).rejects.toThrow('away');
  reads.select = select;
  expect(numbers(await want(2))).toEqual([0, 1, 2]);
});

test('small pictures are read once a second at most, and then those that are new; all of them for whoever goes back', async () => {
  let nowMs = 0;
  const extras = new StreamExtras(reads, () => nowMs);
  const images = async (fromUs: number): Promise<string[]> => (await extras.images('st', fromUs)).map(({ cid }) => cid);
  reads.addImages(0, 100);
  expect((await images(905_000_000)).slice(0, 2)).toEqual(['c90', 'c91']);
  reads.addImages(99, 101, 'new');
  reads.asked = 0;
  nowMs = 999;
  expect((await images(910_000_000)).at(-1)).toBe('c99');
  expect(reads.asked).toBe(0);
  nowMs = 1001;
  reads.answered = 0;
  expect((await images(915_000_000)).slice(-3)).toEqual(['c98', 'new99', 'new100']);
  expect(reads.answered).toBe(2);
  expect(await images(0)).toHaveLength(101);
});

test('small pictures that could not be read are read anew', async () => {
  const extras = new StreamExtras(reads, () => 0);
  reads.fails = true;
  await expect(extras.images('st', 0)).rejects.toThrow('away');
  reads.fails = false;
  reads.addImages(0, 3);
  expect(await extras.images('st', 0)).toHaveLength(3);
});
