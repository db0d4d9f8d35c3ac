import { LocalMasterKey, MemoryKeyRing } from '#adapters/master-key';
import {
  ManualClock,
  MemoryAggregateStore,
  MemoryEffectStore,
  MemoryEventLog,
  MemoryJobQueue,
  MemoryKeptErasures,
  MemoryLeaseStore,
  MemoryOutbox,
  MemorySubjectKeyStore,
} from '#adapters/memory';
import { UuidV7IdSource } from '#adapters/system';
import { erasuresReactor, subjectAggregate, subjectAggregateId } from '#domain/access';
import { definitionOf, encodeEvent, playbackStarted, readPersonal, topicPartitions, type EventDefinition, type StoredRecord } from '#events';
import {
  CommandExecutor,
  EffectDispatcher,
  EffectWorkers,
  metrics,
  noTelemetry,
  PersonalData,
  ReactorHost,
  RegionMirror,
  RegionSecrets,
  SubjectKeys,
  type Meter,
  type MetricSpec,
  type RegionSecretsInit,
  type Telemetry,
} from '#runtime';
import { afterEach, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { OperatingError } from '#kernel';
import type { WrappedKey } from '#ports';
import { ErasureKeeper } from './erasure-keeper.ts';
import { ErasureWorker } from './erasure-worker.ts';
import { RegionErasures, type HeardErasure } from './region-erasures.ts';

const told: string[] = [];
const logger = pino({ level: 'warn' }, { write: (line: string) => void told.push((JSON.parse(line) as { msg: string }).msg) });
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
  readonly kept = new MemoryKeptErasures();
  readonly stops: Array<() => Promise<unknown>> = [];
  telemetry: Telemetry = noTelemetry();
  master = new LocalMasterKey(new MemoryKeyRing());
  readonly #followed = new Map<string, MemoryEventLog>();
  secrets = new RegionSecrets();
  personal = this.#personalOf();
  erasures = this.#erasuresOf();

  constructor(current: string | undefined) {
    this.set({ current });
  }

  /** What processes are that begin with these settings. */
  set(secrets: RegionSecretsInit): void {
    this.secrets = new RegionSecrets(secrets);
    this.personal = this.#personalOf();
    this.erasures = this.#erasuresOf();
  }

  #personalOf(): PersonalData {
    const personal = new PersonalData(new SubjectKeys({ pollMs: 5 }, { ...this, logger }));
    this.stops.push(async () => personal.keys.stop());
    return personal;
  }

  #erasuresOf(): RegionErasures {
    return new RegionErasures({ ...this, source: '/test', logger });
  }

  /** All processes anew, with other settings. */
  async restart(secrets: RegionSecretsInit): Promise<void> {
    await this.end();
    this.set(secrets);
    await this.start();
    for (const [name, source] of this.#followed) await this.follow(name, source);
  }

  async end(): Promise<void> {
    for (const stop of this.stops.splice(0)) await stop();
  }

  async start(): Promise<void> {
    for (const topic of topics) await this.log.ensureTopic(topic, topicPartitions);
    const dispatcher = new EffectDispatcher({ laneMax: 1, tenantMax: 10, lostAfterMs: 1000, keepMs: 1e9, lookMs: 5 }, { ...this, logger });
    const onSettled = (): void => dispatcher.wake();
    const worker = new ErasureWorker({ store: this.store, erasures: this.erasures });
    const workers = new EffectWorkers({ workers: [worker], owner: 'one', againMsMin: 3 }, { ...this, source: '/test', logger, onSettled });
    const reactors = { reactors: [{ reactor: erasuresReactor }], owner: 'one', leaseTtlMs: 300, renewIntervalMs: 20 };
    const host = new ReactorHost(reactors, { ...this, logger, onIntents: onSettled });
    await dispatcher.start();
    await workers.start();
    await host.start();
    const keeper = new ErasureKeeper({ owner: 'one', lookMs: 5, retryMs: 1 }, { ...this, logger });
    keeper.start();
    this.stops.unshift(
      () => keeper.stop(),
      () => host.stop(),
      () => dispatcher.stop(),
      () => workers.stop(),
    );
  }

  /** Copies what another region writes, from now on. */
  async follow(name: string, source: MemoryEventLog): Promise<void> {
    this.#followed.set(name, source);
    const mirror = new RegionMirror({ origin: name, topics, limits }, { source, target: this.log, logger });
    await mirror.start();
    this.stops.unshift(() => mirror.stop());
  }

  async watch(sessionId: string, who = 'v-4711'): Promise<void> {
    const data = { sessionId, assetKind: 'stream', assetId: 'st-1', startupMs: 1, player: 'p', viewer: who };
    const sealed = await this.personal.seal({ definition, eventId: sessionId, data }, { tenant: 'default', subject: `viewer:${who}` });
    const about = { id: sessionId, type: playbackStarted.type, version: playbackStarted.version, subject: sessionId, key: sessionId };
    const meta = { source: '/player', time: this.clock.now(), tenant: 'default', correlationId: 'c', causationId: 'c', traceparent: '', actor: 'key:k' };
    await this.log.append('playback', [encodeEvent({ ...about, ...meta, streamVersion: 0n, producerEpoch: 0n, data: sealed.data })]);
  }

  /** As the gateway does. */
  async erase(): Promise<void> {
    const { keys } = this.personal;
    const [subject, shared, check] = [await keys.standInOf(viewer), this.secrets.standInOf(viewer), this.secrets.check];
    const keyIds = (await this.store.ofSubject(subject)).filter(({ key }) => key !== undefined).map(({ keyId }) => keyId);
    const commit: MemoryAggregateStore['commit'] = (decided) => this.store.erase(keyIds, this.clock.now(), decided);
    const load: MemoryAggregateStore['load'] = (context, id) => this.aggregates.load(context, id);
    const elsewhere = shared === undefined || check === undefined ? undefined : { shared, check, ofTenant: null };
    const command = { type: 'EraseSubject', subject, tenant: 'default', keyIds, reason: 'asked for it', elsewhere } as const;
    const commands = new CommandExecutor({ aggregates: { load, commit }, clock: this.clock, ids: this.ids, source: '/test' });
    await commands.execute(subjectAggregate, subjectAggregateId(subject, 'default'), command, { actor: 'key:k', correlationId: 'c' });
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

  /** Erasures that this region put on record itself. */
  async own(): Promise<readonly StoredRecord[]> {
    return (await this.records('access')).filter(({ headers }) => headers['ce_origin'] === undefined);
  }

  /** How each playback's viewer reads here. */
  async viewers(): Promise<Readonly<Record<string, string>>> {
    const data = (await this.records('playback')).map(({ value }) => JSON.parse(value) as { sessionId: string; viewer: string });
    return Object.fromEntries(data.map(({ sessionId, viewer: who }) => [sessionId, readPersonal(who).is]));
  }
}

let regions: readonly Region[] = [];
afterEach(async () => {
  for (const region of regions) await region.end();
  told.length = 0;
});

async function two(secret?: string, inSouth = secret ?? ''): Promise<readonly [Region, Region]> {
  const [north, south] = [new Region(secret), new Region(inSouth === '' ? undefined : inSouth)];
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
  const facts = await south.own();
  expect(facts.map(({ headers, value }) => [headers['ce_type'], headers['ce_actor'], JSON.parse(value)])).toEqual([
    ['subject.erased', 'system:projector', { subject: expect.any(String), keyIds: [expect.any(String)], reason: 'asked for it', tenant: 'default' }],
  ]);
  expect(JSON.stringify(facts.map(({ value }) => value))).not.toContain('4711');
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

const right = 'a-secret-of-regions';
const wrong = 'another-secret-than-that';

async function waiting(region: Region): Promise<number> {
  return (await region.kept.counts()).reduce((sum, { count }) => sum + count, 0);
}

/** What a region has put on record itself, with all that it has decided. */
async function factsOf(region: Region): Promise<readonly StoredRecord[]> {
  await until(async () => (await region.outbox.backlog()).rows === 0);
  return region.own();
}

const waits = (region: Region, count: number) => until(async () => (await waiting(region)) === count);

test('an erasure under another secret is kept, told of once, and shown in both regions', async () => {
  const [north, south] = await two(right, wrong);
  await north.erase();
  await waits(south, 1);
  await south.erase();
  await waits(north, 1);
  await north.erase();
  await waits(south, 2);
  expect(told.toSorted()).toEqual(
    ['north', 'south'].map((name) => `erasures of the region ${name} are kept, not done: its REGION_SECRET is another than ours`),
  );
  await until(async () => south.telemetry.health.moving().remarks.length > 0);
  expect(south.telemetry.health.moving()).toMatchObject({
    ok: true,
    remarks: [expect.stringMatching(/^(1 erasure of the region north is|2 erasures of the region north are) kept, not done/)],
  });
  const all = JSON.stringify([await south.kept.kept(9), (await north.records('access')).map(({ value }) => value), told]);
  for (const secret of [right, wrong, '4711']) expect(all).not.toContain(secret);
});

test('what a wrong secret had linked is linked anew at the start, what is kept is done then, and is on record once', async () => {
  const [north, south] = await two(right, wrong);
  await north.erase();
  await waits(south, 1);
  expect((await south.viewers())['ps-south']).toBe('clear');
  await south.restart({ current: right });
  await until(async () => isErased(await north.viewers()) && isErased(await south.viewers()));
  await waits(south, 0);
  expect((await factsOf(south)).map(({ value }) => JSON.parse(value))).toEqual([
    { subject: expect.any(String), keyIds: [expect.any(String)], reason: 'asked for it', tenant: 'default' },
  ]);
});

test('what a region has asked by a secret that is lost is settled when it asks by the right one', async () => {
  const [north, south] = await two(right, wrong);
  await south.erase();
  await south.erase();
  await waits(north, 2);
  await south.restart({ current: right });
  await south.erase();
  await until(async () => isErased(await north.viewers()));
  await waits(north, 0);
  expect(await factsOf(north)).toHaveLength(1);
});

test('what a region has asked by a wrong secret is done where that is named as a former one', async () => {
  const [north, south] = await two(right, wrong);
  await south.erase();
  await waits(north, 1);
  await north.restart({ current: right, former: [wrong] });
  await until(async () => (await north.viewers())['ps-north'] === 'erased');
  await waits(north, 0);
});

test('a region without the secret, or without its master key, keeps what it hears until it has them', async () => {
  const [north, south] = await two(right, '');
  await north.erase();
  await waits(south, 1);
  const { master } = south;
  south.master = new LocalMasterKey(new MemoryKeyRing());
  await south.restart({ current: right });
  await until(async () => told.some((line) => /: 1 key of our own personal data cannot be unwrapped by the master key mk-/.test(line)));
  expect(await waiting(south)).toBe(1);
  south.master = master;
  await south.restart({ current: right });
  await until(async () => (await south.viewers())['ps-south'] === 'erased');
  expect(await factsOf(south)).toHaveLength(1);
});

test('of two at once, both ended in the middle, the next one finds what is done, and nothing is on record twice', async () => {
  const [north, south] = await two(right, wrong);
  await north.erase();
  await waits(south, 1);
  await south.end();
  south.set({ current: right });
  const settle = south.kept.settle.bind(south.kept);
  south.kept.settle = () => Promise.reject(new Error('the process ended here'));
  const ended = await Promise.allSettled([south.erasures.begin(), south.erasures.begin()]);
  expect(ended.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  south.kept.settle = settle;
  expect(await waiting(south)).toBe(1);
  await south.erasures.begin();
  expect(await factsOf(south)).toHaveLength(1);
  expect(await waiting(south)).toBe(0);
});

/** Has lost what some keys are wrapped by, and counts how often it is asked. */
class HoledMasterKey extends LocalMasterKey {
  readonly lost = new Set<string>();
  tries = 0;

  override async unwrap(key: WrappedKey): Promise<Uint8Array> {
    if (!this.lost.has(Buffer.from(key.wrapped).toString('hex'))) return super.unwrap(key);
    this.tries++;
    throw new OperatingError('It is lost.', { code: 'MASTER_KEY_MISSING', retryable: false });
  }
}

/** A region that wrote of people before it had a secret; the key of the first of them is lost. */
async function withLostKey(): Promise<{ readonly region: Region; readonly master: HoledMasterKey }> {
  const region = new Region(undefined);
  regions = [region];
  const master = new HoledMasterKey(new MemoryKeyRing());
  region.master = master;
  region.set({});
  for (const topic of topics) await region.log.ensureTopic(topic, topicPartitions);
  await region.watch('ps-lost');
  await region.watch('ps-other', 'v-other');
  const [key] = await region.store.ofSubject(await region.personal.keys.standInOf(viewer));
  master.lost.add(Buffer.from(key?.key?.wrapped ?? []).toString('hex'));
  region.set({ current: right });
  return { region, master };
}

let erasures = 0;
/** As another region asks for it. */
function heard(region: Region, who: string, order: Partial<HeardErasure['order']> = {}, heardAtMs = region.clock.now()): HeardErasure {
  const shared = region.secrets.standInOf(`viewer:${who}`) ?? null;
  const number = ++erasures;
  const about = { keyIds: [], subject: `there-${number}`, tenant: 'default', reason: 'asked for it', erasedAtMs: heardAtMs, origin: 'north' };
  const whole = { ...about, shared, check: region.secrets.check ?? null, ofTenant: null, ...order };
  return { order: whole, eventId: `er-${number}`, heardAtMs, correlationId: 'c' };
}

test('one key that cannot be unwrapped holds back what may mean its subject, and nothing else; it is told, counted, and tried once a minute', async () => {
  const { region, master } = await withLostKey();
  await region.erasures.take(heard(region, 'v-other'));
  expect((await region.viewers())['ps-other']).toBe('erased');
  const { tries } = master;
  for (let at = 0; at < 20; at++) await region.erasures.take(heard(region, `v-nobody-${at}`));
  await region.erasures.take(heard(region, 'v-4711'));
  expect(await waiting(region)).toBe(21);
  expect(master.tries).toBe(tries);
  // Of another tenant, or long before the key was made: it cannot be meant.
  await region.erasures.take(heard(region, 'v-nobody', { ofTenant: 'acme' }));
  await region.erasures.take(heard(region, 'v-nobody', {}, region.clock.now() - 3_600_000));
  expect(await waiting(region)).toBe(21);
  expect(region.erasures.locked).toMatchObject([{ tenant: 'default', count: 1, masterIds: [expect.stringMatching(/^mk-/)] }]);
  expect(told.filter((line) => line.startsWith('erasures'))).toEqual([
    expect.stringMatching(/^erasures of the region north are kept, not done: 1 key of our own .* by the master key mk-\w+, and may be of those who are meant/),
  ]);

  master.lost.clear();
  region.clock.advance(60_001);
  await region.erasures.goOn();
  expect(await waiting(region)).toBe(0);
  expect((await region.viewers())['ps-lost']).toBe('erased');
  expect(region.erasures.locked).toEqual([]);
});

test('an erasure that cannot be done now holds back none that comes behind it', async () => {
  const { region } = await withLostKey();
  for (const who of ['v-broken', 'v-other']) {
    const one = heard(region, who);
    const { origin, subject, check } = one.order;
    await region.kept.keep({ eventId: one.eventId, origin, subject, check: check ?? '', heardAtMs: one.heardAtMs, order: { ...one } });
  }
  const linked = region.store.linked.bind(region.store);
  const broken = region.secrets.standInOf('viewer:v-broken');
  region.store.linked = (shared) => (shared === broken ? Promise.reject(new Error('the database went away')) : linked(shared));
  await expect(region.erasures.goOn()).rejects.toThrow('the database went away');
  expect((await region.viewers())['ps-other']).toBe('erased');
  expect(await waiting(region)).toBe(1);
});

test('of a region two reasons to keep erasures are both told, each once', async () => {
  const { region } = await withLostKey();
  for (let twice = 0; twice < 2; twice++) {
    await region.erasures.take(heard(region, 'v-nobody'));
    await region.erasures.take(heard(region, 'v-nobody', { check: 'of-another-secret' }));
  }
  expect(told).toEqual([expect.stringContaining('cannot be unwrapped'), expect.stringContaining('its REGION_SECRET is another than ours')]);
});

test('an erasure of a version before is done for whom any of our secrets names; about somebody unknown it is passed over, told and counted', async () => {
  const region = new Region(right);
  regions = [region];
  const counted: unknown[] = [];
  const meter = Object.create(region.telemetry.meter) as Meter;
  meter.counter = ({ name }: MetricSpec) => ({ add: (value: number, labels: object) => void counted.push([name, value, labels]), reach: () => undefined });
  region.telemetry = { ...region.telemetry, meter };
  for (const topic of topics) await region.log.ensureTopic(topic, topicPartitions);
  await region.watch('ps-other', 'v-other');
  region.set({ current: 'a-newer-secret-of-regions', former: [right] });
  const before = new RegionSecrets({ current: right });
  await region.erasures.take(heard(region, 'v-other', { check: null, shared: before.standInOf('viewer:v-other') ?? null }));
  expect((await region.viewers())['ps-other']).toBe('erased');
  expect(told).toEqual([]);
  for (let twice = 0; twice < 2; twice++) await region.erasures.take(heard(region, 'v-nobody', { check: null }));
  expect(told).toEqual([expect.stringMatching(/^erasures of the region north are passed over: they do not say by which secret/)]);
  const one = [metrics.passedOverErasures.name, 1, { origin: 'north' }];
  expect(counted).toEqual([one, one]);
  expect(await waiting(region)).toBe(0);
});
