import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { edgeRegistered, edgeReported, encodeEvent, topicPartitions, type DomainEvent, type LogRecord } from '#events';
import { OperatingError, partitionOf, type Projection, type TableSpec } from '#kernel';
import { MemoryEventLog, MemoryLeaseStore, MemoryProjectionBuilds, MemoryProjectionStore } from '#adapters/memory';
import { SystemClock } from '#adapters/system';
import type { ParkedEvent, ProjectionCommit } from '#ports';
import { pino } from 'pino';
import { pause } from '../../pause.ts';
import { ConsumerHost } from '../consumer-host.ts';
import type { PartitionLoop } from '../partition-loop.ts';
import { failureOf, isPoison, type PoisonLimits } from './poison.ts';

/** Of each edge, what was reported, in the order in which it was taken. */
const table: TableSpec = {
  name: 'told',
  key: { edge_id: 'text' },
  columns: { requests: { type: 'bigint', join: 'max' }, taken: { type: 'json', join: 'counter' } },
};

/** Values of `hits` by which an event is known to the tests. */
const [thrown, refused, contended] = [666, 777, 888];
/** What the world is like; tests change it. */
let broken: Set<number>;
let order: Map<string, number[]>;

const projection: Projection<DomainEvent> = {
  name: 'told',
  version: 1,
  contexts: ['edge'],
  handles: [edgeReported.type],
  ignores: [edgeRegistered.type],
  tables: [table],
  project(event) {
    if (event.type !== edgeReported.type) return [];
    const { edgeId, requests, hits } = event.data;
    if (hits === thrown && broken.has(thrown)) throw new RangeError(`cannot count to ${hits}`);
    return [{ table: 'told', key: { edge_id: edgeId }, set: { requests: BigInt(requests), taken: { [String(requests).padStart(6, '0')]: hits } } }];
  },
};

/** Refuses rows as PostgreSQL does, whole transactions at a time. */
class RefusingStore extends MemoryProjectionStore {
  commits: ProjectionCommit[] = [];
  contentions = 3;

  override async commitTogether(commits: readonly ProjectionCommit[]): Promise<void> {
    this.#check(commits.flatMap(({ changes }) => changes));
    await super.commitTogether(commits);
    this.commits.push(...commits);
    for (const { changes } of commits) this.#note(changes);
  }

  override async redrive(commit: Parameters<MemoryProjectionStore['redrive']>[0]): Promise<void> {
    this.#check(commit.changes);
    await super.redrive(commit);
    this.#note(commit.changes);
  }

  #check(changes: ProjectionCommit['changes']): void {
    const hits = new Set(changes.flatMap(({ set }) => Object.values(set['taken'] as Record<string, number>)));
    if (hits.has(refused) && broken.has(refused))
      throw new OperatingError('The database failed: invalid byte sequence.', { code: 'DATABASE_VALUE_INVALID', retryable: false });
    if (hits.has(contended) && this.contentions-- > 0)
      throw new OperatingError('The database failed: deadlock detected.', { code: 'DATABASE_CONTENDED', retryable: true });
  }

  #note(changes: ProjectionCommit['changes']): void {
    for (const { key, set } of changes) {
      const edge = String(key['edge_id']);
      order.set(edge, [...(order.get(edge) ?? []), ...Object.keys(set['taken'] as object).map(Number)]);
    }
  }
}

const clock = new SystemClock();
const limits: PoisonLimits = { attemptsMax: 3, retryMs: 2, keysMax: 3, heldMax: 50 };
let log: MemoryEventLog;
let store: RefusingStore;
let hosts: ConsumerHost[];
let leases: MemoryLeaseStore;
let leftOut: Set<string>;

beforeEach(async () => {
  broken = new Set([thrown, refused]);
  order = new Map();
  log = new MemoryEventLog(clock);
  store = new RefusingStore(clock);
  leases = new MemoryLeaseStore(clock);
  hosts = [];
  leftOut = new Set();
  await log.ensureTopic('edge', topicPartitions);
});

afterEach(async () => {
  await Promise.all(hosts.map((one) => one.stop()));
  await log.close();
});

async function host(poison: Partial<PoisonLimits> = {}): Promise<ConsumerHost> {
  const one = new ConsumerHost(
    { projections: [projection], owner: `host-${hosts.length}`, renewIntervalMs: 10, stallMs: 4000, ordersEveryMs: 5 },
    {
      ...{ log, leases, store, logger: pino({ level: 'silent' }) },
      poison: { parked: store.parked, clock, limits: { ...limits, ...poison }, leftOut: () => Promise.resolve(leftOut) },
    },
  );
  hosts.push(one);
  await one.start();
  return one;
}

let ids = 0;
function report(edgeId: string, requests: number, hits = 1, tenant = 'default'): LogRecord {
  const data = { ...(edgeReported.samples.at(-1) as Parameters<typeof edgeReported.draft>[0]), edgeId, requests, hits };
  const envelope = { source: '/t', time: 1, tenant, correlationId: 'c', causationId: 'c', traceparent: '', actor: 'system:t', producerEpoch: 1n };
  return encodeEvent({ ...envelope, id: `id-${ids}`, type: edgeReported.type, version: 1, subject: edgeId, key: edgeId, streamVersion: BigInt(++ids), data });
}

/** Two edges of one partition: what happens to the one must not matter to the other. */
const [poisoned, neighbour] = ((): readonly [string, string] => {
  const names = Array.from({ length: 60 }, (_, at) => `edge-${at}`);
  const first = names[0] as string;
  return [first, names.slice(1).find((name) => partitionOf(name, topicPartitions) === partitionOf(first, topicPartitions)) as string];
})();

const taken = (edge: string): readonly number[] => order.get(edge) ?? [];

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await pause(2);
}

const parked = (): Promise<readonly ParkedEvent[]> => store.parked.list({ limit: 100 });
const caughtUp = async (): Promise<boolean> => {
  const highs = await log.heads('edge');
  const positions = new Map((await store.checkpoints('told')).map(({ partition, position }) => [partition, position]));
  return highs.every(({ partition, high }) => (positions.get(partition) ?? 0n) >= high);
};

const loopOf = (one: ConsumerHost): PartitionLoop =>
  one.groups.flatMap(({ loops }) => loops).find(({ at }) => at.partition === partitionOf(poisoned, topicPartitions)) as PartitionLoop;

describe('an event that a projection cannot take', () => {
  test.each([
    ['the projection throws', thrown, 'PROJECTION_FAILED', /cannot count to 666/],
    ['the database refuses its row', refused, 'DATABASE_VALUE_INVALID', /invalid byte sequence/],
  ])('is parked after bounded tries when %s: its key waits, everybody else goes on', async (_why, hits, code, message) => {
    await log.append('edge', [
      report(neighbour, 1),
      report(poisoned, 1),
      report(poisoned, 2, hits),
      report(neighbour, 2),
      report(poisoned, 3),
      report(neighbour, 3),
    ]);
    await host();
    await until(caughtUp);
    expect([taken(poisoned), taken(neighbour)]).toEqual([[1], [1, 2, 3]]);
    const [event] = await parked();
    expect(event).toMatchObject({ projection: 'told', version: 1, topic: 'edge', key: poisoned, held: 1, attempts: 3, told: false, late: false });
    expect(event?.failure).toMatchObject({ code, message: expect.stringMatching(message) });
    await log.append('edge', [report(poisoned, 4), report(neighbour, 4)]);
    await until(caughtUp);
    expect([taken(poisoned), taken(neighbour), (await parked())[0]?.held]).toEqual([[1], [1, 2, 3, 4], 2]);
  });

  test('holds back nothing of rows that were rebuilt without it and promoted, nor do these let through what waits when they are rolled back', async () => {
    await log.append('edge', [report(poisoned, 1, thrown), report(poisoned, 2)]);
    await host();
    await until(caughtUp);
    expect(await parked()).toMatchObject([{ key: poisoned, held: 1 }]);
    broken.clear();
    const builds = new MemoryProjectionBuilds(store, clock);
    const heads = await log.heads('edge');
    const claim = { id: 'rp-1', projection, epoch: 1n };
    await builds.create({ ...claim, whole: true, starts: heads.map(({ partition }) => ({ topic: 'edge', partition, first: 0n })) });
    const moves = heads
      .filter(({ high }) => high > 0n)
      .map(({ partition, high }) => ({ topic: 'edge', partition, from: 0n, to: high, skipped: 0, poisoned: [] }));
    await builds.load({ ...claim, moves, changes: [] });
    await builds.finish(claim);
    // The host stands where the build does: by its position alone it cannot tell.
    await builds.promote({ ...claim, behindMax: 0, fold: () => Promise.resolve([]) });
    await log.append('edge', [report(poisoned, 3)]);
    await until(caughtUp);
    expect([taken(poisoned), await parked()]).toEqual([[3], []]);
    await builds.rollBack(claim.id);
    await until(caughtUp);
    await log.append('edge', [report(poisoned, 4)]);
    await until(caughtUp);
    expect([taken(poisoned), await parked()]).toMatchObject([[3], [{ key: poisoned, held: 3 }]]);
  });

  test.each([
    ['the projection throws', thrown],
    ['the database refuses its row', refused],
  ])('holds back no other tenant’s events of its key when %s', async (_why, hits) => {
    const of = (tenant: string, requests: number, how = 1): LogRecord => report(poisoned, requests, how, tenant);
    await log.append('edge', [of('acme', 1, hits), of('beta', 101), of('acme', 2), of('beta', 102)]);
    const one = await host();
    await until(caughtUp);
    expect([taken(poisoned), await parked()]).toMatchObject([[101, 102], [{ key: poisoned, tenant: 'acme', held: 1 }]]);
    // The other one has its own queue under the key.
    await log.append('edge', [of('beta', 103, hits), of('acme', 3), of('beta', 104), of('gamma', 201)]);
    await until(caughtUp);
    expect([taken(poisoned), (await parked()).map(({ tenant, held }) => [tenant, held])]).toEqual([
      [101, 102, 201],
      [
        ['acme', 2],
        ['beta', 1],
      ],
    ]);
    expect(loopOf(one).blocked).toMatchObject({ size: 2, held: 3 });
    broken.clear();
    const [acme, beta] = await parked();
    await store.parked.order(beta as ParkedEvent, { id: 'r1', verb: 'retry' });
    await until(async () => (await parked()).length === 1);
    expect(taken(poisoned)).toEqual([101, 102, 201, 103, 104]);
    await log.append('edge', [of('beta', 105), of('acme', 4)]);
    await until(caughtUp);
    await store.parked.order(acme as ParkedEvent, { id: 'r2', verb: 'retry' });
    await until(async () => (await parked()).length === 0);
    expect(taken(poisoned)).toEqual([101, 102, 201, 103, 104, 105, 1, 2, 3, 4]);
    expect(loopOf(one).blocked).toMatchObject({ size: 0, held: 0 });
  });

  test('is isolated out of a large batch, and its neighbours are taken', async () => {
    const many = Array.from({ length: 30 }, (_, at) => report(`edge-${at + 100}`, 1, at === 17 ? refused : 1));
    await log.append('edge', [...many, ...many]);
    await host();
    await until(caughtUp);
    expect([...order.keys()].sort()).toEqual(
      many
        .map(({ key }) => key)
        .filter((key) => key !== 'edge-117')
        .sort(),
    );
    expect((await parked()).map(({ key }) => key)).toEqual(['edge-117']);
  });

  test('is not parked for what passes by itself', async () => {
    await log.append('edge', [report(poisoned, 1, contended), report(poisoned, 2)]);
    await host({ attemptsMax: 1 });
    await until(caughtUp);
    expect([taken(poisoned), await parked()]).toEqual([[1, 2], []]);
  });

  test('is tried but twice when others of its kind were parked before', async () => {
    await log.append('edge', [report(poisoned, 1, thrown), report(neighbour, 1, thrown)]);
    await host();
    await until(async () => (await parked()).length === 2);
    expect((await parked()).map(({ attempts }) => attempts)).toEqual([3, 2]);
  });

  test('stays parked, and its key blocked, for the next host', async () => {
    await log.append('edge', [report(poisoned, 1, thrown)]);
    const one = await host();
    await until(caughtUp);
    await one.stop();
    await log.append('edge', [report(poisoned, 2), report(neighbour, 1)]);
    const other = await host();
    await until(caughtUp);
    expect([taken(poisoned), taken(neighbour)]).toEqual([[], [1]]);
    expect(loopOf(other).blocked).toMatchObject({ size: 1, held: 1 });
  });

  test('is parked no more when that would be too many: then the partition stops, with a word', async () => {
    const partition = partitionOf(poisoned, topicPartitions);
    const edges = Array.from({ length: 400 }, (_, at) => `edge-${at}`).filter((name) => partitionOf(name, topicPartitions) === partition);
    await log.append('edge', [...edges.slice(0, 4).map((edge) => report(edge, 1, thrown)), report(neighbour, 9)]);
    const one = await host();
    await until(async () => (await parked()).length === 3);
    await until(() => loopOf(one).failing);
    expect(await caughtUp()).toBe(false);
    // The projection is mended: the partition goes on, and keeps what it has parked.
    broken.clear();
    await until(caughtUp);
    expect((await parked()).length).toBe(3);
  });

  test('holds no more behind itself than is allowed', async () => {
    await log.append('edge', [report(poisoned, 1, thrown), ...Array.from({ length: 60 }, (_, at) => report(poisoned, at + 2)), report(neighbour, 1)]);
    await host();
    await until(async () => (await parked())[0]?.held === 50);
    expect(taken(neighbour)).toEqual([]);
    const [event] = await parked();
    broken.clear();
    expect(await store.parked.order(event as ParkedEvent, { id: 'r1', verb: 'retry' })).toBe(true);
    await until(caughtUp);
    await until(() => taken(poisoned).length === 61);
    expect(taken(neighbour)).toEqual([1]);
  });
});

describe('what an operator asks for', () => {
  async function given(...records: readonly LogRecord[]): Promise<ParkedEvent> {
    await log.append('edge', records);
    await host();
    await until(caughtUp);
    return (await parked())[0] as ParkedEvent;
  }

  const outcome = async (event: ParkedEvent): Promise<ParkedEvent> => (await store.parked.show(event)) as ParkedEvent;

  test('a retry takes the event and then its successors, in their order, and frees the key', async () => {
    const event = await given(report(poisoned, 1, thrown), report(poisoned, 2), report(neighbour, 1), report(poisoned, 3));
    broken.clear();
    await store.parked.order(event, { id: 'r1', verb: 'retry' });
    await until(async () => (await outcome(event)).state === 'redriven');
    expect([taken(poisoned), taken(neighbour)]).toEqual([[1, 2, 3], [1]]);
    expect(await outcome(event)).toMatchObject({ applied: 3, held: 0, order: { id: 'r1', verb: 'retry' } });
    await log.append('edge', [report(poisoned, 4)]);
    await until(caughtUp);
    expect(taken(poisoned)).toEqual([1, 2, 3, 4]);
  });

  test('a retry that fails again leaves it parked, one try more, and can be asked for again', async () => {
    const event = await given(report(poisoned, 1, thrown), report(poisoned, 2));
    await store.parked.order(event, { id: 'r1', verb: 'retry' });
    await until(async () => (await outcome(event)).orderFailed);
    expect(await outcome(event)).toMatchObject({ attempts: 4, state: 'parked', held: 1 });
    expect(await store.parked.order(event, { id: 'r2', verb: 'retry' })).toBe(false);
    await store.parked.told(await outcome(event));
    broken.clear();
    expect(await store.parked.order(event, { id: 'r2', verb: 'retry' })).toBe(true);
    await until(async () => (await outcome(event)).state === 'redriven');
    expect(taken(poisoned)).toEqual([1, 2]);
  });

  test.each([
    ['the projection throws', thrown],
    ['the database refuses it', refused],
  ])('a retry stops at a successor at which %s, which is parked in its place', async (_why, hits) => {
    const event = await given(report(poisoned, 1, thrown), report(poisoned, 2), report(poisoned, 3, hits === thrown ? thrown : refused), report(poisoned, 4));
    if (hits === refused) broken.delete(thrown);
    else {
      // The first is mended, the third is not.
      await store.parked.order(event, { id: 'd1', verb: 'discard' });
    }
    if (hits === refused) await store.parked.order(event, { id: 'r1', verb: 'retry' });
    await until(async () => (await outcome(event)).state !== 'parked');
    expect(taken(poisoned)).toEqual(hits === refused ? [1, 2] : [2]);
    const [next] = await parked();
    expect(next).toMatchObject({ offset: event.offset + 2n, held: 1, attempts: 1, order: undefined });
    broken.clear();
    await store.parked.order(next as ParkedEvent, { id: 'r2', verb: 'retry' });
    await until(() => taken(poisoned).at(-1) === 4);
    expect(taken(poisoned)).toEqual(hits === refused ? [1, 2, 3, 4] : [2, 3, 4]);
    await until(async () => (await parked()).length === 0);
  });

  test('a discard leaves that one event out and goes on with its successors', async () => {
    const event = await given(report(poisoned, 1), report(poisoned, 2, thrown), report(poisoned, 3));
    await store.parked.order(event, { id: 'd1', verb: 'discard' });
    await until(async () => (await outcome(event)).state === 'discarded');
    expect(taken(poisoned)).toEqual([1, 3]);
  });

  test('what was discarded before is not taken again, neither by itself nor behind what waits, whether its projection can take it or not', async () => {
    const partition = partitionOf(poisoned, topicPartitions);
    // In a backup from before, the first one stands parked; the others were discarded since.
    for (const offset of [1, 3, 4]) leftOut.add(`edge/${partition}/${offset}`);
    const event = await given(report(poisoned, 1, thrown), report(poisoned, 2), report(poisoned, 3), report(neighbour, 1), report(neighbour, 2, refused));
    await log.append('edge', [report(neighbour, 3)]);
    await until(caughtUp);
    expect([taken(poisoned), taken(neighbour), (await parked()).length]).toEqual([[], [3], 1]);
    broken.clear();
    await store.parked.order(event, { id: 'r1', verb: 'retry' });
    await until(async () => (await outcome(event)).state === 'redriven');
    expect([taken(poisoned), await outcome(event)]).toMatchObject([[1, 3], { held: 0 }]);
  });

  test('a redrive catches up with a key that is written to all the time', async () => {
    const event = await given(report(poisoned, 1, thrown));
    broken.clear();
    let last = 1;
    await store.parked.order(event, { id: 'r1', verb: 'retry' });
    while ((await outcome(event)).state === 'parked') {
      await log.append('edge', [report(poisoned, ++last), report(neighbour, last)]);
      await pause(1);
    }
    await until(caughtUp);
    expect(taken(poisoned)).toEqual(Array.from({ length: last }, (_, at) => at + 1));
  });

  test('an event that nobody could read is taken late, once it can be, by each that passed it', async () => {
    await log.append('edge', [report(poisoned, 1), report(poisoned, 2)]);
    await host();
    await until(caughtUp);
    const at = { topic: 'edge', partition: partitionOf(poisoned, topicPartitions) };
    const late = { ...at, offset: 0n, eventId: 'id', eventType: edgeReported.type, recordedAtMs: 1 };
    const versions = [
      { projection: 'told', version: 1 },
      { projection: 'told', version: 2 },
    ];
    expect(await store.parked.orderLate(late, { id: 'r1', verb: 'retry' }, versions)).toBe(1);
    await until(async () => (await store.parked.untold(10)).length === 1);
    expect((await store.parked.untold(10))[0]).toMatchObject({ state: 'redriven', late: true });
    expect(taken(poisoned)).toEqual([1, 2, 1]);
  });
});

describe('a failure is told from one that passes', () => {
  const poisonous = (code: string, cause?: unknown): boolean => isPoison(new OperatingError('x', { code, retryable: false, cause }));
  test.each([
    ['PROJECTION_FAILED', true],
    ['DATABASE_VALUE_INVALID', true],
    ['DATABASE_UNAVAILABLE', false],
    ['DATABASE_CONTENDED', false],
    ['STORE_TIMEOUT', false],
    ['CHECKPOINT_FENCED', false],
    ['EVENT_UNHANDLED', false],
    ['DATABASE_FAILED', false],
    ['PARKED_TOO_MANY', false],
  ])('%s: %p', (code, expected) => expect(poisonous(code)).toBe(expected));

  test('a projection that failed for want of an engine is not to blame', () => {
    expect(poisonous('PROJECTION_FAILED', new OperatingError('away', { code: 'X', retryable: true }))).toBe(false);
  });

  test('its record is bounded, and names no folder of the machine', () => {
    const cause = new Error(`${'long '.repeat(1000)}\0`);
    cause.stack = `Error: x\n    at project (file:///home/somebody/secret/dist/libs/domain/x.js:1:2)\n    at run (/srv/app/node_modules/y/z.js:3:4)`;
    const { message, stack } = failureOf(new OperatingError('p failed.', { code: 'PROJECTION_FAILED', retryable: false, cause }));
    expect([message.length, message.includes('\0')]).toEqual([1000, false]);
    expect(stack).toContain('at project (dist/libs/domain/x.js:1:2)');
    expect(stack).toContain('at run (node_modules/y/z.js:3:4)');
    expect(stack).not.toMatch(/home|srv|secret/);
  });
});
