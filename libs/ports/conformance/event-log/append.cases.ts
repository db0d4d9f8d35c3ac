import { describe, expect, test } from '@jest/globals';
import { partitionOf } from '#kernel';
import { recordBytesMax } from '../../event-log.port.ts';
import { recordBytes } from '../../record-size.ts';
import { freshName, operatingError } from '../subject.ts';
import { atOnce, keys, partitions, readAll, record, run, valuesOf, type LogFixture } from './fixture.ts';

export function topicCases(fixture: () => LogFixture): void {
  describe('topics', () => {
    test('are made once and keep their partition count', async () => {
      const { log } = fixture();
      const topic = freshName('topic');
      await Promise.all([log.ensureTopic(topic, 3), log.ensureTopic(topic, 3)]);
      await log.append(topic, run(2));
      await log.ensureTopic(topic, 3);
      expect((await valuesOf(log, topic)).sort()).toEqual(['k-0', 'k-1']);
      await expect(log.ensureTopic(topic, 4)).rejects.toEqual(operatingError('TOPIC_MISMATCH'));
    });

    test('that do not exist, and partitions that do not, are errors', async () => {
      const { log, topic } = fixture();
      const unknown = operatingError('TOPIC_UNKNOWN');
      await expect(log.append('nowhere', run(1))).rejects.toEqual(unknown);
      await expect(log.read('nowhere', 0, 0n, atOnce)).rejects.toEqual(unknown);
      await expect(log.heads('nowhere')).rejects.toEqual(unknown);
      await expect(log.offsetAt('nowhere', 0, 0)).rejects.toEqual(unknown);
      await expect(log.truncate('nowhere', 0, 0n)).rejects.toEqual(unknown);
      const name = await topic();
      await expect(log.read(name, partitions, 0n, atOnce)).rejects.toEqual(unknown);
      await expect(log.read(name, -1, 0n, atOnce)).rejects.toEqual(unknown);
      await expect(log.offsetAt(name, partitions, 0)).rejects.toEqual(unknown);
      await expect(log.truncate(name, partitions, 0n)).rejects.toEqual(unknown);
    });

    test('do not see each other', async () => {
      const { log, topic } = fixture();
      const [one, two] = [await topic(), await topic()];
      await log.append(one, run(3));
      expect(await valuesOf(log, two)).toEqual([]);
      await log.append(two, [record('k', 'mine')]);
      expect(await valuesOf(log, two)).toEqual(['mine']);
    });
  });
}

export function identityCases(fixture: () => LogFixture): void {
  describe('identity', () => {
    test('is the same for ever, and no other log has it', async () => {
      const { log, topic, factory } = fixture();
      const [identity, again] = await Promise.all([log.identity(), log.identity()]);
      expect(identity).toMatch(/^[a-z]+:./);
      expect(again).toBe(identity);
      await log.append(await topic(), run(3));
      expect(await log.identity()).toBe(identity);
      const other = await factory();
      try {
        expect(await other.port.identity()).not.toBe(identity);
      } finally {
        await other.dispose();
      }
    });
  });
}

export function appendCases(fixture: () => LogFixture): void {
  describe('append', () => {
    test('puts each record into the partition of its key (murmur2), in order, and answers where', async () => {
      const { log, topic } = fixture();
      const name = await topic();
      const records = Array.from({ length: 200 }, (_, n) => record(`user-${n % 17}`, `${n}`));
      const positions = await log.append(name, records);
      expect(positions.map(({ partition }) => partition)).toEqual(records.map(({ key }) => partitionOf(key, partitions)));
      for (let partition = 0; partition < partitions; partition++) {
        const stored = await readAll(log, name, partition);
        const mine = positions.flatMap((position, at) => (position.partition === partition ? [{ offset: position.offset, value: `${at}` }] : []));
        expect(stored.map(({ offset, value }) => ({ offset, value }))).toEqual(mine);
        expect(stored.every((one) => one.partition === partition)).toBe(true);
      }
    });

    test('offsets begin at 0 and grow over appends', async () => {
      const { log, topic } = fixture();
      const name = await topic();
      const first = await log.append(name, run(2));
      const second = await log.append(name, run(2, 'k', 2));
      expect(first[0]?.offset).toBe(0n);
      const offsets = [...first, ...second].map(({ offset }) => offset);
      expect([...offsets].sort((a, b) => Number(a - b))).toEqual(offsets);
      expect(new Set(offsets).size).toBe(4);
    });

    test('of nothing does nothing', async () => {
      const { log, topic } = fixture();
      const name = await topic();
      expect(await log.append(name, [])).toEqual([]);
      expect(await valuesOf(log, name)).toEqual([]);
    });

    test('calls that do not wait for each other keep their order', async () => {
      const { log, topic } = fixture();
      const name = await topic();
      const positions = await Promise.all(run(50).map((one) => log.append(name, [one])));
      const partition = partitionOf('k', partitions);
      expect((await readAll(log, name, partition)).map(({ value }) => value)).toEqual(run(50).map(({ value }) => value));
      expect(positions.flat().map(({ offset }) => offset)).toEqual((await readAll(log, name, partition)).map(({ offset }) => offset));
    });

    test('the time of record never goes back within a partition', async () => {
      const { log, topic, subject } = fixture();
      const name = await topic();
      for (let n = 0; n < 5; n++) {
        await log.append(name, run(2));
        await subject.elapse(2);
      }
      const times = (await readAll(log, name, partitionOf('k', partitions))).map(({ recordedAt }) => recordedAt);
      expect(times.every(Number.isInteger)).toBe(true);
      expect([...times].sort((a, b) => a - b)).toEqual(times);
      expect(times.at(-1)).toBeGreaterThan(times[0] as number);
    });
  });
}

const contents: ReadonlyArray<readonly [string, string, Record<string, string>, string]> = [
  ['nothing', '', {}, ''],
  ['many scripts', 'ключ-鍵', { ce_subject: 'über/日本語', 'x-😀': '😀👩‍👩‍👧' }, '{"text":"İstanbul 😀 \u2028"}'],
  ['the NUL character', 'a\u0000b', { 'h\u0000': '\u0000' }, '\u0000\u0001'],
  ['what looks like markup', `'"; --`, { '"': '\\', "'": '\n' }, '{"a":"\\"}\n\t'],
  ['names of object members', 'k', { constructor: 'c', toString: 't', '0': 'zero', '': 'empty' }, '[]'],
  ['long headers', 'k', { long: 'x'.repeat(70_000), after: 'y' }, '1'],
  ['two hundred headers', 'k', Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`h${n}`, `${n}`])), '1'],
];

export function contentCases(fixture: () => LogFixture): void {
  describe('records come back as they were', () => {
    test.each(contents)('%s', async (_what, key, headers, value) => {
      const { log, topic } = fixture();
      const name = await topic();
      const [position] = await log.append(name, [{ key, headers, value }]);
      const [stored] = await readAll(log, name, position?.partition ?? -1);
      expect({ ...stored }).toEqual({ key, headers, value, ...position, recordedAt: expect.any(Number) });
      expect(Object.keys(stored?.headers ?? {})).toEqual(Object.keys(headers));
    });

    test('different header names side by side in one append', async () => {
      const { log, topic } = fixture();
      const name = await topic();
      const records = contents.map(([, , headers], at) => record('k', `${at}`, headers));
      await log.append(name, [...records, ...records]);
      const stored = await readAll(log, name, partitionOf('k', partitions));
      expect(stored.map(({ headers }) => headers)).toEqual([...records, ...records].map(({ headers }) => headers));
    });

    test('the largest record is taken, a larger one refused with all that came with it', async () => {
      const { log, topic } = fixture();
      const name = await topic();
      const rest = recordBytes(record('k', ''));
      const value = 'é'.repeat((recordBytesMax - rest) >> 1);
      await log.append(name, [record('k', value)]);
      const tooLarge = record('k', `${value}éé`);
      await expect(log.append(name, [...keys.map((key) => record(key, 'small')), tooLarge])).rejects.toEqual(operatingError('RECORD_TOO_LARGE'));
      expect((await valuesOf(log, name)).map((one) => one === value)).toEqual([true]);
    });
  });
}
