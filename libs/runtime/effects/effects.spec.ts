import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { MemoryAggregateStore, MemoryEffectStore, MemoryEventLog, MemoryJobQueue, MemoryLeaseStore, MemoryOutbox } from '#adapters/memory';
import { SystemClock, UuidV7IdSource } from '#adapters/system';
import { contentPublished, effectAbandoned, effectFailed, effectRetryRequested, effectSucceeded, encodeEvent, type DomainEvent, type LogRecord } from '#events';
import { OperatingError, type Reactor } from '#kernel';
import type { Effect, EffectSettlement, EffectStore } from '#ports';
import { pino } from 'pino';
import type { Parking } from '../consumer/parking.ts';
import { withoutEffects } from './closed-effects.ts';
import { EffectDispatcher } from './effect-dispatcher.ts';
import type { EffectResult, EffectWorker } from './effect-worker.ts';
import { EffectWorkers } from './effect-workers.ts';
import { intentKey } from './intent-key.ts';
import { ReactorHost } from './reactor-host.ts';
import type { BoundReactor } from './reactor-task.ts';
import { effectRetriesReactor } from './retry-reactor.ts';
import { SharedLook } from './shared-look.ts';

const clock = new SystemClock();
const logger = pino({ level: 'silent' });
const topic = contentPublished.context;

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(2);
}

function recordOf(id: string, data: object = { contentId: id, url: 'https://example.com/a', contentType: 'video/mp4' }): LogRecord {
  const meta = { source: '/test', time: 1_790_000_000_000, tenant: 'acme', correlationId: `c-${id}`, causationId: 'x', traceparent: '', actor: 'system:test' };
  const about = { id, type: contentPublished.type, version: contentPublished.version, subject: id, key: id };
  return encodeEvent({ ...about, ...meta, streamVersion: 0n, producerEpoch: 0n, data });
}

function reactorOf(version = 1, name = 'published'): Reactor<DomainEvent> {
  return {
    name,
    version,
    contexts: [topic],
    handles: [contentPublished.type],
    react: ({ event }) => [{ kind: 'test-work', lane: event.subject, payload: { of: event.id, version } }],
  };
}

/** A small platform in memory, and what its worker was given to do. */
class World {
  readonly log = new MemoryEventLog(clock);
  readonly leases = new MemoryLeaseStore(clock);
  readonly outbox = new MemoryOutbox(clock);
  readonly aggregates = new MemoryAggregateStore(this.outbox);
  readonly effects: EffectStore = new MemoryEffectStore({ clock, outbox: this.outbox });
  readonly jobs = new MemoryJobQueue();
  readonly performed: Effect[] = [];
  readonly parked: string[] = [];
  result: (effect: Effect) => EffectResult | Promise<EffectResult> = () => ({ outcome: 'succeeded', status: 204 });
  #wake = (): void => undefined;
  readonly #stops: Array<() => Promise<void>> = [];

  async react(bound: readonly BoundReactor[], owner = 'one'): Promise<ReactorHost> {
    const parking: Parking = { park: async (_topic, { offset }) => void this.parked.push(String(offset)) };
    const host = new ReactorHost({ reactors: bound, owner, leaseTtlMs: 300, renewIntervalMs: 20 }, { ...this, logger, parking, onIntents: () => this.#wake() });
    await host.start();
    this.#stops.push(() => host.stop());
    return host;
  }

  async work(init: { triesMax?: number; store?: EffectStore; laneMax?: number; lostAfterMs?: number } = {}): Promise<void> {
    const effects = init.store ?? this.effects;
    const worker: EffectWorker = {
      ...{ kind: 'test-work', concurrency: 4, triesMax: init.triesMax ?? 3 },
      backOffMs: () => 1,
      perform: async (effect) => {
        this.performed.push(effect);
        return this.result(effect);
      },
    };
    const dispatcher = new EffectDispatcher(
      { laneMax: init.laneMax ?? 4, tenantMax: 100, lostAfterMs: init.lostAfterMs ?? 100, keepMs: 1e9, lookMs: 5 },
      { ...this, effects, clock, logger },
    );
    const onSettled = (): void => dispatcher.wake();
    this.#wake = onSettled;
    const workers = new EffectWorkers(
      { workers: [worker], owner: 'one', againMsMin: 3 },
      { ...this, effects, clock, ids: new UuidV7IdSource(), source: '/test', logger, onSettled },
    );
    await dispatcher.start();
    await workers.start();
    this.#stops.push(async () => void (await Promise.all([dispatcher.stop(), workers.stop()])));
  }

  publish(...ids: readonly string[]): Promise<unknown> {
    return this.log.append(
      topic,
      ids.map((id) => recordOf(id)),
    );
  }

  /** Events that the outbox holds. */
  async told(): Promise<ReadonlyArray<{ readonly type: string; readonly cause: string; readonly data: Record<string, unknown> }>> {
    const rows = await this.outbox.take(1000, 0);
    return rows.map(({ record: { headers, value } }) => ({
      type: headers['ce_type'] ?? '',
      cause: headers['ce_causationid'] ?? '',
      data: JSON.parse(value) as never,
    }));
  }

  async stop(): Promise<void> {
    for (const stop of this.#stops.splice(0).reverse()) await stop();
  }
}

let world = new World();
afterEach(async () => {
  await world.stop();
  world = new World();
});

const of = (effect: Effect | undefined): unknown => effect?.payload['of'];

describe('from an event to its effect', () => {
  test('an event is reacted to once, performed once under its key, and its outcome names it as the cause', async () => {
    await world.react([{ reactor: reactorOf() }]);
    await world.work();
    await world.publish('c-1');
    await until(async () => (await world.told()).length === 1);
    const key = intentKey({ tenant: 'acme', eventId: 'c-1', reactor: 'published', kind: 'test-work', lane: 'c-1', index: 0 });
    expect(world.performed.map((one) => one.key)).toEqual([key]);
    const about = { effectKey: key, reactor: 'published', kind: 'test-work', lane: 'c-1', attempts: 1, round: 0 };
    expect(await world.told()).toEqual([{ type: effectSucceeded.type, cause: 'c-1', data: about }]);
    expect(await world.effects.show(key)).toMatchObject({ state: 'succeeded', correlationId: 'c-c-1', tenant: 'acme' });
  });

  test('a new reactor begins at the end: what was there before is over', async () => {
    await world.log.ensureTopic(topic, 12);
    await world.publish('c-old');
    await world.react([{ reactor: reactorOf() }]);
    await world.work();
    await world.publish('c-new');
    await until(() => world.performed.length > 0);
    expect(world.performed.map(of)).toEqual(['c-new']);
  });

  test('what can never be read is set aside, copies of other regions are left to them, and the rest goes on', async () => {
    await world.react([{ reactor: reactorOf() }]);
    await world.work();
    const { headers } = recordOf('c-copy');
    await world.log.append(topic, [
      { ...recordOf('c-1'), value: '{' },
      { ...recordOf('c-1', undefined), headers: { ...headers, ce_origin: 'elsewhere' } },
      { ...recordOf('c-1') },
    ]);
    await until(() => world.performed.length > 0);
    expect(world.performed.map(of)).toEqual(['c-1']);
    expect(world.parked).toHaveLength(1);
  });

  test('what a reactor has to know is asked after its events were read', async () => {
    let known = 'before';
    const reactor: Reactor<DomainEvent, string> = { ...reactorOf(), react: (_, answer) => [{ kind: 'test-work', lane: 'l', payload: { of: answer } }] };
    await world.react([{ reactor, know: async () => known } as BoundReactor]);
    await world.work();
    known = 'after';
    await world.publish('c-1');
    await until(() => world.performed.length === 1);
    expect(world.performed.map(of)).toEqual(['after']);
  });
});

describe('versions and resets', () => {
  test('a newer version takes over without losing or doubling an intent, and the older one ends', async () => {
    const ids = Array.from({ length: 60 }, (_, at) => `c-${at}`);
    const older = await world.react([{ reactor: reactorOf(1) }], 'one');
    for (const id of ids.slice(0, 30)) await world.publish(id);
    await world.react([{ reactor: reactorOf(2) }], 'two');
    for (const id of ids.slice(30)) await world.publish(id);
    await until(async () => (await world.effects.list({ limit: 1000 })).length === ids.length);
    await until(() => older.held.length === 0);
    const effects = await world.effects.list({ limit: 1000 });
    expect(effects.map(of).toSorted()).toEqual(ids.toSorted());
    expect(effects.find((one) => of(one) === 'c-59')?.payload['version']).toBe(2);
  });

  test('a reset reads anew: what was asked for before is not performed again, what was not is', async () => {
    await world.log.ensureTopic(topic, 12);
    await world.publish('c-old');
    await world.react([{ reactor: reactorOf() }]);
    await world.work();
    await world.publish('c-new');
    await until(() => world.performed.length === 1);
    const state = { number: 1, from: 'beginning' };
    await world.aggregates.restore('operation', [{ id: 'published', version: 1n, tenant: 'default', state }]);
    await until(() => world.performed.length === 2);
    await sleep(30);
    expect(world.performed.map(of)).toEqual(['c-new', 'c-old']);
    expect((await world.effects.positions('published')).every(({ reset }) => reset === 1)).toBe(true);
  });
});

describe('tries', () => {
  const outcomes: ReadonlyArray<readonly [string, () => EffectResult, string, number]> = [
    ['fails for good at once', () => ({ outcome: 'failed', message: 'no such thing' }), effectFailed.type, 1],
    ['is abandoned when its tries are used up', () => ({ outcome: 'again', message: 'busy', status: 503 }), effectAbandoned.type, 3],
    [
      'is abandoned when it throws each time',
      () => {
        throw new Error('busy');
      },
      effectAbandoned.type,
      3,
    ],
  ];

  test.each(outcomes)('an effect %s', async (_, result, type, tries) => {
    world.result = result;
    await world.react([{ reactor: reactorOf() }]);
    await world.work();
    await world.publish('c-1');
    await until(async () => (await world.told()).length === 1);
    expect(await world.told()).toMatchObject([{ type, data: { attempts: tries, message: expect.stringMatching(/busy|no such/) } }]);
    expect(await world.effects.attempts(world.performed[0]?.key ?? '')).toHaveLength(tries);
  });

  test('that fails because the database is away was no try', async () => {
    world.result = () => {
      if (world.performed.length < 3) throw new OperatingError('away', { code: 'DATABASE_UNAVAILABLE', retryable: true });
      return { outcome: 'succeeded' };
    };
    await world.react([{ reactor: reactorOf() }]);
    await world.work();
    await world.publish('c-1');
    await until(async () => (await world.told()).length === 1);
    expect(await world.told()).toMatchObject([{ type: effectSucceeded.type, data: { attempts: 1 } }]);
    expect(world.performed).toHaveLength(3);
  });

  test('one that is put off was not tried; one that is asked for again begins anew under its key', async () => {
    world.result = () => (world.performed.length < 5 ? { outcome: 'later', afterMs: 1 } : { outcome: 'failed', message: 'gone' });
    await world.react([{ reactor: reactorOf() }, { reactor: effectRetriesReactor }]);
    await world.work();
    await world.publish('c-1');
    await until(async () => (await world.told()).length === 1);
    const { key } = world.performed[0] as Effect;
    expect(await world.effects.show(key)).toMatchObject({ state: 'failed', attempts: 1 });
    world.result = () => ({ outcome: 'succeeded' });
    const { record } = (await world.outbox.take(1, 0))[0] as { record: LogRecord };
    const value = JSON.stringify({ effectKey: key, reason: 'again' });
    const headers = {
      ...record.headers,
      ce_type: effectRetryRequested.type,
      ce_id: 'retry-1',
      ce_dataschema: `urn:streams:event:${effectRetryRequested.type}:1`,
    };
    await world.log.append('operation', [{ ...record, headers, value }]);
    await until(async () => (await world.effects.show(key))?.state === 'succeeded');
    expect(await world.effects.show(key)).toMatchObject({ round: 1, attempts: 1 });
  });

  test('how it ended is recorded although the store was away for a while', async () => {
    const store = Object.create(world.effects) as EffectStore;
    let failures = 2;
    store.settle = async (settlement: EffectSettlement): Promise<void> => {
      if (failures-- > 0) throw new OperatingError('away', { code: 'DATABASE_UNAVAILABLE', retryable: true });
      return MemoryEffectStore.prototype.settle.call(world.effects, settlement);
    };
    // A prototype's private fields are its own: the methods are bound to the store that has them.
    for (const name of ['enlist', 'delist', 'take', 'hold'] as const)
      store[name] = (world.effects[name] as (...all: never[]) => never).bind(world.effects) as never;
    await world.react([{ reactor: reactorOf() }]);
    await world.work({ store });
    await world.publish('c-1');
    await until(async () => (await world.told()).length === 1);
    expect(world.performed).toHaveLength(1);
  });
});

describe('the queue is derived', () => {
  test('what it loses comes again out of the ledger', async () => {
    await world.react([{ reactor: reactorOf() }]);
    await world.publish('c-1', 'c-2', 'c-3');
    await until(async () => (await world.effects.list({ limit: 9 })).length === 3);
    const lost = await world.effects.enlist({ laneMax: 9, tenantMax: 100, max: 9, lostAfterMs: 60_000 });
    expect(lost).toHaveLength(3);
    await sleep(30);
    await world.work({ lostAfterMs: 20 });
    await until(() => world.performed.length === 3);
    expect(world.performed.map(of).toSorted()).toEqual(['c-1', 'c-2', 'c-3']);
  });

  test('one lane that stands still does not hold up another', async () => {
    const stuck = Promise.withResolvers<void>();
    world.result = async (effect) => {
      if (effect.lane === 'slow') await stuck.promise;
      return { outcome: 'succeeded' };
    };
    const reactor: Reactor<DomainEvent> = {
      ...reactorOf(),
      react: ({ event }) => [{ kind: 'test-work', lane: event.id.startsWith('slow') ? 'slow' : 'quick', payload: {} }],
    };
    await world.react([{ reactor }]);
    await world.work({ laneMax: 2 });
    await world.publish(...Array.from({ length: 9 }, (_, at) => `slow-${at}`), 'quick-1', 'quick-2');
    await until(() => world.performed.filter(({ lane }) => lane === 'quick').length === 2);
    expect(world.performed.filter(({ lane }) => lane === 'slow')).toHaveLength(2);
    stuck.resolve();
    await until(async () => (await world.told()).length === 11);
  });
});

describe('replays', () => {
  test('have effect ports that refuse everything', () => {
    const closed = withoutEffects({ log: world.log, effects: world.effects, jobs: world.jobs });
    expect(closed.log).toBe(world.log);
    const refusal = expect.objectContaining({ code: 'EFFECTS_CLOSED', retryable: false });
    for (const call of [
      () => closed.effects.enlist({ laneMax: 1, tenantMax: 100, max: 1, lostAfterMs: 1 }),
      () => closed.effects.backlog(),
      () => closed.jobs.add([]),
    ]) {
      expect(call).toThrow(refusal);
    }
  });
});

test('a look is shared, and is never older than the question', async () => {
  let asked = 0;
  const shared = new SharedLook(async () => ++asked, 5);
  expect(await Promise.all([shared.look(), shared.look()])).toEqual([1, 1]);
  const running = shared.look();
  await until(() => asked === 2);
  expect(await shared.look()).toBe(3);
  expect(await running).toBe(2);
});
