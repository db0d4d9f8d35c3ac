import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { partitionOf } from '#kernel';
import { recordBytes } from '../../record-size.ts';
import { operatingError } from '../subject.ts';
import { atOnce, keys, partitions, readAll, record, run, valuesOf, type LogFixture } from './fixture.ts';

const home = partitionOf('k', partitions);

export function readCases(fixture: () => LogFixture): void {
  describe('read', () => {
    test('stops at the number of records and says where to go on', async () => {
      const { log, topic } = fixture();
      const name = await topic();
      await log.append(name, run(10));
      const batch = await log.read(name, home, 0n, { ...atOnce, recordsMax: 4 });
      const first = batch.records.map(({ value }) => value);
      expect(first).toEqual(['k-0', 'k-1', 'k-2', 'k-3'].slice(0, Math.max(1, first.length)));
      const { high } = (await log.heads(name))[home] as { high: bigint };
      expect(batch.high).toBe(high);
      const rest = await readAll(log, name, home, { ...atOnce, recordsMax: 3 });
      expect(rest.map(({ value }) => value)).toEqual(run(10).map(({ value }) => value));
      expect((await log.read(name, home, batch.next, atOnce)).records[0]?.value).toBe(`k-${first.length}`);
    });

    test('stops before the bytes are exceeded, but returns one record whatever its size', async () => {
      const { log, topic } = fixture();
      const name = await topic();
      const big = record('k', 'x'.repeat(10_000));
      await log.append(name, [big, ...run(5), big]);
      expect((await log.read(name, home, 0n, { ...atOnce, bytesMax: 1 })).records).toHaveLength(1);
      const limit = recordBytes(big) + recordBytes(run(1)[0] as never) * 2;
      const { records } = await log.read(name, home, 0n, { ...atOnce, bytesMax: limit });
      expect(records.length).toBeGreaterThanOrEqual(1);
      expect(records.length).toBeLessThanOrEqual(3);
      expect((await readAll(log, name, home, { ...atOnce, bytesMax: 1 })).map(({ value }) => value.length)).toEqual([10_000, 3, 3, 3, 3, 3, 10_000]);
    });

    test('of many partitions at once, without waiting, is empty at the end alone, however much the others hold', async () => {
      const { log, topic } = fixture();
      const name = await topic();
      // Each record is more than an engine asks of a partition in one go, and does not shrink when it is compressed.
      const noise = randomBytes(600_000).toString('base64');
      for (const key of keys) for (const value of ['0', '1']) await log.append(name, [record(key, `${value}/${noise}`)]);
      await log.append(name, run(1, keys[0]));
      const heads = await log.heads(name);
      const readers = [0, 1, 2].flatMap(() => heads);
      const found = await Promise.all(
        readers.map(async ({ partition, low, high }) => {
          const values: string[] = [];
          for (let from = low; ;) {
            const { records, next } = await log.read(name, partition, from, atOnce);
            values.push(...records.map(({ value }) => value.split('/', 1)[0] as string));
            if (next === from) return { values, end: next === high };
            from = next;
          }
        }),
      );
      const filled = ['0', '1'];
      expect(found).toEqual(readers.map(({ partition }) => ({ values: partition === 0 ? [...filled, `${keys[0]}-0`] : filled, end: true })));
    });

    test('at the end is empty, beyond it or before 0 an error', async () => {
      const { log, topic } = fixture();
      const name = await topic();
      await log.append(name, run(2));
      const { high } = (await log.heads(name))[home] as { high: bigint };
      expect(await log.read(name, home, high, atOnce)).toEqual({ records: [], next: high, high });
      await expect(log.read(name, home, high + 1n, { ...atOnce, waitMs: 60_000 })).rejects.toEqual(operatingError('OFFSET_OUT_OF_RANGE'));
      await expect(log.read(name, home, -1n, atOnce)).rejects.toEqual(operatingError('OFFSET_OUT_OF_RANGE'));
      await expect(log.read(name, home, 2n ** 80n, atOnce)).rejects.toEqual(operatingError('OFFSET_OUT_OF_RANGE'));
    });
  });
}

export function headCases(fixture: () => LogFixture): void {
  describe('heads, times and truncation', () => {
    test('heads begin at 0 and follow the records', async () => {
      const { log, topic } = fixture();
      const name = await topic();
      expect(await log.heads(name)).toEqual(Array.from({ length: partitions }, (_, partition) => ({ partition, low: 0n, high: 0n })));
      const positions = await log.append(name, run(3));
      const head = (await log.heads(name))[home];
      expect(head).toEqual({ partition: home, low: 0n, high: expect.any(BigInt) });
      expect(head?.high).toBeGreaterThan(positions[2]?.offset ?? 0n);
    });

    test('the first offset at or after a time', async () => {
      const { log, topic, subject } = fixture();
      const name = await topic();
      expect(await log.offsetAt(name, home, 0)).toBe(0n);
      const offsets: bigint[] = [];
      for (let n = 0; n < 6; n++) {
        for (const { offset } of await log.append(name, run(2))) offsets.push(offset);
        await subject.elapse(5);
      }
      const stored = await readAll(log, name, home);
      for (const { recordedAt } of stored) {
        const first = stored.find((one) => one.recordedAt >= recordedAt);
        expect(await log.offsetAt(name, home, recordedAt)).toBe(first?.offset);
        const after = stored.find((one) => one.recordedAt > recordedAt);
        expect(await log.offsetAt(name, home, recordedAt + 1)).toBe(after?.offset ?? (await log.heads(name))[home]?.high);
      }
      expect(await log.offsetAt(name, home, 0)).toBe(offsets[0]);
    });

    test('truncation forgets what is before and keeps all offsets', async () => {
      const { log, topic, subject } = fixture();
      const name = await topic();
      for (let n = 0; n < 10; n++) {
        await log.append(name, run(1, 'k', n));
        await subject.elapse(1);
      }
      const before = await readAll(log, name, home);
      const cut = before[6]?.offset as bigint;
      await log.truncate(name, home, cut);
      expect((await log.heads(name))[home]?.low).toBe(cut);
      expect(await readAll(log, name, home)).toEqual(before.slice(6));
      expect(await log.offsetAt(name, home, 0)).toBe(cut);
      await expect(log.read(name, home, cut - 1n, atOnce)).rejects.toEqual(operatingError('OFFSET_OUT_OF_RANGE'));
      await expect(log.read(name, home, 0n, { ...atOnce, waitMs: 60_000 })).rejects.toEqual(operatingError('OFFSET_OUT_OF_RANGE'));
      await log.truncate(name, home, before[2]?.offset as bigint);
      expect((await log.heads(name))[home]?.low).toBe(cut);
    });

    test('truncation to the very end, after which the log goes on', async () => {
      const { log, topic } = fixture();
      const name = await topic();
      const producer = { id: 'p', epoch: 1n, sequence: 0n };
      const first = await log.append(name, run(4), { producer });
      const { high } = (await log.heads(name))[home] as { high: bigint };
      await expect(log.truncate(name, home, high + 1n)).rejects.toEqual(operatingError('OFFSET_OUT_OF_RANGE'));
      await log.truncate(name, home, high);
      expect((await log.heads(name))[home]).toEqual({ partition: home, low: high, high });
      expect(await log.offsetAt(name, home, 0)).toBe(high);
      expect(await log.append(name, run(4), { producer })).toEqual(first);
      const [position] = await log.append(name, run(1, 'k', 4), { producer: { ...producer, sequence: 4n } });
      expect(position?.offset).toBeGreaterThanOrEqual(high);
      expect(await valuesOf(log, name)).toEqual(['k-4']);
    });
  });
}
