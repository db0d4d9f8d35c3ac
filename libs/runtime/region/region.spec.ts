import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { directHeader, originOf, topicPartitions, type LogRecord, type StoredRecord } from '#events';
import { OperatingError, partitionOf } from '#kernel';
import { ManualClock, MemoryEventLog } from '#adapters/memory';
import type { AppendOptions, Position } from '#ports';
import { pino } from 'pino';
import { pause } from '../pause.ts';
import { divergence, logDigests } from './region-digests.ts';
import { RegionMirror } from './region-mirror.ts';

/** Writes what it is told, and now and then says that it has not. */
class ForgetfulLog extends MemoryEventLog {
  forgets = 0;
  override async append(topic: string, records: readonly LogRecord[], options: AppendOptions = {}): Promise<readonly Position[]> {
    const positions = await super.append(topic, records, options);
    if (options.expected !== undefined && this.forgets-- > 0) throw new OperatingError('No reply.', { code: 'LOG_UNAVAILABLE', retryable: true });
    return positions;
  }
}

const topic = 'content';
let north: MemoryEventLog;
let south: ForgetfulLog;
let mirrors: RegionMirror[];

beforeEach(async () => {
  north = new MemoryEventLog(new ManualClock());
  south = new ForgetfulLog(new ManualClock());
  mirrors = [];
  told.length = 0;
  for (const log of [north, south]) await log.ensureTopic(topic, topicPartitions);
});

afterEach(async () => {
  await Promise.all(mirrors.map((mirror) => mirror.stop()));
});

const told: string[] = [];
const listening = pino({ level: 'info' }, { write: (line: string) => void told.push(line) });

async function mirror(origin: 'north' | 'south', init: { recordsMax?: number } = {}): Promise<RegionMirror> {
  const [source, target] = origin === 'north' ? [north, south] : [south, north];
  const limits = { recordsMax: 3, bytesMax: 10_000, waitMs: 50, ...init };
  const one = new RegionMirror({ origin, topics: [topic], limits }, { source, target, logger: listening });
  mirrors.push(one);
  await one.start();
  return one;
}

function events(region: string, count: number, first = 0): LogRecord[] {
  return Array.from({ length: count }, (_, at) => ({ key: `c-${(first + at) % 9}`, headers: { ce_id: `${region}-${first + at}` }, value: '{}' }));
}

async function recordsOf(log: MemoryEventLog): Promise<readonly StoredRecord[]> {
  const heads = await log.heads(topic);
  const batches = await Promise.all(heads.map(({ partition, low }) => log.read(topic, partition, low, { recordsMax: 10_000, bytesMax: 1_000_000, waitMs: 0 })));
  return batches.flatMap(({ records }) => records);
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await pause(2);
}

const holds = (log: MemoryEventLog, count: number) => async (): Promise<boolean> => (await recordsOf(log)).length >= count;
const idsOf = async (log: MemoryEventLog): Promise<readonly (string | undefined)[]> => (await recordsOf(log)).map(({ headers }) => headers['ce_id']).sort();

describe('two regions that mirror each other', () => {
  test('hold the same events, each once, and do not send back what they were sent', async () => {
    await north.append(topic, events('north', 40));
    await mirror('north');
    await mirror('south');
    await south.append(topic, events('south', 30));
    await north.append(topic, events('north', 10, 40));
    await until(async () => (await holds(north, 80)()) && (await holds(south, 80)()));
    await pause(20);
    expect(await idsOf(north)).toEqual([...events('north', 50), ...events('south', 30)].map(({ headers }) => headers['ce_id']).sort());
    expect(await idsOf(south)).toEqual(await idsOf(north));
    expect(divergence(await logDigests(north, [topic]), await logDigests(south, [topic]))).toEqual([]);
    expect((await recordsOf(south)).filter((record) => originOf(record) === 'north')).toHaveLength(50);
  });

  test('keep the order of each partition', async () => {
    await north.append(topic, events('north', 60));
    await mirror('north');
    await until(holds(south, 60));
    const order = async (log: MemoryEventLog) => (await recordsOf(log)).map(({ partition, headers }) => `${partition} ${headers['ce_id']}`);
    expect(await order(south)).toEqual(await order(north));
  });
});

describe('events are copied once', () => {
  test('when replies are lost, mirrors are doubled and started anew', async () => {
    south.forgets = 12;
    await north.append(topic, events('north', 100));
    const first = await mirror('north');
    await mirror('north', { recordsMax: 2 });
    await pause(5);
    await first.stop();
    await mirror('north');
    await until(holds(south, 100));
    await pause(20);
    expect(await idsOf(south)).toEqual(await idsOf(north));
  });

  test('when the last copy lies far back, behind what the region wrote itself', async () => {
    await north.append(topic, events('north', 9));
    const first = await mirror('north');
    await until(holds(south, 9));
    await first.stop();
    await south.append(topic, events('south', 30_000));
    await north.append(topic, events('north', 9, 9));
    await mirror('north');
    await until(holds(south, 30_018));
    expect((await recordsOf(south)).filter((record) => originOf(record) === 'north')).toHaveLength(18);
  });
});

test('a log that begins late is copied from where it begins, and what is removed later is told and passed over', async () => {
  await north.append(topic, events('north', 90));
  for (const { partition, high } of await north.heads(topic)) await north.truncate(topic, partition, high > 2n ? 2n : high);
  const left = (await recordsOf(north)).length;
  const first = await mirror('north');
  await until(holds(south, left));
  await first.stop();
  await north.append(topic, events('north', 18, 90));
  for (const { partition, high } of await north.heads(topic)) await north.truncate(topic, partition, high);
  told.length = 0;
  await north.append(topic, events('north', 18, 108));
  const second = await mirror('north');
  await until(holds(south, left + 18));
  const removed = told.map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ before }) => before !== undefined);
  expect(removed).not.toHaveLength(0);
  expect(removed[0]).toMatchObject({ topic, origin: 'north', msg: expect.stringContaining('has removed events before they were copied') });
  await second.stop();
  await mirror('north');
  await north.append(topic, events('north', 9, 126));
  await until(holds(south, left + 27));
  expect((await idsOf(south)).filter((id) => Number(id?.slice(6)) >= 108)).toHaveLength(27);
});

test('what its own region refuses is not copied, is no difference, and holds nothing up', async () => {
  const [first] = events('north', 1) as [LogRecord];
  const astray = (partitionOf(first.key, topicPartitions) + 1) % topicPartitions;
  const direct = { ...first.headers, [directHeader]: 'tenant-open' };
  const unknown = { ...direct, ce_specversion: '1.0', ce_source: 'x', ce_type: 'not.known-yet', ce_id: 'unknown' };
  const place = { partition: astray, offset: 0n, recordedAt: 0 };
  await north.restore(topic, topicPartitions, async (write) => {
    await write([{ ...first, headers: { ...direct, ce_id: 'astray' }, ...place }]);
    await write([{ ...first, headers: { ...direct, ce_id: 'no-event' }, ...place, partition: partitionOf(first.key, topicPartitions) }]);
    await write([{ ...first, headers: unknown, ...place, partition: partitionOf(first.key, topicPartitions) }]);
  });
  await north.append(topic, events('north', 30));
  const one = await mirror('north');
  await until(holds(south, 31));
  await one.stop();
  await mirror('north');
  await north.append(topic, events('north', 30, 30));
  await until(holds(south, 61));
  const ids = (await idsOf(north)).filter((id) => id !== 'astray' && id !== 'no-event');
  expect(await idsOf(south)).toEqual(ids);
  expect(divergence(await logDigests(north, [topic]), await logDigests(south, [topic]))).toEqual([]);
  const refusals = told.filter((line) => line.includes('refuses records of its log')).map((line) => (JSON.parse(line) as { why: string }).why);
  expect(new Set(refusals)).toEqual(new Set([expect.stringContaining('belongs on partition'), expect.stringContaining('specversion')]));
});

test('a log that has forgotten its last copies gets no more: none could be told from one that it had', async () => {
  await north.append(topic, events('north', 40));
  const first = await mirror('north');
  await until(holds(south, 40));
  await first.stop();
  for (const { partition, high } of await south.heads(topic)) await south.truncate(topic, partition, high);
  await north.append(topic, events('north', 18, 40));
  await mirror('north');
  await pause(30);
  expect(await recordsOf(south)).toEqual([]);
});

test('an event that is missing, altered or there twice is found, and its partition named', async () => {
  const all = events('north', 20);
  const [lacking, doubled, altered] = await Promise.all(
    [all.slice(1), [...all, ...all.slice(0, 1)], all.map((one, at) => (at === 0 ? { ...one, value: '{ }' } : one))].map(async (some) => {
      const log = new MemoryEventLog(new ManualClock());
      await log.ensureTopic(topic, topicPartitions);
      await log.append(topic, some);
      return logDigests(log, [topic]);
    }),
  );
  const [{ partition }] = (await north.append(topic, all)) as [Position];
  const digests = await logDigests(north, [topic]);
  for (const other of [lacking, doubled, altered]) expect(divergence(digests, other as typeof digests)).toEqual([`${topic}/${partition}`]);
});
