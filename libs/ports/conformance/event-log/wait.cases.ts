import { describe, expect, test } from '@jest/globals';
import { partitionOf } from '#kernel';
import { operatingError } from '../subject.ts';
import { atOnce, partitions, run, type LogFixture } from './fixture.ts';

const home = partitionOf('k', partitions);
const patient = { ...atOnce, waitMs: 30_000 };

export function waitCases(fixture: () => LogFixture): void {
  describe('waiting', () => {
    test('readers are answered by the append they wait for', async () => {
      const { log, topic } = fixture();
      const name = await topic();
      const waiting = Array.from({ length: 5 }, () => log.read(name, home, 0n, patient));
      await log.append(name, run(1));
      for (const batch of await Promise.all(waiting)) expect(batch.records.map(({ value }) => value)).toEqual(['k-0']);
    });

    test('an append to another partition does not end a wait', async () => {
      const { log, topic } = fixture();
      const name = await topic();
      const stop = new AbortController();
      const waiting = log.read(name, home, 0n, patient, stop.signal);
      const elsewhere = Array.from({ length: 30 }, (_, n) => `other-${n}`).find((key) => partitionOf(key, partitions) !== home) as string;
      await log.append(name, run(1, elsewhere));
      await log.append(name, run(1));
      expect((await waiting).records.map(({ value }) => value)).toEqual(['k-0']);
    });

    test('ends with an empty batch when the time is up', async () => {
      const { log, topic } = fixture();
      expect(await log.read(await topic(), home, 0n, { ...atOnce, waitMs: 20 })).toEqual({ records: [], next: 0n, high: 0n });
    });

    test('ends with an empty batch when it is aborted, before or after it began', async () => {
      const { log, topic } = fixture();
      const name = await topic();
      const stop = new AbortController();
      const waiting = log.read(name, home, 0n, patient, stop.signal);
      stop.abort();
      expect(await waiting).toEqual({ records: [], next: 0n, high: 0n });
      expect((await log.read(name, home, 0n, patient, stop.signal)).records).toEqual([]);
    });
  });
}

export function closingCases(fixture: () => LogFixture): void {
  describe('closing', () => {
    test('ends waits and refuses everything after; twice is once', async () => {
      const subject = await fixture().factory();
      const log = subject.port;
      try {
        await log.ensureTopic('t', partitions);
        const waiting = expect(log.read('t', home, 0n, patient)).rejects.toEqual(operatingError('LOG_CLOSED'));
        const written = log.append('t', run(1));
        await Promise.all([log.close(), log.close()]);
        await waiting;
        await expect(written).resolves.toHaveLength(1);
        const closed = operatingError('LOG_CLOSED');
        await expect(log.ensureTopic('t', partitions)).rejects.toEqual(closed);
        await expect(log.append('t', run(1))).rejects.toEqual(closed);
        await expect(log.read('t', home, 0n, atOnce)).rejects.toEqual(closed);
        await expect(log.heads('t')).rejects.toEqual(closed);
        await expect(log.identity()).rejects.toEqual(closed);
        await expect(log.offsetAt('t', home, 0)).rejects.toEqual(closed);
        await expect(log.truncate('t', home, 0n)).rejects.toEqual(closed);
      } finally {
        await subject.dispose();
      }
    });
  });
}
