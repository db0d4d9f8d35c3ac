import { afterEach, describe, expect, test } from '@jest/globals';
import { ManualClock, MemoryEventIndex, MemoryEventLog, MemoryLeaseStore } from '#adapters/memory';
import { accessRefused, encodeEvent, streamStopped, type LogRecord } from '#events';
import { pino } from 'pino';
import { PromMeter } from '../telemetry/metrics/prom-meter.ts';
import { EventIndexKeeper } from './event-index-keeper.ts';
import { showEventIndexLag } from './event-index-lag.ts';
import { IndexReader } from './index-reader.ts';
import { indexedEventOf } from './indexed-event.ts';

const topics = ['stream', 'cache'] as const;
const uuid = (n: number): string => `01926f4e-7d3a-7000-8000-${String(n).padStart(12, '0')}`;

function recordOf(n: number, more: Partial<LogRecord> = {}): LogRecord {
  const envelope = { type: streamStopped.type, version: 1, source: '/test', subject: `st-${n}`, tenant: 'default', traceparent: '', actor: 'key:k-1' } as const;
  const rest = { key: `st-${n}`, correlationId: 'req-1', causationId: uuid(0), streamVersion: 1n, producerEpoch: 0n };
  const record = encodeEvent({ ...envelope, ...rest, id: uuid(n), time: 500 + n, data: streamStopped.samples[0] });
  return { ...record, ...more };
}

function worldOf() {
  const clock = new ManualClock();
  clock.advance(1000);
  return { clock, log: new MemoryEventLog(clock), index: new MemoryEventIndex(clock), leases: new MemoryLeaseStore(clock) };
}

type World = ReturnType<typeof worldOf>;

const keepers: EventIndexKeeper[] = [];
afterEach(async () => {
  await Promise.all(keepers.splice(0).map((keeper) => keeper.stop()));
});

function keep(world: World, owner = 'one'): EventIndexKeeper {
  const keeper = new EventIndexKeeper({ owner, topics, idleMs: 1 }, { ...world, logger: pino({ level: 'silent' }) });
  keepers.push(keeper);
  keeper.start();
  return keeper;
}

async function indexed({ index }: World, count: number): Promise<readonly string[]> {
  for (;;) {
    const { events } = await index.search({ filter: {}, limit: 1000, budgetMs: 1000 });
    if (events.length >= count) return events.map(({ id }) => id);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

describe('the keeper of the event index', () => {
  test('takes in what comes, whatever the partition, with everything that its envelope says', async () => {
    const world = worldOf();
    keep(world);
    for (const topic of topics) await world.log.ensureTopic(topic, 12);
    await world.log.append('stream', [recordOf(1), recordOf(2), recordOf(3)]);
    expect(await indexed(world, 3)).toHaveLength(3);
    expect(await world.index.find([uuid(2)])).toEqual([
      {
        ...{
          id: uuid(2),
          type: 'stream.stopped',
          topic: 'stream',
          partition: expect.any(Number),
          offset: expect.any(BigInt),
          recordedAt: expect.any(Number),
          time: 502,
        },
        ...{ subject: 'st-2', tenant: 'default', actor: 'key:k-1', correlationId: 'req-1', causationId: uuid(0) },
      },
    ]);
  });

  test('leaves out what is nobody’s event, and goes on behind it', async () => {
    const world = worldOf();
    for (const topic of topics) await world.log.ensureTopic(topic, 12);
    const broken = recordOf(1, { value: '{"streamId":7}' });
    await world.log.append('stream', [broken, recordOf(2)]);
    keep(world);
    expect(await indexed(world, 1)).toEqual([uuid(2)]);
  });

  test('one keeps it, another takes over where it stood, and nothing is in it twice', async () => {
    const world = worldOf();
    for (const topic of topics) await world.log.ensureTopic(topic, 12);
    const first = keep(world);
    await world.log.append('stream', [recordOf(1)]);
    await indexed(world, 1);
    await first.stop();
    await world.log.append('stream', [recordOf(2)]);
    keep(world, 'two');
    expect((await indexed(world, 2)).toSorted()).toEqual([uuid(1), uuid(2)]);
  });

  test('an index that was emptied is made anew', async () => {
    const world = worldOf();
    for (const topic of topics) await world.log.ensureTopic(topic, 12);
    keep(world);
    await world.log.append('stream', [recordOf(1), recordOf(2)]);
    await indexed(world, 2);
    await world.index.reset();
    await world.log.append('stream', [recordOf(3)]);
    expect((await indexed(world, 3)).toSorted()).toEqual([uuid(1), uuid(2), uuid(3)]);
  });
});

test.each([
  ['refusals/192.0.2.9', 'publisher:192.0.2.9:1935', 'refusals/***', 'publisher:***'],
  ['refusals/person:AbCdEf', 'publisher:ps-4711', 'refusals/person:AbCdEf', 'publisher:ps-4711'],
])('whom an event from before names in clear is not in the index: %s, %s', (subject, publisher, keptSubject, keptActor) => {
  const { headers } = recordOf(1);
  const { type, version, samples } = accessRefused;
  const about = { ce_type: type, ce_subject: subject, ce_actor: publisher, ce_dataschema: `urn:streams:event:${type}:${version}` };
  const record = { ...recordOf(1), headers: { ...headers, ...about }, value: JSON.stringify(samples[0]), partition: 0, offset: 0n, recordedAt: 1 };
  expect(indexedEventOf('access', record)).toMatchObject({ type, subject: keptSubject, actor: keptActor });
});

test('its lag is shown, and since when it stands still', async () => {
  const world = worldOf();
  for (const topic of topics) await world.log.ensureTopic(topic, 12);
  const meter = new PromMeter(pino({ level: 'silent' }));
  showEventIndexLag(topics, { ...world, telemetry: { meter } });
  const shown = async (): Promise<readonly (string | undefined)[]> => {
    const text = await meter.exposition();
    return ['lag_events', 'still_seconds'].map((name) => new RegExp(`^streams_event_index_${name} (.*)$`, 'm').exec(text)?.[1]);
  };
  expect(await shown()).toEqual(['0', '0']);
  const keeper = keep(world);
  await world.log.append('stream', [recordOf(1), recordOf(2)]);
  await indexed(world, 2);
  await keeper.stop();
  world.clock.advance(5000);
  expect(await shown()).toEqual(['0', '0']);
  await world.log.append('stream', [recordOf(3)]);
  expect(await shown()).toEqual(['1', '5']);
});

describe('reading all partitions together', () => {
  test('batches come in the order of time over all of them, however uneven they are', async () => {
    const world = worldOf();
    for (const topic of topics) await world.log.ensureTopic(topic, 12);
    for (let n = 0; n < 3000; n++) {
      world.clock.advance(n % 3);
      await world.log.append(n % 50 === 0 ? 'cache' : 'stream', [n % 3 === 0 ? recordOf(n) : { ...recordOf(n), key: 'st-7' }]);
    }
    const reader = new IndexReader({ topics, positions: [], epoch: 1n }, world.log);
    const times: number[] = [];
    const counts: number[] = [];
    for (let batch = await reader.next(); batch !== undefined; batch = await reader.next()) {
      times.push(...batch.events.map(({ recordedAt }) => recordedAt));
      counts.push(batch.events.length);
    }
    // Events of a type that belongs to another topic are nobody's.
    expect(times).toHaveLength(2940);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(counts.length).toBeGreaterThan(1);
  });
});
