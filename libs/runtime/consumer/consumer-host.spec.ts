import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { edgeRegistered, edgeReported, encodeEvent, topicPartitions, type DomainEvent, type LogRecord } from '#events';
import { OperatingError, type Projection, type TableSpec } from '#kernel';
import { MemoryEventLog, MemoryLeaseStore, MemoryProjectionStore } from '#adapters/memory';
import { SystemClock } from '#adapters/system';
import type { ProjectionCommit, ReadBatch, ReadLimits } from '#ports';
import { pino } from 'pino';
import { pause } from '../pause.ts';
import { ConsumerHost, type ConsumerHostInit } from './consumer-host.ts';

const table: TableSpec = {
  name: 'seen',
  key: { edge_id: 'text' },
  columns: { requests: { type: 'bigint', join: 'max' }, hits: { type: 'bigint', join: 'max' } },
};

const projection: Projection<DomainEvent> = {
  name: 'seen',
  version: 1,
  contexts: ['edge'],
  handles: [edgeReported.type],
  ignores: [edgeRegistered.type],
  tables: [table],
  project(event) {
    if (event.type !== edgeReported.type) return [];
    if (event.data.hits === 666) throw new RangeError('cannot count that far');
    return [{ table: 'seen', key: { edge_id: event.data.edgeId }, set: { requests: BigInt(event.data.requests), hits: BigInt(event.data.hits) } }];
  },
};

class FragileStore extends MemoryProjectionStore {
  down = false;
  /** Holds every commit up until it is called. */
  gate: Promise<void> | undefined;
  commits: ProjectionCommit[] = [];

  override async commitTogether(commits: readonly ProjectionCommit[]): Promise<void> {
    await this.gate;
    if (this.down) throw new OperatingError('The database is away.', { code: 'DATABASE_UNAVAILABLE', retryable: true });
    await super.commitTogether(commits);
    this.commits.push(...commits);
  }
}

class FragileLog extends MemoryEventLog {
  /** Reads of this partition never answer, as often as this. */
  hangs = new Map<number, number>();

  override async read(topic: string, partition: number, from: bigint, limits: ReadLimits, signal?: AbortSignal): Promise<ReadBatch> {
    const left = this.hangs.get(partition) ?? 0;
    if (left > 0) {
      this.hangs.set(partition, left - 1);
      return new Promise(() => {});
    }
    return super.read(topic, partition, from, limits, signal);
  }
}

const clock = new SystemClock();
let log: FragileLog;
let leases: MemoryLeaseStore;
let store: FragileStore;
let hosts: ConsumerHost[];

beforeEach(async () => {
  log = new FragileLog(clock);
  leases = new MemoryLeaseStore(clock);
  store = new FragileStore(clock);
  hosts = [];
  await log.ensureTopic('edge', topicPartitions);
});

afterEach(async () => {
  store.down = false;
  await Promise.all(hosts.map((host) => host.stop()));
  await log.close();
});

async function host(owner: string, init: Partial<ConsumerHostInit> = {}): Promise<ConsumerHost> {
  const one = new ConsumerHost(
    { projections: [projection], owner, leaseTtlMs: 200, renewIntervalMs: 20, stallMs: 40, ...init },
    { log, leases, store, logger: pino({ level: 'silent' }) },
  );
  hosts.push(one);
  await one.start();
  return one;
}

let ids = 0;
function report(edgeId: string, requests: number, hits = requests): LogRecord {
  const data = { ...(edgeReported.samples.at(-1) as Parameters<typeof edgeReported.draft>[0]), edgeId, requests, hits };
  const envelope = { source: '/t', time: 1, tenant: 'default', correlationId: 'c', causationId: 'c', traceparent: '', actor: 'system:t', producerEpoch: 1n };
  return encodeEvent({ ...envelope, id: `id-${ids}`, type: edgeReported.type, version: 1, subject: edgeId, key: edgeId, streamVersion: BigInt(++ids), data });
}

function registered(data: Parameters<typeof edgeRegistered.draft>[0]): LogRecord {
  return { ...report(data.edgeId, 1), headers: { ...report(data.edgeId, 1).headers, ce_type: edgeRegistered.type }, value: JSON.stringify(data) };
}

function edges(count: number, requests: number): LogRecord[] {
  return Array.from({ length: count }, (_, at) => report(`edge-${at}`, requests));
}

function rows(): Map<unknown, unknown> {
  return new Map((store.serving(table) ?? []).map(({ key, set }) => [key['edge_id'], set['requests']]));
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await pause(2);
}

const allAt = (count: number, requests: bigint) => (): boolean => rows().size === count && [...rows().values()].every((value) => value === requests);

describe('a consumer host', () => {
  test('projects what is there and what comes, and moves the checkpoints to the end', async () => {
    await log.append('edge', edges(40, 1));
    await host('a');
    await until(allAt(40, 1n));
    await log.append('edge', edges(40, 2));
    await until(allAt(40, 2n));
    const highs = (await log.heads('edge')).map(({ high }) => high);
    const positions = [...(await store.checkpoints('seen'))].sort((a, b) => a.partition - b.partition).map(({ position }) => position);
    expect(positions).toEqual(highs);
  });

  test('folds what came while a commit was under way into the next one', async () => {
    const opened = Promise.withResolvers<void>();
    store.gate = opened.promise;
    await host('a');
    for (let round = 1; round <= 30; round++) {
      await log.append('edge', [report('edge-1', round)]);
      await pause(1);
    }
    opened.resolve();
    await until(allAt(1, 30n));
    expect(store.commits.length).toBeLessThanOrEqual(3);
  });

  test('leaves a checkpoint that moves over events which change no row to one that does, in all partitions', async () => {
    const [first, second] = edgeRegistered.samples as ReadonlyArray<Parameters<typeof edgeRegistered.draft>[0]>;
    const sample = (first ?? second) as Parameters<typeof edgeRegistered.draft>[0];
    const ignored = Array.from({ length: 40 }, (_, at) => registered({ ...sample, edgeId: `edge-${at}` }));
    const positions = async (): Promise<bigint> => (await store.checkpoints('seen')).reduce((sum, { position }) => sum + position, 0n);
    await host('a', { noteMs: 60_000 });
    await log.append('edge', ignored);
    await pause(40);
    expect([store.commits.length, await positions()]).toEqual([0, 0n]);
    await log.append('edge', [report('edge-1', 1)]);
    await until(allAt(1, 1n));
    expect(await positions()).toBe(41n);
    // Without one, it is written after its time.
    await hosts[0]?.stop();
    await host('b', { noteMs: 5 });
    await log.append('edge', ignored);
    await until(async () => (await positions()) === 81n);
  });

  test('shares with another one, and inherits from it', async () => {
    const [a, b] = [await host('a'), await host('b')];
    await until(() => a.held.length === 2 && b.held.length === 2);
    await log.append('edge', edges(40, 1));
    await until(allAt(40, 1n));
    await a.stop();
    await until(() => b.held.length === 4);
    await log.append('edge', edges(40, 2));
    await until(allAt(40, 2n));
  });

  test('leaves nothing to one of another release, which may not know it', async () => {
    const old = await host('a');
    const other: Projection<DomainEvent> = { ...projection, name: 'counted', tables: [{ ...table, name: 'counted' }], project: () => [] };
    const next = await host('b', { projections: [other] });
    const all = old.held.length;
    expect([all, next.held.length]).toEqual([4, 4]);
    await log.append('edge', edges(50, 1));
    await pause(60);
    expect([old.held.length, next.held.length]).toEqual([4, 4]);
    await until(allAt(50, 1n));
  });

  test('takes over from one that vanished', async () => {
    for (let first = 0; first < topicPartitions; first += 3) await leases.acquire(`consumer/seen@1/edge/${first}-${first + 2}`, 'gone', 30);
    await log.append('edge', edges(40, 1));
    await host('b');
    await until(allAt(40, 1n));
  });

  test('that slept through its lease cannot commit any more', async () => {
    const opened = Promise.withResolvers<void>();
    await host('sleeper', { leaseTtlMs: 1, renewIntervalMs: 60_000, stallMs: 60_000 });
    store.gate = opened.promise;
    await log.append('edge', edges(40, 1));
    await pause(10);
    store.gate = undefined;
    await host('b');
    await log.append('edge', edges(40, 2));
    await until(allAt(40, 2n));
    const before = store.commits.length;
    opened.resolve();
    await pause(20);
    expect(store.commits.slice(before).filter(({ epoch }) => epoch === 1n)).toEqual([]);
    expect(allAt(40, 2n)()).toBe(true);
  });

  test.each([
    ['a type that it does not know', { ...report('edge-1', 9), headers: { ...report('edge-1', 9).headers, ce_type: 'edge.vanished' } }],
    ['data that does not decode', { ...report('edge-1', 9), value: '{' }],
    ['an event that the projection cannot take', report('edge-1', 9, 666)],
  ])('stops a partition at %s, after everything before it', async (_what, poison) => {
    await log.append('edge', [...edges(40, 1), poison, report('edge-1', 7)]);
    await host('a');
    await until(allAt(40, 1n));
    await log.append('edge', [report('edge-2', 7)]);
    await until(() => rows().get('edge-2') === 7n);
    await pause(10);
    expect(rows().get('edge-1')).toBe(1n);
  });

  test('goes on by itself after the database was away', async () => {
    await host('a');
    store.down = true;
    await log.append('edge', edges(40, 1));
    await pause(30);
    store.down = false;
    await until(allAt(40, 1n));
  });

  test('starts a partition anew that has work and does not move', async () => {
    for (let partition = 0; partition < topicPartitions; partition++) log.hangs.set(partition, 1);
    await log.append('edge', edges(40, 1));
    await host('a');
    await until(allAt(40, 1n));
  });

  test('follows a checkpoint that was set back, also where nothing new comes', async () => {
    await log.append('edge', edges(40, 1));
    await host('a');
    await until(allAt(40, 1n));
    await store.reset(projection);
    expect(rows().size).toBe(0);
    await until(allAt(40, 1n));
  });

  test('commits what it has read before it ends', async () => {
    const one = await host('a');
    await log.append('edge', edges(40, 1));
    await pause(5);
    await one.stop();
    const positions = await store.checkpoints('seen');
    const committed = positions.reduce((sum, { position }) => sum + Number(position), 0);
    expect(rows().size).toBe(committed);
    expect((await leases.list('')).filter((lease) => !lease.expired)).toEqual([]);
  });
});
