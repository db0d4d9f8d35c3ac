import { describe, expect, test } from '@jest/globals';
import type { StoredRecord } from '#events';
import { freshName, operatingError } from '../subject.ts';
import { partitions, readAll, record, run, valuesOf, type LogFixture } from './fixture.ts';

const hourAgo = (): number => Date.now() - 3_600_000;

/** Records as another log held them; one in a partition that its key would not choose. */
function foreign(at: number): StoredRecord[] {
  const place = (partition: number, offset: bigint, recordedAt: number) => ({ partition, offset, recordedAt });
  return [
    { ...record('a', '1'), ...place(0, 90n, at) },
    { ...record('a', '2', { ce_id: 'ü', empty: '' }), ...place(0, 95n, at + 7) },
    { ...record('b', '3'), ...place(2, 4n, at + 1) },
    { ...record('a', '4'), ...place(0, 96n, at + 7) },
  ];
}

export function restoreCases(fixture: () => LogFixture): void {
  describe('restoring records of another log', () => {
    test('keeps partition, order, content and time; offsets are ours', async () => {
      const { log } = fixture();
      const name = freshName('restored');
      const records = foreign(hourAgo());
      await log.restore(name, partitions, async (write) => {
        await write(records.slice(0, 3));
        await write(records.slice(3));
      });
      for (const partition of [0, 2]) {
        const mine = records.filter((one) => one.partition === partition);
        const stored = await readAll(log, name, partition);
        expect(stored.map(({ offset: _, ...rest }) => rest)).toEqual(mine.map(({ offset: _, ...rest }) => rest));
        expect(stored[0]?.offset).toBe(0n);
      }
      expect(await log.offsetAt(name, 0, (records[1] as StoredRecord).recordedAt)).toBe(1n);
    });

    test('goes on where it stopped, and then the log goes on with times of its own', async () => {
      const { log } = fixture();
      const name = freshName('restored');
      const at = hourAgo();
      const broken = log.restore(name, partitions, async (write) => {
        await write(foreign(at).slice(0, 1));
        throw new Error('the copy broke off');
      });
      await expect(broken).rejects.toThrow('the copy broke off');
      await log.restore(name, partitions, (write) => write(foreign(at).slice(1)));
      const [position] = await log.append(name, run(1, 'k'));
      const stored = await readAll(log, name, position?.partition ?? -1);
      expect(stored.at(-1)).toMatchObject({ value: 'k-0', offset: position?.offset });
      expect((await readAll(log, name, 0)).slice(0, 3).map(({ value }) => value)).toEqual(['1', '2', '4']);
    });

    test('forgets where producers were: they went on in the other log, and go on here from there', async () => {
      const { log, topic } = fixture();
      const name = await topic();
      const producer = (sequence: bigint) => ({ producer: { id: 'outbox', epoch: 7n, sequence } });
      await log.append(name, run(3), producer(1n));
      await expect(log.append(name, run(2, 'k', 9), producer(10n))).rejects.toEqual(operatingError('SEQUENCE_GAP'));
      await log.restore(name, partitions, (write) => write(foreign(hourAgo())));
      const first = await log.append(name, run(2, 'k', 9), producer(10n));
      expect(await log.append(name, run(2, 'k', 9), producer(10n))).toEqual(first);
      expect((await log.append(name, run(1, 'k', 11), producer(12n)))[0]?.offset).toBeGreaterThan(first[1]?.offset ?? 0n);
      expect((await valuesOf(log, name)).filter((value) => value.startsWith('k-'))).toEqual(['k-0', 'k-1', 'k-2', 'k-9', 'k-10', 'k-11']);
      await expect(log.append(name, run(1), producer(20n))).rejects.toEqual(operatingError('SEQUENCE_GAP'));
    });

    test('takes over the versions of subjects, and forgets those that the other log does not know', async () => {
      const { log, topic } = fixture();
      const [there, here] = [await topic(), await topic()];
      const expecting = (subject: string, version: bigint) => ({ expected: { subject, version } });
      await log.append(there, run(3), expecting('a/b', 0n));
      await log.append(there, run(2), expecting('a/b', 3n));
      await log.append(there, run(1), expecting('ü', 0n));
      await log.append(here, run(4), expecting('gone', 0n));
      await log.append(here, run(7), expecting('a/b', 0n));
      const versions = await log.subjects(there);
      expect(versions.toSorted((one, other) => Number(other.version - one.version))).toEqual([
        { subject: 'a/b', version: 5n },
        { subject: 'ü', version: 1n },
      ]);
      for (let times = 0; times < 2; times++) await log.restoreSubjects(here, versions);
      expect(await log.subjects(here)).toHaveLength(2);
      await expect(log.append(here, run(1), expecting('a/b', 7n))).rejects.toEqual(operatingError('VERSION_CONFLICT'));
      await log.append(here, run(1), expecting('a/b', 5n));
      await log.append(here, run(1), expecting('ü', 1n));
      await log.append(here, run(1), expecting('gone', 0n));
      await expect(log.append(here, run(1), expecting('ü', 1n))).rejects.toEqual(operatingError('VERSION_CONFLICT'));
      await expect(log.subjects(freshName('nobody'))).rejects.toEqual(operatingError('TOPIC_UNKNOWN'));
    });

    test('into a topic of other partitions is refused', async () => {
      const { log, topic } = fixture();
      const name = await topic();
      await expect(log.restore(name, partitions + 1, async () => {})).rejects.toEqual(operatingError('TOPIC_MISMATCH'));
      await expect(
        log.restore(name, partitions, (write) => write([{ ...record('a', '1'), partition: partitions, offset: 0n, recordedAt: 1 }])),
      ).rejects.toEqual(operatingError('TOPIC_UNKNOWN'));
    });
  });
}
