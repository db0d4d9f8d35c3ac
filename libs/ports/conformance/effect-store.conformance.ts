import { describe, expect, test } from '@jest/globals';
import { effectRetryRequested, type EventEnvelope } from '#events';
import type { EffectStore, NewEffect, ReactorCommit, ReactorIdentity } from '../effect-store.port.ts';
import type { Outbox } from '../outbox.port.ts';
import { freshName, operatingError, useSubject, type Subject, type SubjectFactory } from './subject.ts';

export interface EffectSubject {
  readonly effects: EffectStore;
  readonly outbox: Outbox;
}

type Opened = () => Subject<EffectSubject>;

/** What every ledger of effects promises. */
export function effectStoreConformance(name: string, factory: SubjectFactory<EffectSubject>): void {
  describe(`${name} is a store of effects`, () => {
    const subject = useSubject(factory);
    reading(subject);
    takingOver(subject);
    queueing(subject);
    performing(subject);
    looking(subject);
  });
}

const at = { topic: 'stream', partition: 4 };
const enlistment = { laneMax: 100, tenantMax: 1000, max: 1000, lostAfterMs: 60_000 };

function effectOf(more: Partial<NewEffect> = {}): NewEffect {
  const key = freshName('ef').replaceAll('_', '-');
  const from = { eventId: `of-${key}`, eventType: 'stream.stopped', correlationId: 'c-1', traceparent: '', tenant: 'default', offset: 17n };
  return { key, kind: 'test-work', lane: 'lane-1', payload: { n: 1 }, index: 0, ...from, ...more };
}

function eventOf(key: string): EventEnvelope {
  const meta = { source: '/test', subject: key, time: 1_790_000_000_000, key, tenant: 'default', correlationId: 'c-1', causationId: 'c-1', traceparent: '' };
  const { type, version } = effectRetryRequested;
  return { ...meta, id: freshName('id'), type, version, actor: 'system:test', streamVersion: 0n, producerEpoch: 0n, data: { effectKey: key, reason: 'test' } };
}

/** A reactor that has begun and is claimed under epoch 1, and a short way to commit for it. */
async function begun(subject: Opened, version = 1): Promise<{ reactor: ReactorIdentity; commit(more: Partial<ReactorCommit>): Promise<void> }> {
  const { effects } = subject().port;
  const reactor = { name: freshName('reactor'), version };
  await effects.begin(reactor, [{ ...at, position: 5n }]);
  await effects.claim(reactor, at, 1n);
  return { reactor, commit: (more) => effects.commit({ reactor, at, from: 5n, to: 6n, epoch: 1n, effects: [], repeats: [], ...more }) };
}

/** Effects in the ledger, of a lane of their own. */
async function asked(subject: Opened, count: number, more: Partial<NewEffect> = {}): Promise<readonly NewEffect[]> {
  const lane = freshName('lane');
  const effects = Array.from({ length: count }, (_, index) => effectOf({ lane, index, kind: freshKindOnce(more), ...more }));
  await (await begun(subject)).commit({ effects });
  return effects;
}

const freshKindOnce = ({ kind }: Partial<NewEffect>): string => kind ?? 'test-work';

function reading(subject: Opened): void {
  test('a reactor begins where it is told to, once', async () => {
    const { effects } = subject().port;
    const reactor = { name: freshName('reactor'), version: 1 };
    await expect(effects.claim(reactor, at, 1n)).rejects.toEqual(operatingError('REACTOR_UNKNOWN'));
    await effects.begin(reactor, [{ ...at, position: 5n }]);
    await effects.begin(reactor, [
      { ...at, position: 9n },
      { ...at, partition: 7, position: 9n },
    ]);
    expect(await effects.claim(reactor, at, 1n)).toBe(5n);
    expect(await effects.positions(reactor.name)).toMatchObject([
      { ...at, reactor: reactor.name, version: 1, position: 5n, reset: 0 },
      { partition: 7, position: 9n },
    ]);
  });

  test('intents and checkpoint are written together, or not at all', async () => {
    const { effects } = subject().port;
    const { reactor, commit } = await begun(subject);
    const [first, second] = [effectOf(), effectOf()];
    await commit({ effects: [first] });
    await expect(commit({ effects: [second] })).rejects.toEqual(operatingError('CHECKPOINT_FENCED'));
    expect(await effects.show(first.key)).toMatchObject({ ...first, ...at, reactor: reactor.name, state: 'pending', attempts: 0, round: 0 });
    expect(await effects.show(second.key)).toBeUndefined();
    expect(await effects.positions(reactor.name)).toMatchObject([{ position: 6n }]);
  });

  test('an effect that is asked for again stays as it was', async () => {
    const { effects } = subject().port;
    const { commit } = await begun(subject);
    const effect = effectOf();
    await commit({ effects: [effect] });
    await commit({ from: 6n, to: 7n, effects: [{ ...effect, payload: { n: 2 } }] });
    expect(await effects.show(effect.key)).toMatchObject({ payload: { n: 1 } });
  });
}

function takingOver(subject: Opened): void {
  test('an older owner is shut out by a newer one', async () => {
    const { effects } = subject().port;
    const { reactor, commit } = await begun(subject);
    await effects.claim(reactor, at, 2n);
    await expect(commit({})).rejects.toEqual(operatingError('CHECKPOINT_FENCED'));
    await expect(effects.claim(reactor, at, 1n)).rejects.toEqual(operatingError('CHECKPOINT_FENCED'));
  });

  test('a newer version goes on where the older one stood and shuts it out, whatever their epochs', async () => {
    const { effects } = subject().port;
    const { reactor, commit } = await begun(subject);
    await commit({ effects: [effectOf()] });
    const next = { ...reactor, version: 2 };
    expect(await effects.claim(next, at, 1n)).toBe(6n);
    await expect(commit({ from: 6n, to: 7n })).rejects.toEqual(operatingError('CHECKPOINT_FENCED'));
    await expect(effects.claim(reactor, at, 9n)).rejects.toEqual(operatingError('REACTOR_SUPERSEDED'));
    await commit({ reactor: next, from: 6n, to: 7n });
  });

  test('a reset happens once per number, and fences who was reading', async () => {
    const { effects } = subject().port;
    const { reactor, commit } = await begun(subject);
    await effects.reset(reactor.name, 1, [{ ...at, position: 2n }]);
    await expect(commit({})).rejects.toEqual(operatingError('CHECKPOINT_FENCED'));
    expect(await effects.claim(reactor, at, 2n)).toBe(2n);
    await commit({ epoch: 2n, from: 2n, to: 4n });
    await effects.reset(reactor.name, 1, [{ ...at, position: 0n }]);
    expect(await effects.positions(reactor.name)).toMatchObject([{ position: 4n, reset: 1 }]);
  });
}

function queueing(subject: Opened): void {
  const keysOf = async (more: Partial<typeof enlistment> = {}): Promise<readonly string[]> =>
    (await subject().port.effects.enlist({ ...enlistment, ...more })).map(({ key }) => key);

  test('what is due goes into the queue once, each lane up to its share', async () => {
    await keysOf();
    const mine = await asked(subject, 5);
    const others = await asked(subject, 1);
    const first = await keysOf({ laneMax: 3 });
    expect(first).toHaveLength(4);
    expect(first).toContain(others[0]?.key);
    expect(await keysOf({ laneMax: 3 })).toEqual([]);
    await subject().port.effects.delist(first.slice(0, 1));
    expect(await keysOf({ laneMax: 3 })).toHaveLength(1);
    expect((await keysOf({ laneMax: 5 })).filter((key) => mine.some((one) => one.key === key))).toHaveLength(2);
  });

  test('one tenant gets its share, whatever lanes it has, and others find places', async () => {
    await keysOf();
    const tenant = freshName('tenant');
    for (let lanes = 0; lanes < 3; lanes++) await asked(subject, 2, { tenant });
    const [other] = await asked(subject, 1, { tenant: freshName('tenant') });
    const first = await keysOf({ tenantMax: 4 });
    expect([first.length, first.includes(other?.key ?? '')]).toEqual([5, true]);
    expect(await keysOf({ tenantMax: 4 })).toEqual([]);
    await subject().port.effects.delist(first.filter((key) => key !== other?.key).slice(0, 1));
    expect(await keysOf({ tenantMax: 4 })).toHaveLength(1);
    expect(await keysOf()).toHaveLength(2);
  });

  test('no more than asked for, and what got no place comes with the next', async () => {
    await keysOf();
    await asked(subject, 5);
    expect(await keysOf({ max: 2 })).toHaveLength(2);
    expect(await keysOf()).toHaveLength(3);
  });

  test('what the queue has lost goes into it again', async () => {
    const { elapse } = subject();
    await keysOf();
    const [effect] = await asked(subject, 1);
    await keysOf();
    expect(await keysOf({ lostAfterMs: 50 })).not.toContain(effect?.key);
    await elapse(60);
    expect(await keysOf({ lostAfterMs: 50 })).toContain(effect?.key);
  });
}

function performing(subject: Opened): void {
  test('an effect is held by one at a time; its owner may come back, others after its time', async () => {
    const { port, elapse } = subject();
    const { effects } = port;
    const [{ key } = effectOf()] = await asked(subject, 1);
    const first = await effects.take(key, 'one', 60_000);
    expect(first).toMatchObject({ key, starts: 1, claim: 1n });
    expect(await effects.take(key, 'two', 60_000)).toBeUndefined();
    expect(await effects.take(key, 'one', 40)).toMatchObject({ claim: 2n, starts: 2 });
    expect(await effects.hold(key, 1n, 60_000)).toBe(false);
    await elapse(50);
    expect(await effects.take(key, 'two', 60_000)).toMatchObject({ claim: 3n });
    expect(await effects.hold(key, 2n, 60_000)).toBe(false);
    expect(await effects.hold(key, 3n, 60_000)).toBe(true);
    await expect(effects.settle({ key, claim: 2n, outcome: 'succeeded', events: [eventOf(key)] })).rejects.toEqual(operatingError('EFFECT_FENCED'));
    expect(await effects.show(key)).toMatchObject({ state: 'pending' });
  });

  test('how it ended, the try and the events are written together, once', async () => {
    const { effects, outbox } = subject().port;
    const [{ key } = effectOf()] = await asked(subject, 1);
    await effects.take(key, 'one', 60_000);
    const attempt = { startedAtMs: 1_790_000_000_000, durationMs: 12.5, ok: true, status: 204, detail: 'fine' };
    const event = eventOf(key);
    await effects.settle({ key, claim: 1n, outcome: 'succeeded', attempt, events: [event] });
    await expect(effects.settle({ key, claim: 1n, outcome: 'succeeded', attempt, events: [event] })).rejects.toEqual(operatingError('EFFECT_FENCED'));
    expect(await effects.show(key)).toMatchObject({ state: 'succeeded', attempts: 1, starts: 0, lastError: null, endedAtMs: expect.any(Number) });
    expect(await effects.attempts(key)).toEqual([attempt]);
    const rows = (await outbox.take(1000, 0)).filter(({ record }) => record.headers['ce_id'] === event.id);
    expect(rows).toMatchObject([{ topic: 'operation', record: { key } }]);
    expect(await effects.take(key, 'one', 60_000)).toBeUndefined();
  });

  test('one that is tried again waits for its time, and gives its place in the queue back', async () => {
    const { port, elapse } = subject();
    const { effects } = port;
    const [{ key } = effectOf()] = await asked(subject, 1);
    await effects.enlist(enlistment);
    await effects.take(key, 'one', 60_000);
    const attempt = { startedAtMs: 1_790_000_000_000, durationMs: 3, ok: false, status: null, detail: 'refused' };
    await effects.settle({ key, claim: 1n, outcome: 'again', afterMs: 80, attempt, error: 'refused', events: [] });
    await expect(effects.settle({ key, claim: 1n, outcome: 'again', events: [] })).rejects.toEqual(operatingError('EFFECT_FENCED'));
    expect(await effects.show(key)).toMatchObject({ state: 'pending', attempts: 1, lastError: 'refused' });
    expect(await effects.take(key, 'one', 60_000)).toBeUndefined();
    await elapse(90);
    expect(await effects.enlist(enlistment)).toContainEqual({ key, kind: 'test-work' });
    expect(await effects.take(key, 'two', 60_000)).toMatchObject({ claim: 2n, attempts: 1, starts: 1 });
    await effects.settle({ key, claim: 2n, outcome: 'again', events: [] });
    expect(await effects.show(key)).toMatchObject({ attempts: 1, lastError: 'refused' });
  });

  test('one that is over begins anew when it is asked for, in a further round', async () => {
    const { effects } = subject().port;
    const { commit } = await begun(subject);
    const effect = effectOf();
    await commit({ effects: [effect] });
    await effects.take(effect.key, 'one', 60_000);
    const attempt = { startedAtMs: 1_790_000_000_000, durationMs: 1, ok: false, status: 500, detail: '' };
    await effects.settle({ key: effect.key, claim: 1n, outcome: 'abandoned', attempt, error: 'HTTP 500', events: [] });
    await commit({ from: 6n, to: 7n, repeats: [effect.key, 'ef-unknown'] });
    expect(await effects.show(effect.key)).toMatchObject({ state: 'pending', attempts: 0, round: 1, endedAtMs: null });
    await commit({ from: 7n, to: 8n, repeats: [effect.key] });
    expect(await effects.show(effect.key)).toMatchObject({ round: 1 });
    expect(await effects.attempts(effect.key)).toHaveLength(1);
  });
}

function looking(subject: Opened): void {
  test('effects are listed by lane, tenant and state, the newest first, a page at a time', async () => {
    const { effects } = subject().port;
    const [tenant, lane] = [freshName('tenant'), freshName('lane')];
    const mine = await asked(subject, 3, { tenant, lane });
    await asked(subject, 1, { lane });
    const [first, ...rest] = await effects.list({ tenant, lane, limit: 10 });
    expect([first, ...rest].map((one) => one?.key).toSorted()).toEqual(mine.map(({ key }) => key).toSorted());
    const before = { createdAtMs: first?.createdAtMs ?? 0, key: first?.key ?? '' };
    expect(await effects.list({ tenant, lane, limit: 10, before })).toEqual(rest);
    expect(await effects.list({ lane, states: ['succeeded'], limit: 10 })).toEqual([]);
    expect(await effects.list({ lane, kind: 'other', limit: 10 })).toEqual([]);
  });

  test('what waits is counted by kind; what is over is forgotten after a while', async () => {
    const { port, elapse } = subject();
    const { effects } = port;
    const kind = freshName('kind');
    const [one, two] = await asked(subject, 2, { kind });
    const { key } = one ?? effectOf();
    expect((await effects.backlog()).find((each) => each.kind === kind)).toMatchObject({ pending: 2, oldestMs: expect.any(Number) });
    expect(await effects.succeededSince(kind, one?.lane ?? '', 0)).toBe(false);
    await effects.take(key, 'one', 60_000);
    await effects.settle({ key, claim: 1n, outcome: 'succeeded', events: [] });
    expect(await effects.succeededSince(kind, one?.lane ?? '', 0)).toBe(true);
    expect((await effects.backlog()).find((each) => each.kind === kind)).toMatchObject({ pending: 1 });
    await elapse(30);
    while ((await effects.forget(20, 10)) > 0);
    expect(await effects.show(key)).toBeUndefined();
    expect(await effects.show(two?.key ?? '')).toBeDefined();
  });
}
