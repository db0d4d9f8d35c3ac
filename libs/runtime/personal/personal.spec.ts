import { LocalMasterKey, MemoryKeyRing } from '#adapters/master-key';
import {
  ManualClock,
  MemoryAggregateStore,
  MemoryEventLog,
  MemoryLeaseStore,
  MemoryOutbox,
  MemoryPublicationStore,
  MemorySubjectKeyStore,
} from '#adapters/memory';
import { UuidV7IdSource } from '#adapters/system';
import {
  accessRefused,
  decodeEvent,
  definitionOf,
  parseSealed,
  playbackStarted,
  readPersonal,
  streamPublishRejected,
  streamStarted,
  topicPartitions,
  type DraftOf,
  type EventDefinition,
  type StoredRecord,
} from '#events';
import { accept, type Decider, type TableSpec } from '#kernel';
import type { AggregateCommit } from '#ports';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { CommandExecutor } from '../command-executor.ts';
import { FactPublisher } from '../fact-publisher.ts';
import { LogEventIntake } from '../intake/log-event-intake.ts';
import { KeyCache } from './key-cache.ts';
import { OpenedEventLog } from './opened-event-log.ts';
import { PersonalData } from './personal-data.ts';
import { dataKeyOf, openText, placeOf, sealText } from './subject-cipher.ts';
import { SubjectKeys } from './subject-keys.ts';

const logger = pino({ level: 'silent' });
const address = '192.0.2.77';
const limits = { recordsMax: 100, bytesMax: 1_000_000, waitMs: 0 };
const refused = definitionOf(accessRefused.type) as EventDefinition;
const playbackSessionTable: TableSpec = {
  ...{ name: 'playback_session', key: { session_id: 'text' }, columns: {} },
  personal: { player: {}, viewer: { identifies: 'viewer' } },
};
const whose = { tenant: 'default', subject: `address:${address}` };
const peer = { remoteAddress: `${address}:50000`, node: 'n-1' };
type Draft = DraftOf<typeof streamStarted> | DraftOf<typeof streamPublishRejected>;
/** Keeps the last event. */
const decider: Decider<object, Draft, Draft> = { initialState: {}, decide: (draft) => accept(draft), evolve: (_, { data }) => data };
const nothing: AggregateCommit = { context: 'operation', id: 'x', expectedVersion: 0n, state: {}, events: [] };

class World {
  readonly clock = new ManualClock(Date.now());
  readonly ids = new UuidV7IdSource();
  readonly outbox = new MemoryOutbox(this.clock);
  readonly aggregates = new MemoryAggregateStore(this.outbox);
  readonly log = new MemoryEventLog(this.clock);
  readonly store = new MemorySubjectKeyStore(this.aggregates, this.clock);
  readonly ring = new MemoryKeyRing();
  readonly personal = this.process();
  readonly leases = new MemoryLeaseStore(this.clock);
  readonly intake = new LogEventIntake({ owner: 'a' }, { ...this, publications: new MemoryPublicationStore(this.clock), logger });

  /** Another process on the same keys. */
  process(pollMs = 60_000, store = this.store): PersonalData {
    return new PersonalData(new SubjectKeys({ pollMs }, { store, master: new LocalMasterKey(this.ring), clock: this.clock, logger }));
  }

  async publish(id: string, data: object): Promise<unknown> {
    const attributes = { specversion: '1.0', id, type: playbackStarted.type, source: '/player' };
    const caller = { tenant: 'default', actor: 'key:k', correlationId: 'c', traceparent: '', mayPublish: () => true };
    const [outcome] = await this.intake.publish([{ attributes, data: { json: JSON.stringify(data) } }], caller, { together: false });
    return outcome;
  }

  async records(topic = 'playback'): Promise<StoredRecord[]> {
    const records: StoredRecord[] = [];
    for (const { partition, low } of await this.log.heads(topic)) records.push(...(await this.log.read(topic, partition, low, limits)).records);
    return records;
  }
}

let world: World;
beforeEach(async () => {
  world = new World();
  for (const topic of ['playback', 'stream']) await world.log.ensureTopic(topic, topicPartitions);
});
// Its lease is renewed until then.
afterEach(() => world.intake.stop());

const watching = { sessionId: 'ps-1', assetKind: 'stream', assetId: 'st-1', startupMs: 1, player: 'hls.js', viewer: 'v-4711' };

describe('a sealed value', () => {
  const key = dataKeyOf('k'.repeat(22), new Uint8Array(32).fill(1));

  test('opens under its key alone, is the same however often it is sealed, and differs by place and value', () => {
    const sealed = sealText(key, placeOf('e-1', '/a'), 'Ada');
    expect(openText(key, sealed)).toBe('Ada');
    expect(sealText(key, placeOf('e-1', '/a'), 'Ada')).toBe(sealed);
    expect(sealText(key, placeOf('e-2', '/a'), 'Ada').slice(-60)).not.toBe(sealed.slice(-60));
    expect(sealText(key, placeOf('e-1', '/a'), 'Eve').slice(-60, -40)).not.toBe(sealed.slice(-60, -40));
    expect(openText(dataKeyOf(key.keyId, new Uint8Array(32).fill(2)), sealed)).toBeUndefined();
    expect(openText(dataKeyOf('l'.repeat(22), new Uint8Array(32).fill(1)), sealed)).toBeUndefined();
  });

  test('opens no more once anything of it was changed', () => {
    const sealed = sealText(key, placeOf('e-1', '/a'), 'Ada');
    const start = sealed.lastIndexOf(':') + 1;
    for (let at = start; at < sealed.length - 1; at++) {
      const other = sealed[at] === 'A' ? 'B' : 'A';
      expect(openText(key, sealed.slice(0, at) + other + sealed.slice(at + 1))).toBeUndefined();
    }
    expect(openText(key, sealed.replace(placeOf('e-1', '/a'), placeOf('e-2', '/a')))).toBeUndefined();
    expect(openText(key, sealed.slice(0, start + 38))).toBeUndefined();
  });
});

describe('every way onto the log', () => {
  test('encrypts what an outsider publishes, and recognises its repetition', async () => {
    expect(await world.publish('e-1', watching)).toMatchObject({ accepted: true, duplicate: false });
    expect(await world.publish('e-1', watching)).toMatchObject({ accepted: true, duplicate: true });
    expect(await world.publish('e-1', { ...watching, viewer: 'v-2' })).toMatchObject({ accepted: false, code: 'EVENT_ID_CONFLICT' });
    const [record, ...more] = await world.records();
    expect(more).toEqual([]);
    expect(JSON.stringify(record, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))).not.toMatch(/4711|hls\.js/);
    expect(decodeEvent(record as StoredRecord).data).toMatchObject({ sessionId: 'ps-1', viewer: expect.stringMatching(/^sealed:v1:/) });
  });

  test('leaves alone what names nobody, to the byte', async () => {
    const { viewer: _, ...nameless } = watching;
    await world.publish('e-1', nameless);
    expect((await world.records())[0]?.value).toBe(JSON.stringify(nameless));
    expect(await world.store.counts()).toMatchObject({ live: 0 });
  });

  test.each(['viewer', 'player'])('refuses what looks like a sealed, erased or locked value in %s', async (field) => {
    for (const text of [`sealed:v1:${'k'.repeat(22)}:*:${'a'.repeat(44)}`, 'erased:x', 'locked:x'])
      expect(await world.publish(`e-${text.length}`, { ...watching, [field]: text })).toMatchObject({
        accepted: false,
        code: 'EVENT_DATA_INVALID',
        field: `data.${field}`,
      });
  });

  test('encrypts what commands decide: in the outbox, in the head, and in what key and subject are made of', async () => {
    const { aggregates, clock, ids, personal, outbox } = world;
    const commands = new CommandExecutor({ aggregates, clock, ids, source: '/test', personal });
    const meta = { actor: 'system:test', correlationId: 'c' };
    const started = { streamId: 'st-1', sessionId: 's-1', epoch: 1, endpoint: 'primary', relayUrl: '', ...peer } as const;
    await commands.execute({ context: 'stream', decider }, 'st-1', streamStarted.draft(started), meta);
    await commands.execute({ context: 'stream', decider }, 'x', streamPublishRejected.draft({ streamId: '', reason: 'bad-key', detail: '', ...peer }), meta);
    const rows = await outbox.take(10, 0);
    expect(rows).toHaveLength(2);
    expect(JSON.stringify(rows.map(({ record }) => record))).not.toContain(address);
    expect((await aggregates.load('stream', 'st-1'))?.state).toMatchObject({ ...started, remoteAddress: expect.stringMatching(/^sealed:v1:/) });
    const [key] = (await world.personal.keys.forWriting([whose])).values();
    expect(rows[1]?.record).toMatchObject({ key: `person:${key?.keyId}`, headers: { ce_subject: `person:${key?.keyId}` } });
  });

  test('a writer without keys writes nothing that tells of a person', async () => {
    const { log, clock, ids } = world;
    const facts = new FactPublisher({ log, clock, ids, source: '/test', actor: 'system:test' });
    const draft = streamStarted.draft(streamStarted.samples[0] as Parameters<typeof streamStarted.draft>[0]);
    await expect(facts.publish('stream', [draft], { producer: { id: 'p', epoch: 1n } })).rejects.toMatchObject({ code: 'PERSONAL_UNSEALED' });
    expect(await world.records('stream')).toEqual([]);
  });

  test('what comes straight onto a broker in clear is set aside', async () => {
    await world.publish('e-1', { ...watching, viewer: undefined });
    const [record] = (await world.records()) as [StoredRecord];
    const direct = (data: object) => {
      const headers = { ...record.headers, ce_actor: 'team-a', 'streams-direct': 'tenant-open' };
      return { ...record, value: JSON.stringify(data), headers };
    };
    expect(decodeEvent(direct({ ...watching, viewer: undefined })).type).toBe(playbackStarted.type);
    expect(() => decodeEvent(direct(watching))).toThrow('publish it through the gateway');
  });
});

describe('readers', () => {
  const opened = async (personal = world.personal) =>
    JSON.parse(((await personal.openRecords(await world.records()))[0] as StoredRecord).value) as Record<string, string>;
  const erase = async (subject: string) => {
    const keys = await world.store.live([await world.personal.keys.standInOf(subject)]);
    await world.store.erase(
      keys.map(({ keyId }) => keyId),
      1_790_000_000_000,
      nothing,
    );
  };

  test('have values in clear from the log and from rows, in every process', async () => {
    await world.publish('e-1', watching);
    const other = world.process();
    expect(await opened(other)).toEqual(watching);
    const row = { session_id: 'ps-1', player: null, viewer: (JSON.parse((await world.records())[0]?.value as string) as { viewer: string }).viewer };
    expect(await other.openRows(playbackSessionTable, [row])).toEqual([{ ...row, viewer: 'v-4711' }]);
    const where = [{ column: 'viewer', is: 'eq', value: 'v-4711' } as const, { column: 'asset_id', is: 'eq', value: 'v-4711' } as const];
    expect(await other.conditions(playbackSessionTable, where)).toEqual([{ ...where[0], value: row.viewer }, where[1]]);
    const unknown = [{ column: 'viewer', is: 'eq', value: 'v-nobody' } as const];
    expect(await other.conditions(playbackSessionTable, unknown)).toEqual(unknown);
    const batch = await new OpenedEventLog(world.log, other).read('playback', (await world.records())[0]?.partition as number, 0n, limits);
    expect(batch.records[0]?.value).toBe(JSON.stringify(watching));
  });

  test('have a tombstone once the key is erased, in a process that kept it as soon as it hears, and the new data of who comes back', async () => {
    await world.publish('e-1', watching);
    const other = world.process(5);
    expect(await opened(other)).toEqual(watching);
    const heard = new Promise<void>((resolve) => other.keys.onErased(resolve));
    await erase('viewer:v-4711');
    await heard;
    const at = '2026-09-21T14:13:20.000Z';
    expect(readPersonal((await opened(other))['viewer'] as string)).toMatchObject({ is: 'erased', at });
    expect(await opened(world.process())).toEqual(await opened(other));
    world.personal.keys.stop();
    await world.publish('e-2', watching);
    const values = (await other.openRecords(await world.records())).map(({ value }) => JSON.parse(value) as { viewer: string });
    expect(values.map(({ viewer }) => readPersonal(viewer).is)).toEqual(['erased', 'clear']);
    other.keys.stop();
  });

  test('have a locked value when it was moved to another event, or its master key is not there', async () => {
    await world.publish('e-1', watching);
    await world.publish('e-2', watching);
    const [one, two] = (await world.records()) as [StoredRecord, StoredRecord];
    const moved = JSON.parse((await world.personal.openRecords([{ ...two, value: one.value }]))[0]?.value as string) as { player: string; viewer: string };
    expect(readPersonal(moved.player).is).toBe('locked');
    expect(moved.viewer).toBe('v-4711');
    const stranger = new PersonalData(new SubjectKeys({}, { ...world, master: new LocalMasterKey(new MemoryKeyRing()), logger }));
    expect(readPersonal((await opened(stranger))['viewer'] as string)).toMatchObject({ is: 'locked' });
    await expect(stranger.keys.forWriting([{ tenant: 'default', subject: 'viewer:new' }])).rejects.toMatchObject({ code: 'MASTER_KEY_MISSING' });
  });

  test('keep no key that was erased while they were reading it', async () => {
    await world.publish('e-1', watching);
    const [read, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const store = Object.assign(Object.create(world.store) as MemorySubjectKeyStore, {
      byId: async (keyIds: readonly string[]) => {
        const found = await world.store.byId(keyIds);
        read.resolve();
        await gate.promise;
        return found;
      },
      live: (subjects: readonly string[]) => world.store.live(subjects),
      erasures: (last: bigint) => world.store.erasures(last),
    });
    const other = world.process(60_000, store);
    const first = opened(other);
    await read.promise;
    await erase('viewer:v-4711');
    await other.keys.refresh();
    gate.resolve();
    expect((await first)['viewer']).toBe('v-4711');
    expect(readPersonal((await opened(other))['viewer'] as string).is).toBe('erased');
    other.keys.stop();
  });

  test('use no key that they kept while nobody can tell whether it was erased', async () => {
    let away = false;
    class Store extends MemorySubjectKeyStore {
      override erasures(last: bigint): ReturnType<MemorySubjectKeyStore['erasures']> {
        return away ? Promise.reject(new Error('away')) : super.erasures(last);
      }
    }
    const store = new Store(world.aggregates, world.clock);
    const keys = new SubjectKeys({ pollMs: 5, trustMs: 10 }, { store, master: new LocalMasterKey(world.ring), clock: world.clock, logger });
    await keys.forWriting([{ tenant: 'default', subject: 'viewer:a' }]);
    const forgotten = new Promise<void>((resolve) => keys.onErased(resolve));
    away = true;
    await forgotten;
    await expect(keys.forWriting([{ tenant: 'default', subject: 'viewer:a' }])).rejects.toThrow('away');
    keys.stop();
  });

  test('what carries no personal fields is handed back as it is', async () => {
    await world.publish('e-1', { ...watching, viewer: undefined });
    const records = await world.records();
    expect(await world.personal.openRecords(records)).toBe(records);
  });
});

test('all fields of a refusal of one address are one row: its address is sealed alike', async () => {
  const [key] = [...(await world.personal.keys.forWriting([whose])).values()];
  const seal = () => world.personal.seal({ definition: refused, eventId: world.ids.next(), data: { address } }, whose);
  const [one, other] = [await seal(), await seal()];
  expect(one).toEqual(other);
  expect(parseSealed((one.data as { address: string }).address)).toMatchObject({ place: '*', keyId: key?.keyId });
});

test('a cache of keys keeps what was used last', () => {
  const cache = new KeyCache<number>(2);
  cache.set('a', 1);
  cache.set('b', 2);
  cache.get('a');
  cache.set('c', 3);
  expect([cache.get('a'), cache.get('b'), cache.get('c'), cache.size]).toEqual([1, undefined, 3, 2]);
});
