/** @needs ffmpeg */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { projections } from '#read-models';
import { ReactorHost } from '#runtime';
import { pino } from 'pino';
import { boundReactors } from '../../apps/projector/effects/effect-parts.ts';
import { startProjector, type ProjectorProcess } from '../replay/projector-process.ts';
import { EffectWorld } from './effect-world.ts';
import { Receiver } from './receiver.ts';
import { RecordingStudio } from './recording-studio.ts';

jest.setTimeout(180_000);

const contents = 20;
const logger = pino({ level: 'silent' });
let world: EffectWorld;
let studio: RecordingStudio;
let receiver: Receiver;
let projector: ProjectorProcess;
let streamId: string;

/** What the ledger says of each effect, and what has arrived outside. */
interface Performed {
  readonly effects: readonly unknown[];
  readonly received: number;
  readonly recording: unknown;
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(20);
}

async function publish(contentId: string): Promise<void> {
  const data = { contentId, url: `https://origin.example/${contentId}`, contentType: 'video/mp4' };
  const event = { specversion: '1.0', id: `e-${contentId}`, source: '/cms', type: 'content.published', data };
  expect((await world.ask('POST', '/api/v1/events', event)).status).toBe(200);
}

async function performed(): Promise<Performed> {
  const effects = await world.engines.effects.list({ limit: 1000 });
  const stream = await world.ask('GET', `/api/v1/streams/${streamId}`);
  return {
    effects: effects.map(({ key, state, attempts, starts, round, claim }) => ({ key, state, attempts, starts, round, claim })),
    received: receiver.received.length,
    recording: stream.json.recording,
  };
}

const isOver = async (): Promise<boolean> => (await world.engines.effects.backlog()).every(({ pending }) => pending === 0);

/** Whatever is asked for gets its time: a reactor that reads on, a dispatcher that looks, a worker that performs. */
async function rest(): Promise<void> {
  await world.world.settle();
  await sleep(1500);
  await until(isOver);
}

async function statusOf(path: string, ...wanted: readonly string[]): Promise<void> {
  for (let waited = 0; ; waited += 20) {
    const { status, json } = await world.ask('GET', path);
    if (wanted.includes(String(json['status'])) || (status === 404 && wanted.includes('gone'))) return;
    if (waited > 30_000) throw new Error(`${path} is ${String(json['status'])}: ${String(json['note'])}`);
    await sleep(20);
  }
}

beforeAll(async () => {
  receiver = await Receiver.open();
  world = await EffectWorld.open();
  studio = await RecordingStudio.open(world);
  const wanted = { url: `${receiver.url}/hook`, types: ['content.published', 'stream.created', 'stream.stopped', 'recording.finished'] };
  expect((await world.ask('POST', '/api/v1/webhooks', wanted)).status).toBe(201);
  for (let at = 0; at < contents; at++) await publish(`c-${at}`);
  streamId = await studio.whole('320x180');
  await studio.recordingOf(streamId);
  await until(() => receiver.received.length === contents + 3);
  await rest();
  projector = await startProjector({ ...world.shared, env: { WEBHOOK_PRIVATE_ADDRESSES: '1', REPLAYS_MAX: '4' } });
});
afterAll(async () => {
  await projector.stop();
  await studio.stop();
  await world.stop();
  await receiver.close();
});

test('history was performed, each of it once', async () => {
  const { effects, received, recording } = await performed();
  // Three deliveries and the recording of one stream, and the purges of its playlists when it ended and when it was recorded.
  expect(effects).toHaveLength(contents + 6);
  for (const effect of effects) expect(effect).toMatchObject({ state: 'succeeded', attempts: 1, round: 0 });
  expect(received).toBe(contents + 3);
  expect(recording).toMatchObject({ status: 'finished' });
});

test('a rebuild and a dry run of every read model perform nothing', async () => {
  const before = await performed();
  const orders = projections.flatMap(({ name }) => [
    { projection: name, promote: true },
    { projection: name, mode: 'comparison' },
  ]);
  for (const order of orders) {
    const { status, json } = await world.ask('POST', '/api/v1/replays', order);
    expect([order, status]).toEqual([order, 202]);
    await statusOf(`/api/v1/replays/${json.id}`, 'promoted', 'compared');
  }
  await rest();
  expect(await performed()).toEqual(before);
});

test('a sandbox of all history performs nothing, neither while it is built nor when it is dropped', async () => {
  const before = await performed();
  expect((await world.ask('POST', '/api/v1/sandboxes', { name: 'quiet', reason: 'look' })).status).toBe(202);
  await statusOf('/api/v1/sandboxes/quiet', 'ready');
  await rest();
  expect(await performed()).toEqual(before);
  expect((await world.ask('DELETE', '/api/v1/sandboxes/quiet')).status).toBe(202);
  await statusOf('/api/v1/sandboxes/quiet', 'gone');
  await rest();
  expect(await performed()).toEqual(before);
});

test('a new version of every reactor begins where its predecessor stood, in silence, and performs what comes', async () => {
  const before = await performed();
  const { log, leases, effects, aggregates } = world.engines;
  const stood = await effects.positions();
  const next = boundReactors(aggregates).map((bound) => ({ ...bound, reactor: { ...bound.reactor, version: bound.reactor.version + 1 } }));
  const host = new ReactorHost({ reactors: next, owner: 'test/next' }, { log, leases, effects, aggregates, logger });
  await host.start();
  const versions = new Map(next.map(({ reactor }) => [reactor.name, reactor.version]));
  const taken = async (): Promise<boolean> => (await effects.positions()).every(({ reactor, version }) => version === versions.get(reactor));
  await until(taken);
  await rest();
  for (const { reactor, topic, partition, position } of await effects.positions()) {
    const old = stood.find((one) => one.reactor === reactor && one.topic === topic && one.partition === partition);
    expect(position).toBeGreaterThanOrEqual(old?.position ?? 0n);
  }
  expect(await performed()).toEqual(before);
  await publish('c-new');
  await until(() => receiver.received.length > before.received);
  await rest();
  expect(await taken()).toBe(true);
  expect((await performed()).received).toBe(before.received + 1);
  expect(JSON.parse(receiver.received.at(-1)?.body ?? '')).toMatchObject({ id: 'e-c-new' });
  await host.stop();
});
