import { beforeEach, describe, expect, test } from '@jest/globals';
import { parkedAggregate, parkedIdOf, type KnownParked, type ParkedVerb } from '#domain/operation';
import { edgeReported, topicPartitions, type DomainEvent } from '#events';
import { partitionOf, type Projection } from '#kernel';
import { ManualClock, MemoryAggregateStore, MemoryEventLog, MemoryOutbox, MemoryPastStore, MemoryProjectionStore } from '#adapters/memory';
import { UuidV7IdSource } from '#adapters/system';
import type { NewParkedEvent, ParkedEvent, RedriveOutcome } from '#ports';
import { CommandExecutor } from '#runtime';
import { pino } from 'pino';
import { ParkedDesk } from './parked-desk.ts';

const at = { topic: 'edge', partition: 3 };
const projection: Projection<DomainEvent> = {
  name: 'edges',
  version: 2,
  contexts: ['edge'],
  handles: [edgeReported.type],
  ignores: [],
  tables: [{ name: 'seen', key: { id: 'text' }, columns: {} }],
  project: () => [],
};
const other: Projection<DomainEvent> = { ...projection, name: 'others', version: 1, tables: [] };
const poisoned: NewParkedEvent = {
  ...{ offset: 5n, key: 'k', tenant: 'acme', eventId: 'e', eventType: edgeReported.type, recordedAtMs: 1, attempts: 5 },
  failure: { code: 'PROJECTION_FAILED', message: 'cannot', stack: '' },
};

let store: MemoryProjectionStore;
let aggregates: MemoryAggregateStore;
let outbox: MemoryOutbox;
let commands: CommandExecutor;
let desk: ParkedDesk;
let deskOf: () => ParkedDesk;
let told: ParkedEvent[];
let past: MemoryPastStore;

beforeEach(async () => {
  const clock = new ManualClock(1000);
  store = new MemoryProjectionStore(clock);
  outbox = new MemoryOutbox(clock);
  aggregates = new MemoryAggregateStore(outbox);
  commands = new CommandExecutor({ aggregates, clock, ids: new UuidV7IdSource(), source: '/test' });
  told = [];
  past = new MemoryPastStore();
  const log = new MemoryEventLog(clock);
  await log.ensureTopic('edge', topicPartitions);
  // Nine records of a key of partition 3; what is in them is not asked for here.
  const of = Array.from({ length: 99 }, (_, n) => `k-${n}`).find((name) => partitionOf(name, topicPartitions) === at.partition) as string;
  await log.append(
    'edge',
    Array.from({ length: 9 }, () => ({ key: of, headers: {}, value: '{}' })),
  );
  const parking = { tell: async (event: ParkedEvent): Promise<void> => void told.push(event) };
  const stores = { parked: store.parked, aggregates, log, past };
  deskOf = () => new ParkedDesk({}, { ...stores, projections: [projection, other], parking, commands, logger: pino({ level: 'silent' }) });
  desk = deskOf();
  for (const one of [projection, other]) await store.ensure(one);
  await store.commit({ projection: other, at, from: 0n, to: 9n, epoch: 1n, changes: [] });
  const holds = { parked: [poisoned], held: [{ key: 'k', tenant: 'acme', count: 3, last: 8n }], released: [] };
  await store.commit({ projection, at, from: 0n, to: 9n, epoch: 1n, changes: [], holds });
});

const key = { ...at, offset: '5', consumer: 'edges@2' };
const everybody = { ...at, offset: '4', consumer: '*' };
async function ask(verb: ParkedVerb, of = key): Promise<void> {
  const command = { ...of, type: 'OrderRedrive', verb, requestedBy: 'key:k', reason: 'why' } as const;
  await commands.execute(parkedAggregate, parkedIdOf(of), command, { actor: 'key:k', correlationId: 'c' });
}
const stateOf = async (of = key): Promise<KnownParked> => (await aggregates.load('operation', parkedIdOf(of)))?.state as KnownParked;
const row = (): Promise<ParkedEvent | undefined> => store.parked.show({ ...at, projection: 'edges', version: 2, offset: 5n });
const redrive = (outcome: RedriveOutcome, offset = 5n, of = projection): Promise<void> =>
  store.redrive({
    projection: of,
    at,
    epoch: 1n,
    offset,
    from: offset,
    to: outcome.kind === 'failed' ? offset : offset + 1n,
    applied: outcome.kind === 'failed' ? 0 : 1,
    changes: [],
    outcome,
  });

describe('the desk for parked events', () => {
  test('puts on record that an event was parked, once', async () => {
    await desk.look();
    await desk.look();
    expect(told.map(({ offset, projection: name }) => [offset, name])).toEqual([[5n, 'edges']]);
  });

  test('hands an order on, and tells that it failed: then it can be asked for again', async () => {
    await ask('retry');
    await desk.look();
    expect((await row())?.order).toEqual({ id: `${parkedIdOf(key)}.1`, verb: 'retry' });
    await redrive({ kind: 'failed', failure: { code: 'PROJECTION_FAILED', message: 'still not', stack: '' } });
    await desk.look();
    expect(await stateOf()).toMatchObject({ status: 'failed', redrive: 'closed' });
    expect(await row()).toMatchObject({ order: undefined, attempts: 6 });
    await ask('discard');
    await desk.look();
    expect((await row())?.order).toEqual({ id: `${parkedIdOf(key)}.2`, verb: 'discard' });
  });

  test.each([
    ['retry', 'redriven'],
    ['discard', 'discarded'],
  ] as const)('tells what became of a %s, and forgets the event', async (verb, status) => {
    await ask(verb);
    await desk.look();
    await redrive({ kind: 'moved', parked: { ...poisoned, offset: 6n } });
    await desk.look();
    expect(await stateOf()).toMatchObject({ status, redrive: 'closed' });
    expect(await row()).toBeUndefined();
    expect(told.map(({ offset }) => offset)).toEqual([5n, 6n]);
  });

  test.each(['retry', 'discard'] as const)('does a %s again of what stands parked in a database that is older than it', async (verb) => {
    await ask(verb);
    await desk.look();
    await redrive({ kind: 'taken' });
    await desk.look();
    expect(await row()).toBeUndefined();
    // As it stood before the order, in a process that begins.
    const holds = { parked: [poisoned], held: [], released: [] };
    await store.commit({ projection, at, from: 9n, to: 9n, epoch: 1n, changes: [], holds });
    await store.parked.told((await row()) as ParkedEvent);
    await deskOf().look();
    expect((await row())?.order).toEqual({ id: `${parkedIdOf(key)}.1`, verb });
    await redrive({ kind: 'taken' });
    await desk.look();
    expect(await row()).toBeUndefined();
    const events = (await outbox.take(100, 0)).map(({ record }) => record.headers['ce_type']);
    expect(events).toHaveLength(2);
  });

  test('puts on record that an order which was done again has failed this time, once', async () => {
    await ask('retry');
    await desk.look();
    await redrive({ kind: 'taken' });
    await desk.look();
    await store.commit({ projection, at, from: 9n, to: 9n, epoch: 1n, changes: [], holds: { parked: [poisoned], held: [], released: [] } });
    await store.parked.told((await row()) as ParkedEvent);
    await deskOf().look();
    await redrive({ kind: 'failed', failure: { code: 'PROJECTION_FAILED', message: 'still not', stack: '' } });
    await desk.look();
    expect(await stateOf()).toMatchObject({ status: 'failed', redrive: 'closed' });
    await deskOf().look();
    expect(await row()).toMatchObject({ state: 'parked', order: undefined });
  });

  test('discards again what was discarded and is parked anew', async () => {
    await ask('discard');
    await desk.look();
    await redrive({ kind: 'taken' });
    await desk.look();
    await store.commit({ projection, at, from: 9n, to: 9n, epoch: 1n, changes: [], holds: { parked: [poisoned], held: [], released: [] } });
    await desk.look();
    expect(await row()).toMatchObject({ told: true, order: { id: `${parkedIdOf(key)}.1`, verb: 'discard' } });
  });

  test.each(['discard', 'retry'] as const)('has the past folded anew behind what was parked, after a %s', async (verb) => {
    const model = { log: 'l', projection: 'edges', version: 2 };
    const none = async function* () {};
    for (const first of [0n, 5n]) await past.add(model, { ...at, first, next: first + 5n, lastRecordedAtMs: null, lacks: [] }, none());
    await ask(verb);
    await desk.look();
    await redrive({ kind: 'moved', parked: { ...poisoned, offset: 6n } });
    expect((await past.chains(model, [{ ...at, before: 99n }]))[0]).toHaveLength(2);
    await desk.look();
    expect((await past.chains(model, [{ ...at, before: 99n }]))[0]).toMatchObject([{ first: 0n }]);
  });

  test('tells it although it ended between the two steps of telling', async () => {
    await ask('retry');
    await desk.look();
    await redrive({ kind: 'moved', parked: { ...poisoned, offset: 6n } });
    const tell = store.parked.told.bind(store.parked);
    store.parked.told = () => Promise.reject(new Error('gone'));
    await expect(desk.look()).rejects.toThrow('gone');
    store.parked.told = tell;
    await desk.look();
    expect(await stateOf()).toMatchObject({ status: 'redriven' });
    expect(await row()).toBeUndefined();
    const events = (await outbox.take(100, 0)).map(({ record }) => record.headers['ce_type']);
    expect(events).toEqual(['parked-event.retry-requested', 'parked-event.redriven']);
  });

  test('tells who asks for what is not parked any more', async () => {
    await store.reset(projection);
    await ask('retry');
    await desk.look();
    expect(await stateOf()).toMatchObject({ status: 'failed', redrive: 'closed' });
  });

  test('has what nobody could read taken by every version that passed it, and is done when the last has', async () => {
    await ask('retry', everybody);
    await desk.look();
    const late = (await store.parked.ordered()).map(({ projection: name, offset }) => [name, offset]);
    expect(late).toEqual([
      ['edges', 4n],
      ['others', 4n],
    ]);
    await redrive({ kind: 'taken' }, 4n);
    await desk.look();
    expect(await stateOf(everybody)).toMatchObject({ redrive: 'open' });
    await redrive({ kind: 'taken' }, 4n, other);
    await desk.look();
    expect(await stateOf(everybody)).toMatchObject({ status: 'redriven', redrive: 'closed' });
    expect(await store.parked.ordered()).toEqual([]);
  });

  test('tells that it cannot be read still', async () => {
    await ask('retry', everybody);
    await desk.look();
    for (const one of [projection, other]) await redrive({ kind: 'failed', failure: { code: 'EVENT_TYPE_UNKNOWN', message: 'no', stack: '' } }, 4n, one);
    await desk.look();
    expect(await stateOf(everybody)).toMatchObject({ status: 'failed', redrive: 'closed' });
    expect(await store.parked.untold(10)).toEqual([]);
  });

  test('tells who asks for what the log has no more', async () => {
    const gone = { ...everybody, offset: '77' };
    await ask('retry', gone);
    await desk.look();
    expect(await stateOf(gone)).toMatchObject({ status: 'failed', redrive: 'closed' });
  });

  test('discards what nobody could read at once: nothing waits behind it', async () => {
    await ask('discard', everybody);
    await desk.look();
    expect(await stateOf(everybody)).toMatchObject({ status: 'discarded', redrive: 'closed' });
  });
});
