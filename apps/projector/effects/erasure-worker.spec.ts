import { LocalMasterKey, MemoryKeyRing } from '#adapters/master-key';
import {
  ManualClock,
  MemoryAggregateStore,
  MemoryEffectStore,
  MemoryEventLog,
  MemoryJobQueue,
  MemoryLeaseStore,
  MemoryOutbox,
  MemorySubjectKeyStore,
} from '#adapters/memory';
import { UuidV7IdSource } from '#adapters/system';
import { erasuresReactor, subjectAggregate, subjectAggregateId } from '#domain/access';
import { definitionOf, encodeEvent, playbackStarted, readPersonal, topicPartitions, type EventDefinition, type StoredRecord } from '#events';
import { CommandExecutor, EffectDispatcher, EffectWorkers, PersonalData, ReactorHost, RegionMirror, SubjectKeys } from '#runtime';
import { afterEach, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { ErasureWorker } from './erasure-worker.ts';

const logger = pino({ level: 'silent' });
const limits = { recordsMax: 1000, bytesMax: 1_000_000, waitMs: 5 };
const topics = ['access', 'playback'] as const;
const viewer = 'viewer:v-4711';
const definition = definitionOf(playbackStarted.type) as EventDefinition;

/** One region in memory: its log, keys under a master key of its own, and what performs erasures. */
class Region {
  readonly clock = new ManualClock(Date.now());
  readonly ids = new UuidV7IdSource();
  readonly outbox = new MemoryOutbox(this.clock);
  readonly aggregates = new MemoryAggregateStore(this.outbox);
  readonly log = new MemoryEventLog(this.clock);
  readonly leases = new MemoryLeaseStore(this.clock);
  readonly effects = new MemoryEffectStore({ clock: this.clock, outbox: this.outbox });
  readonly jobs = new MemoryJobQueue();
  readonly store = new MemorySubjectKeyStore(this.aggregates, this.clock);
  readonly master = new LocalMasterKey(new MemoryKeyRing());
  readonly personal: PersonalData;
  readonly stops: Array<() => Promise<unknown>> = [];

  constructor(regionSecret: string | undefined) {
    this.personal = new PersonalData(new SubjectKeys({ pollMs: 5 }, { ...this, logger, regionSecret }));
    this.stops.push(async () => this.personal.keys.stop());
  }

  async start(): Promise<void> {
    for (const topic of topics) await this.log.ensureTopic(topic, topicPartitions);
    const dispatcher = new EffectDispatcher({ laneMax: 1, lostAfterMs: 1000, keepMs: 1e9, lookMs: 5 }, { ...this, logger });
    const onSettled = (): void => dispatcher.wake();
    const worker = new ErasureWorker({ ...this, source: '/test', logger });
    const workers = new EffectWorkers({ workers: [worker], owner: 'one', againMsMin: 3 }, { ...this, source: '/test', logger, onSettled });
    const reactors = { reactors: [{ reactor: erasuresReactor }], owner: 'one', leaseTtlMs: 300, renewIntervalMs: 20 };
    const host = new ReactorHost(reactors, { ...this, logger, onIntents: onSettled });
    await dispatcher.start();
    await workers.start();
    await host.start();
    this.stops.unshift(
      () => host.stop(),
      () => dispatcher.stop(),
      () => workers.stop(),
    );
  }

  /** Copies what another region writes, from now on. */
  async follow(name: string, source: MemoryEventLog): Promise<void> {
    const mirror = new RegionMirror({ origin: name, topics, limits }, { source, target: this.log, logger });
    await mirror.start();
    this.stops.unshift(() => mirror.stop());
  }

  async watch(sessionId: string): Promise<void> {
    const data = { sessionId, assetKind: 'stream', assetId: 'st-1', startupMs: 1, player: 'p', viewer: 'v-4711' };
    const sealed = await this.personal.seal({ definition, eventId: sessionId, data }, { tenant: 'default', subject: viewer });
    const about = { id: sessionId, type: playbackStarted.type, version: playbackStarted.version, subject: sessionId, key: sessionId };
    const meta = { source: '/player', time: this.clock.now(), tenant: 'default', correlationId: 'c', causationId: 'c', traceparent: '', actor: 'key:k' };
    await this.log.append('playback', [encodeEvent({ ...about, ...meta, streamVersion: 0n, producerEpoch: 0n, data: sealed.data })]);
  }

  /** As the gateway does. */
  async erase(): Promise<void> {
    const { keys } = this.personal;
    const [subject, shared] = [await keys.standInOf(viewer), keys.sharedStandInOf(viewer)];
    const keyIds = (await this.store.ofSubject(subject)).filter(({ key }) => key !== undefined).map(({ keyId }) => keyId);
    const commit: MemoryAggregateStore['commit'] = (decided) => this.store.erase(keyIds, this.clock.now(), decided);
    const load: MemoryAggregateStore['load'] = (context, id) => this.aggregates.load(context, id);
    const elsewhere = shared === undefined ? undefined : { shared, ofTenant: null };
    const command = { type: 'EraseSubject', subject, keyIds, reason: 'asked for it', elsewhere } as const;
    const commands = new CommandExecutor({ aggregates: { load, commit }, clock: this.clock, ids: this.ids, source: '/test' });
    await commands.execute(subjectAggregate, subjectAggregateId(subject), command, { actor: 'key:k', correlationId: 'c' });
  }

  /** As the outbox relay does. */
  async relay(): Promise<void> {
    for (const { topic, record, sequence } of await this.outbox.take(1000, 0)) {
      if (topic === 'access') await this.log.append(topic, [record]);
      await this.outbox.forget(sequence);
    }
  }

  async records(topic: string): Promise<readonly StoredRecord[]> {
    const parts = Array.from({ length: topicPartitions }, (_, partition) => this.log.read(topic, partition, 0n, { ...limits, waitMs: 0 }));
    return this.personal.openRecords((await Promise.all(parts)).flatMap(({ records }) => records));
  }

  /** How each playback's viewer reads here. */
  async viewers(): Promise<Readonly<Record<string, string>>> {
    const data = (await this.records('playback')).map(({ value }) => JSON.parse(value) as { sessionId: string; viewer: string });
    return Object.fromEntries(data.map(({ sessionId, viewer: who }) => [sessionId, readPersonal(who).is]));
  }
}

let regions: readonly Region[] = [];
afterEach(async () => {
  for (const region of regions) for (const stop of region.stops.splice(0)) await stop();
});

async function two(secret?: string): Promise<readonly [Region, Region]> {
  const [north, south] = [new Region(secret), new Region(secret)];
  regions = [north, south];
  for (const region of regions) await region.start();
  await north.follow('south', south.log);
  await south.follow('north', north.log);
  await north.watch('ps-north');
  await south.watch('ps-south');
  return [north, south];
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) {
    for (const region of regions) await region.relay();
    await sleep(5);
  }
}

const isErased = ({ 'ps-north': one, 'ps-south': other }: Readonly<Record<string, string>>): boolean => one === 'erased' && other === 'erased';

test('what one region erases is erased in the other, by its own key, on record there, and seen as erased in both', async () => {
  const [north, south] = await two('a-secret-of-regions');
  expect(await south.viewers()).toMatchObject({ 'ps-south': 'clear' });
  await north.erase();
  await until(async () => isErased(await north.viewers()) && isErased(await south.viewers()));
  const told = (await south.records('access')).filter(({ headers }) => headers['ce_origin'] === undefined);
  expect(told.map(({ headers, value }) => [headers['ce_type'], headers['ce_actor'], JSON.parse(value)])).toEqual([
    ['subject.erased', 'system:projector', { subject: expect.any(String), keyIds: [expect.any(String)], reason: 'asked for it' }],
  ]);
  expect(JSON.stringify(told.map(({ value }) => value))).not.toContain('4711');
  // Who comes back is somebody new, and no copy of the erasure is done again.
  south.clock.advance(60_000);
  await south.watch('ps-again');
  for (let round = 0; round < 5; round++) await until(async () => (await south.outbox.backlog()).rows === 0);
  expect(await south.viewers()).toMatchObject({ 'ps-south': 'erased', 'ps-again': 'clear' });
});

test('a region that knows nobody of the name tells the others', async () => {
  const [north, south] = [new Region('a-secret-of-regions'), new Region('a-secret-of-regions')];
  regions = [north, south];
  for (const region of regions) await region.start();
  await south.watch('ps-south');
  await south.follow('north', north.log);
  await north.erase();
  await until(async () => (await south.viewers())['ps-south'] === 'erased');
});

test('without a secret the others keep their own keys, and see as erased what is', async () => {
  const [north, south] = await two();
  await north.erase();
  await until(async () => (await south.viewers())['ps-north'] === 'erased');
  expect(await south.viewers()).toEqual({ 'ps-north': 'erased', 'ps-south': 'clear' });
});
