import { describe, expect, test } from '@jest/globals';
import { operatingError } from '../subject.ts';
import { keys, record, run, valuesOf, type LogFixture } from './fixture.ts';

const as = (sequence: bigint, epoch = 1n, id = 'media:st-1') => ({ producer: { id, epoch, sequence } });
const begins = (sequence: bigint, epoch: bigint) => ({ producer: { id: 'media:st-1', epoch, sequence, begins: true as const } });
/** One record per partition. */
const spread = keys.map((key) => record(key, key));

export function producerCases(fixture: () => LogFixture): void {
  describe('idempotent producers', () => {
    test('a repetition writes nothing and answers the first positions', async () => {
      const { log, topic } = fixture();
      const name = await topic();
      const first = await log.append(name, spread, as(100n));
      await log.append(name, run(1), as(104n));
      expect(await log.append(name, spread, as(100n))).toEqual(first);
      expect((await valuesOf(log, name)).sort()).toEqual([...keys, 'k-0'].sort());
    });

    test('a repetition may be cut otherwise, and go on with what is new', async () => {
      const { log, topic } = fixture();
      const name = await topic();
      const all = run(9);
      const one = await log.append(name, all.slice(0, 3), as(0n));
      const two = await log.append(name, all.slice(3, 5), as(3n));
      expect(await log.append(name, all.slice(1, 4), as(1n))).toEqual([...one.slice(1), ...two.slice(0, 1)]);
      const again = await log.append(name, all.slice(2), as(2n));
      expect(again.slice(0, 3)).toEqual([one[2], ...two]);
      expect(await valuesOf(log, name)).toEqual(all.map(({ value }) => value));
      expect(await log.append(name, all, as(0n))).toEqual([...one.slice(0, 2), ...again]);
    });

    test('the same append sent many times at once is written once', async () => {
      const { log, topic } = fixture();
      const name = await topic();
      const answers = await Promise.all(Array.from({ length: 10 }, () => log.append(name, spread, as(0n))));
      for (const answer of answers) expect(answer).toEqual(answers[0]);
      expect(await valuesOf(log, name)).toHaveLength(spread.length);
    });

    test('appends sent one after the other without waiting are no gap', async () => {
      const { log, topic } = fixture();
      const name = await topic();
      await Promise.all(run(20).map((one, at) => log.append(name, [one], as(BigInt(at)))));
      expect(await valuesOf(log, name)).toEqual(run(20).map(({ value }) => value));
    });

    test('a gap is refused, and does not stand in the way of what is due', async () => {
      const { log, topic } = fixture();
      const name = await topic();
      await log.append(name, run(2), as(5n));
      await expect(log.append(name, spread, as(8n))).rejects.toEqual(operatingError('SEQUENCE_GAP'));
      await expect(log.append(name, spread, as(4n))).rejects.toEqual(operatingError('SEQUENCE_GAP'));
      await log.append(name, run(1, 'k', 2), as(7n));
      expect(await valuesOf(log, name)).toEqual(['k-0', 'k-1', 'k-2']);
    });

    test('producers and topics count apart', async () => {
      const { log, topic } = fixture();
      const [one, two] = [await topic(), await topic()];
      await log.append(one, run(3), as(0n));
      await log.append(two, run(1), as(50n));
      await log.append(one, run(1, 'k', 3), as(9n, 7n, 'media:st-2'));
      await log.append(one, run(1, 'k', 4), as(3n));
      expect(await valuesOf(log, one)).toEqual(['k-0', 'k-1', 'k-2', 'k-3', 'k-4']);
    });
  });
}

export function fencingCases(fixture: () => LogFixture): void {
  describe('fencing', () => {
    test('a greater epoch starts anew and shuts the older one out', async () => {
      const { log, topic } = fixture();
      const name = await topic();
      await log.append(name, run(2), as(10n, 1n));
      await log.append(name, run(1, 'k', 2), as(0n, 2n));
      await expect(log.append(name, spread, as(12n, 1n))).rejects.toEqual(operatingError('PRODUCER_FENCED'));
      await expect(log.append(name, run(2), as(10n, 1n))).rejects.toEqual(operatingError('PRODUCER_FENCED'));
      await log.append(name, run(1, 'k', 3), as(1n, 2n));
      expect(await valuesOf(log, name)).toEqual(['k-0', 'k-1', 'k-2', 'k-3']);
    });

    test('an append of nothing under a greater epoch shuts the older one out, also from partitions it never wrote to', async () => {
      const { log, topic } = fixture();
      const name = await topic();
      await log.append(name, run(2), as(10n, 1n));
      expect(await log.append(name, [], as(0n, 2n))).toEqual([]);
      await expect(log.append(name, spread, as(12n, 1n))).rejects.toEqual(operatingError('PRODUCER_FENCED'));
      expect(await log.append(name, [], as(0n, 2n))).toEqual([]);
      await log.append(name, run(1, 'k', 2), as(0n, 2n));
      expect(await log.append(name, [], as(0n, 2n))).toEqual([]);
      expect(await valuesOf(log, name)).toEqual(['k-0', 'k-1', 'k-2']);
    });

    test('a producer that never wrote can be shut out before it does', async () => {
      const { log, topic } = fixture();
      const name = await topic();
      await log.append(name, [], as(0n, 2n));
      await expect(log.append(name, spread, as(0n, 1n))).rejects.toEqual(operatingError('PRODUCER_FENCED'));
      expect(await valuesOf(log, name)).toEqual([]);
    });

    test('the same sequences under a greater epoch are new records', async () => {
      const { log, topic } = fixture();
      const name = await topic();
      const old = await log.append(name, run(2), as(0n, 1n));
      const young = await log.append(name, run(2), as(0n, 2n));
      expect(young).not.toEqual(old);
      expect(await log.append(name, run(2), as(0n, 2n))).toEqual(young);
      expect(await valuesOf(log, name)).toHaveLength(4);
    });

    test('an epoch begins once: what nobody of the session has written is never answered as a repetition', async () => {
      const { log, topic } = fixture();
      const name = await topic();
      expect(await log.producer(name, 'media:st-1')).toBeUndefined();
      await log.append(name, run(3), as(0n, 2n));
      expect(await log.producer(name, 'media:st-1')).toEqual({ epoch: 2n, next: 3n });
      for (const [sequence, epoch] of [
        [0n, 1n],
        [0n, 2n],
        [3n, 2n],
        [7n, 2n],
      ] as const)
        await expect(log.append(name, [], begins(sequence, epoch))).rejects.toEqual(operatingError('PRODUCER_FENCED'));
      expect(await log.append(name, [], begins(70n, 3n))).toEqual([]);
      // Said again because its answer was lost; another session's first sequence is another.
      expect(await log.append(name, [], begins(70n, 3n))).toEqual([]);
      await expect(log.append(name, [], begins(71n, 3n))).rejects.toEqual(operatingError('PRODUCER_FENCED'));
      await expect(log.append(name, run(1), as(0n, 3n))).rejects.toEqual(operatingError('SEQUENCE_GAP'));
      expect(await log.producer(name, 'media:st-1')).toEqual({ epoch: 3n, next: 70n });
      const written = await log.append(name, run(1, 'k', 3), as(70n, 3n));
      expect(await log.append(name, run(1, 'k', 3), as(70n, 3n))).toEqual(written);
      await expect(log.append(name, [], begins(70n, 3n))).rejects.toEqual(operatingError('PRODUCER_FENCED'));
      expect(await valuesOf(log, name)).toEqual(['k-0', 'k-1', 'k-2', 'k-3']);
      await expect(log.producer('nowhere', 'media:st-1')).rejects.toEqual(operatingError('TOPIC_UNKNOWN'));
    });

    test('epochs and sequences may be large', async () => {
      const { log, topic } = fixture();
      const name = await topic();
      const [epoch, sequence] = [9_000_000_000_000_000_001n, 9_007_199_254_740_993n];
      const first = await log.append(name, run(2), as(sequence, epoch));
      expect(await log.append(name, run(2), as(sequence, epoch))).toEqual(first);
      await expect(log.append(name, run(1), as(sequence + 3n, epoch))).rejects.toEqual(operatingError('SEQUENCE_GAP'));
      await expect(log.append(name, run(1), as(sequence + 2n, epoch - 1n))).rejects.toEqual(operatingError('PRODUCER_FENCED'));
    });
  });
}

const at = (version: bigint, subject = 'st-1') => ({ expected: { subject, version } });

export function expectedVersionCases(fixture: () => LogFixture): void {
  describe('expected versions', () => {
    test('go together with a producer, whatever the subject is called', async () => {
      const { log, topic } = fixture();
      const name = await topic();
      const subjects = Array.from({ length: 40 }, (_, n) => `st-${n}`);
      for (const [n, subject] of subjects.entries()) {
        const options = { ...as(BigInt(n)), ...at(0n, subject) };
        const written = await log.append(name, [record(subject, subject)], options);
        expect([subject, await log.append(name, [record(subject, subject)], options)]).toEqual([subject, written]);
      }
      expect((await valuesOf(log, name)).sort()).toEqual(subjects.toSorted());
    });

    test('grow by the number of records', async () => {
      const { log, topic } = fixture();
      const name = await topic();
      await log.append(name, run(2), at(0n));
      await log.append(name, run(1, 'k', 2), at(2n));
      await expect(log.append(name, spread, at(2n))).rejects.toEqual(operatingError('VERSION_CONFLICT'));
      await expect(log.append(name, spread, at(4n))).rejects.toEqual(operatingError('VERSION_CONFLICT'));
      expect(await valuesOf(log, name)).toEqual(['k-0', 'k-1', 'k-2']);
    });

    test('a conflict is retryable', async () => {
      const { log, topic } = fixture();
      const name = await topic();
      await expect(log.append(name, run(1), at(1n))).rejects.toEqual(expect.objectContaining({ retryable: true }));
    });

    test('of many who race for a version, one wins', async () => {
      const { log, topic } = fixture();
      const name = await topic();
      const settled = await Promise.allSettled(run(20).map((one) => log.append(name, [one], at(0n))));
      expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect(await valuesOf(log, name)).toHaveLength(1);
    });

    test('subjects and topics count apart, plain appends do not count', async () => {
      const { log, topic } = fixture();
      const [one, two] = [await topic(), await topic()];
      await log.append(one, run(1), at(0n));
      await log.append(two, run(1), at(0n));
      await log.append(one, run(1), at(0n, 'st-2'));
      await log.append(one, run(1));
      await log.append(one, run(1), at(1n));
      expect(await valuesOf(log, one)).toHaveLength(4);
    });

    test('a repetition by its producer is no conflict', async () => {
      const { log, topic } = fixture();
      const name = await topic();
      const both = { ...as(0n), ...at(0n) };
      const first = await log.append(name, run(2), both);
      expect(await log.append(name, run(2), both)).toEqual(first);
      await log.append(name, run(1, 'k', 2), { ...as(2n), ...at(2n) });
      await expect(log.append(name, run(1), { ...as(3n), ...at(2n) })).rejects.toEqual(operatingError('VERSION_CONFLICT'));
      await log.append(name, run(1, 'k', 3), { ...as(3n), ...at(3n) });
      expect(await valuesOf(log, name)).toEqual(['k-0', 'k-1', 'k-2', 'k-3']);
    });
  });
}
