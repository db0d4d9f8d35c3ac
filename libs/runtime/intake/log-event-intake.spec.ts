import { afterEach, describe, expect, test } from '@jest/globals';
import { MemoryEventLog, MemoryLeaseStore, MemoryPublicationStore } from '#adapters/memory';
import { SystemClock } from '#adapters/system';
import { contentPublished, contexts, playbackStarted, topicPartitions, type IncomingEvent, type LogRecord } from '#events';
import { OperatingError } from '#kernel';
import type { AppendOptions, EventLog, Position } from '#ports';
import { pino } from 'pino';
import { PromMeter } from '../telemetry/metrics/prom-meter.ts';
import { observeIntake } from '../telemetry/observed/observe-intake.ts';
import { noTelemetry } from '../telemetry/telemetry.ts';
import type { PublishingCaller, PublishOutcome } from './event-intake.ts';
import { LogEventIntake, type LogEventIntakeInit } from './log-event-intake.ts';
import { publicationKeyOf } from './publication-key.ts';

const clock = new SystemClock();
const logger = pino({ level: 'silent' });
const caller: PublishingCaller = { tenant: 'acme', actor: 'key:k-1', correlationId: 'r-1', traceparent: '', mayPublish: () => true };

/** A log that can be told to fail before or after it has written. */
class FaultyLog extends MemoryEventLog {
  readonly failures: Array<'before' | 'after' | 'fenced'> = [];
  /** Held until called, as by a process that is paused. */
  hold: Promise<void> | undefined;
  appends = 0;

  override async append(topic: string, records: readonly LogRecord[], options: AppendOptions = {}): Promise<readonly Position[]> {
    if (records.length > 0) {
      this.appends++;
      await this.hold;
      const failure = this.failures.shift();
      if (failure === 'after') await super.append(topic, records, options);
      if (failure === 'fenced') throw new OperatingError('Fenced.', { code: 'PRODUCER_FENCED', retryable: false });
      if (failure !== undefined) throw new OperatingError('The log is away.', { code: 'LOG_UNAVAILABLE', retryable: true });
    }
    return super.append(topic, records, options);
  }
}

let world: { log: FaultyLog; publications: MemoryPublicationStore; leases: MemoryLeaseStore };
const intakes: LogEventIntake[] = [];

async function open(): Promise<void> {
  world = { log: new FaultyLog(clock), publications: new MemoryPublicationStore(clock), leases: new MemoryLeaseStore(clock) };
  for (const topic of contexts) await world.log.ensureTopic(topic, topicPartitions);
}

function intake(init: Partial<LogEventIntakeInit> = {}, log: EventLog = world.log): LogEventIntake {
  const one = new LogEventIntake(
    { owner: `gateway-${intakes.length}`, leaseTtlMs: 60, patienceMs: 2_000, appendBudgetMs: 60, ...init },
    { ...world, log, clock, logger },
  );
  intakes.push(one);
  return one;
}

afterEach(async () => {
  await Promise.all(intakes.splice(0).map((one) => one.stop()));
});

function published(id: string, data: object = {}, attributes: object = {}): IncomingEvent {
  const value = { ...(contentPublished.samples[0] as object), contentId: `c-${id}`, ...data };
  return { attributes: { specversion: '1.0', id, type: contentPublished.type, source: '/cms', ...attributes }, data: { value } };
}

function started(id: string): IncomingEvent {
  return { attributes: { specversion: '1.0', id, type: playbackStarted.type, source: '/player' }, data: { value: playbackStarted.samples[0] } };
}

async function idsOn(topic: string): Promise<string[]> {
  const limits = { recordsMax: 10_000, bytesMax: 1e9, waitMs: 0 };
  const parts = await Promise.all(Array.from({ length: topicPartitions }, (_, at) => world.log.read(topic, at, 0n, limits)));
  return parts.flatMap(({ records }) => records.map(({ headers }) => headers['ce_id'] ?? '')).sort();
}

const shown = (outcomes: readonly PublishOutcome[]) =>
  outcomes.map((one) => (one.accepted ? `${one.id}${one.duplicate ? ' again' : ''}` : `${one.code} ${one.field}`.trim()));

describe('publishing', () => {
  test('of events of one content that name no time each is later than the one before, in a request and over two', async () => {
    await open();
    const one = intake();
    const of = (id: string, attributes: object = {}): IncomingEvent => published(id, { contentId: 'c' }, attributes);
    await one.publish([of('a'), of('b'), of('named', { time: '2026-01-02T03:04:05.006Z' }), of('c')], caller, { together: false });
    await one.publish([of('d'), published('other')], caller, { together: false });
    const limits = { recordsMax: 100, bytesMax: 1e9, waitMs: 0 };
    const parts = await Promise.all(Array.from({ length: topicPartitions }, (_, at) => world.log.read('content', at, 0n, limits)));
    const times = new Map(parts.flatMap(({ records }) => records.map(({ headers }) => [headers['ce_id'], Date.parse(headers['ce_time'] ?? '')] as const)));
    const [a = 0, b = 0, c = 0, d = 0] = ['a', 'b', 'c', 'd'].map((id) => times.get(id));
    expect([b - a, c - b, d - c].every((apart) => apart >= 1)).toBe(true);
    expect(times.get('named')).toBe(Date.parse('2026-01-02T03:04:05.006Z'));
    expect(times.get('other')).toBeLessThanOrEqual(Date.now());
  });

  test('one append per topic for all requests of a moment, in the order of the calls', async () => {
    await open();
    const door = intake();
    const calls = [
      door.publish([published('a'), started('s')], caller, { together: true }),
      ...['b', 'c', 'd'].map((id) => door.publish([published(id, { contentId: 'same' })], caller, { together: true })),
    ];
    const outcomes = (await Promise.all(calls)).flat();
    expect(shown(outcomes)).toEqual(['a', 's', 'b', 'c', 'd']);
    expect(world.log.appends).toBe(2);
    const places = outcomes.slice(2).map((one) => (one.accepted ? one.offset : -1n));
    expect(places).toEqual([...places].sort((a, b) => Number(a - b)));
    expect(await idsOn('content')).toEqual(['a', 'b', 'c', 'd']);
  });

  test('a repetition is answered with the first place, another content with a conflict', async () => {
    await open();
    const [first] = await intake().publish([published('a')], caller, { together: true });
    const [again] = await intake().publish([published('a')], caller, { together: true });
    expect(again).toEqual({ ...first, duplicate: true });
    const [other] = await intake().publish([published('a', { title: 'Other' })], caller, { together: true });
    expect(other).toMatchObject({ accepted: false, code: 'EVENT_ID_CONFLICT', field: 'id', retryable: false });
    expect(shown(await intake().publish([published('a')], { ...caller, tenant: 'other' }, { together: true }))).toEqual(['a']);
    expect(await idsOn('content')).toEqual(['a', 'a']);
  });

  test('is counted by transport and by how it ended', async () => {
    await open();
    const meter = new PromMeter(logger);
    const door = observeIntake(intake({ patienceMs: 30 }), { ...noTelemetry(), meter });
    const byRest = { together: false, transport: 'rest' } as const;
    await door.publish([published('a'), published('b', { url: 'nonsense' })], caller, byRest);
    await door.publish([published('a')], caller, { ...byRest, transport: 'grpc' });
    world.log.failures.push(...Array.from({ length: 200 }, () => 'before' as const));
    await expect(door.publish([published('c')], caller, byRest)).rejects.toMatchObject({ code: 'INTAKE_UNAVAILABLE' });
    world.log.failures.length = 0;
    const text = await meter.exposition();
    expect(text).toContain('streams_intake_events_total{transport="rest",outcome="accepted"} 1');
    expect(text).toContain('streams_intake_events_total{transport="rest",outcome="EVENT_DATA_INVALID"} 1');
    expect(text).toContain('streams_intake_events_total{transport="grpc",outcome="duplicate"} 1');
    expect(text).toContain('streams_intake_errors_total{transport="rest",code="INTAKE_UNAVAILABLE"} 1');
    expect(text).toMatch(/streams_intake_waiting_events \d/);
  });

  test('together, one wrong event refuses all; apart, itself alone', async () => {
    await open();
    const door = intake();
    const events = [published('a'), published('b', { url: 'nonsense' }), started('s')];
    expect(shown(await door.publish(events, caller, { together: true }))).toEqual([
      'EVENT_BATCH_REFUSED',
      'EVENT_DATA_INVALID data.url',
      'EVENT_BATCH_REFUSED',
    ]);
    expect(await idsOn('content')).toEqual([]);
    expect(shown(await door.publish(events, caller, { together: false }))).toEqual(['a', 'EVENT_DATA_INVALID data.url', 's']);
    const conflicting = [published('a', { title: 'Other' }), published('new')];
    expect(shown(await door.publish(conflicting, caller, { together: true }))).toEqual(['EVENT_ID_CONFLICT id', 'EVENT_BATCH_REFUSED']);
    // What was refused with its batch took no id: it can be published.
    expect(shown(await door.publish([published('new')], caller, { together: true }))).toEqual(['new']);
    expect(await idsOn('content')).toEqual(['a', 'new']);
  });

  test('the same id twice in one call is once on the log, or a conflict', async () => {
    await open();
    const door = intake();
    expect(shown(await door.publish([published('a'), published('a')], caller, { together: true }))).toEqual(['a', 'a again']);
    expect(shown(await door.publish([published('b'), published('b', { title: 'x' })], caller, { together: true }))).toEqual([
      'EVENT_BATCH_REFUSED',
      'EVENT_ID_CONFLICT id',
    ]);
    expect(await idsOn('content')).toEqual(['a']);
  });

  test('two gateways at once with the same ids: each is on the log once, and both are told where', async () => {
    await open();
    const [one, two] = [intake(), intake()];
    const events = Array.from({ length: 40 }, (_, at) => published(`e-${String(at).padStart(2, '0')}`));
    const [first, second] = await Promise.all([one.publish(events, caller, { together: true }), two.publish(events.toReversed(), caller, { together: true })]);
    const place = (outcomes: readonly PublishOutcome[]) =>
      outcomes.map((each) => (each.accepted ? `${each.id} ${each.partition}/${each.offset}` : each.code)).sort();
    expect(place(first)).toEqual(place(second));
    expect(await idsOn('content')).toEqual(events.map(({ attributes }) => attributes['id']));
  });

  test('the ids of the next group are reserved while one is appended; one that both have is a repetition', async () => {
    await open();
    const { promise, resolve } = Promise.withResolvers<void>();
    world.log.hold = promise;
    const second = Promise.withResolvers<void>();
    const reserve = world.publications.reserve.bind(world.publications);
    let reservations = 0;
    world.publications.reserve = async (reservation) => {
      if (++reservations === 2) second.resolve();
      return reserve(reservation);
    };
    const door = intake({ groupEventsMax: 2 });
    const calls = [
      ['a', 'b'],
      ['b', 'c'],
    ].map((ids) =>
      door.publish(
        ids.map((id) => published(id)),
        caller,
        { together: true },
      ),
    );
    await second.promise;
    expect(await idsOn('content')).toEqual([]);
    resolve();
    expect((await Promise.all(calls)).map(shown)).toEqual([
      ['a', 'b'],
      ['b again', 'c'],
    ]);
    expect(await idsOn('content')).toEqual(['a', 'b', 'c']);
  });

  test('too large, too old an id, nothing at all', async () => {
    await open();
    const door = intake();
    expect(await door.publish([], caller, { together: true })).toEqual([]);
    const large = published('a', {}, Object.fromEntries(Array.from({ length: 16 }, (_, at) => [`x${at}`, 'y'.repeat(1024)])));
    expect(shown(await door.publish([large], caller, { together: true }))).toEqual(['a']);
    const tooLarge: IncomingEvent = {
      ...published('b'),
      data: { json: JSON.stringify({ ...(contentPublished.samples[0] as object) }) + ' '.repeat(1_048_576) },
    };
    expect(shown(await door.publish([tooLarge], caller, { together: true }))).toEqual(['EVENT_TOO_LARGE data']);
    const uuid = (ms: number) =>
      `${ms
        .toString(16)
        .padStart(12, '0')
        .replace(/(.{8})/, '$1-')}-7000-8000-000000000001`;
    const [old, ahead, now] = [uuid(clock.now() - 9 * 86_400_000), uuid(clock.now() + 2 * 86_400_000), uuid(clock.now())];
    expect(shown(await door.publish([published(old), published(ahead), published(now)], caller, { together: false }))).toEqual([
      'EVENT_TIME_INVALID id',
      'EVENT_TIME_INVALID id',
      now,
    ]);
  });
});

describe('in bad weather', () => {
  test('an append that failed, or whose answer was lost, is tried again and is there once', async () => {
    await open();
    world.log.failures.push('before', 'after');
    const door = intake({ appendBudgetMs: 2_000 });
    expect(shown(await door.publish([published('a')], caller, { together: true }))).toEqual(['a']);
    expect(await idsOn('content')).toEqual(['a']);
  });

  test.each(['before', 'after', 'fenced'] as const)('the log is away for longer (%s): nothing is acknowledged, a repetition finds out', async (when) => {
    await open();
    world.log.failures.push(...Array.from({ length: when === 'fenced' ? 1 : 50 }, () => when));
    const door = intake();
    await expect(door.publish([published('a'), started('s')], caller, { together: true })).rejects.toMatchObject({
      code: 'INTAKE_UNAVAILABLE',
      retryable: true,
    });
    world.log.failures.length = 0;
    const [a, s] = await door.publish([published('a'), started('s')], caller, { together: true });
    expect(a).toMatchObject({ accepted: true, duplicate: when === 'after' });
    expect(s).toMatchObject({ accepted: true, duplicate: false });
    expect([await idsOn('content'), await idsOn('playback')]).toEqual([['a'], ['s']]);
  });

  test('a group whose ids were reserved in an epoch that ended before its turn is reserved anew, and written once', async () => {
    await open();
    const { promise, resolve } = Promise.withResolvers<void>();
    world.log.hold = promise;
    world.log.failures.push('fenced');
    const door = intake({ groupEventsMax: 1 });
    const calls = ['a', 'b', 'c'].map((id) => door.publish([published(id)], caller, { together: true }));
    const failed = expect(calls[0]).rejects.toMatchObject({ code: 'INTAKE_UNAVAILABLE', retryable: true });
    resolve();
    await failed;
    expect(shown((await Promise.all(calls.slice(1))).flat())).toEqual(['b', 'c']);
    expect(await idsOn('content')).toEqual(['b', 'c']);
  });

  test('a gateway that slept between reservation and append cannot write late', async () => {
    await open();
    const held = Promise.withResolvers<void>();
    const sleeping = new FaultyLog(clock);
    sleeping.append = async (topic, records, options) => {
      if (records.length > 0) await held.promise;
      return world.log.append(topic, records, options);
    };
    sleeping.heads = (topic) => world.log.heads(topic);
    const sleeper = intake({ appendBudgetMs: 5_000, leaseTtlMs: 30 }, sleeping);
    const asleep = sleeper.publish([published('a')], caller, { together: true });
    // Its process is paused, so that its lease is not renewed either.
    const renewal = world.leases.renew.bind(world.leases);
    const frozen = Promise.withResolvers<boolean>();
    world.leases.renew = () => frozen.promise;
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(shown(await intake().publish([published('a')], caller, { together: true }))).toEqual(['a']);
    held.resolve();
    await expect(asleep).rejects.toMatchObject({ code: 'INTAKE_UNAVAILABLE' });
    world.leases.renew = renewal;
    frozen.resolve(false);
    expect(await idsOn('content')).toEqual(['a']);
  });

  test('a full queue refuses, and goes on when there is room', async () => {
    await open();
    const held = Promise.withResolvers<void>();
    world.log.hold = held.promise;
    const door = intake({ queueEventsMax: 2, groupEventsMax: 1 });
    const taken = [door.publish([published('a')], caller, { together: true })];
    await new Promise((resolve) => setTimeout(resolve, 10));
    taken.push(...['b', 'c'].map((id) => door.publish([published(id)], caller, { together: true })));
    await expect(door.publish([published('d')], caller, { together: true })).rejects.toMatchObject({ code: 'INTAKE_BUSY', retryable: true });
    expect(door.depth).toBe(2);
    held.resolve();
    expect(shown((await Promise.all(taken)).flat())).toEqual(['a', 'b', 'c']);
    expect(shown(await door.publish([published('d')], caller, { together: true }))).toEqual(['d']);
  });

  test('what was taken in is written before the end; nothing is taken in after it', async () => {
    await open();
    const door = intake();
    const taken = door.publish([published('a')], caller, { together: true });
    await door.stop();
    expect(shown(await taken)).toEqual(['a']);
    await expect(door.publish([published('b')], caller, { together: true })).rejects.toMatchObject({ code: 'INTAKE_STOPPED' });
  });

  test('what a gateway left behind is settled by the sweep of another', async () => {
    await open();
    const key = publicationKeyOf(caller.tenant, 'a');
    const [id] = (
      await world.publications.reserve({
        producer: 'intake/9',
        epoch: 1n,
        batches: [{ topic: 'content', heads: [], entries: [{ ...key, digest: 1n }] }],
      })
    ).ids;
    const door = intake({ sweepAfterMs: 0 });
    door.start();
    for (let tries = 0; tries < 200; tries++) {
      if ((await world.publications.batches([id as bigint]))[0]?.positions !== undefined) break;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect((await world.publications.batches([id as bigint]))[0]?.positions).toEqual([undefined]);
    expect(shown(await door.publish([published('a')], caller, { together: true }))).toEqual(['a']);
  });
});
