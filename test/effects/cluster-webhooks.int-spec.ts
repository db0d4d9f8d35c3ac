/** @needs redis */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { startRedis, type LocalEngine } from '../constellation/engines/index.ts';
import { EffectWorld } from './effect-world.ts';
import { Receiver } from './receiver.ts';

jest.setTimeout(120_000);

const lostAfterMs = 1500;
let engine: LocalEngine;
let redis: Redis;
let world: EffectWorld;
let receiver: Receiver;

beforeAll(async () => {
  engine = await startRedis();
  redis = new Redis(engine.url);
  redis.on('error', () => undefined);
  world = await EffectWorld.open({ triesMax: 20, timeoutMs: 10_000 }, { redisUrl: engine.url, lostAfterMs });
  receiver = await Receiver.open();
  await world.ask('POST', '/api/v1/webhooks', { url: `${receiver.url}/hook`, types: ['content.published'] });
});
afterAll(async () => {
  await world.stop();
  await receiver.close();
  redis.disconnect();
  await engine.stop();
});

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(20);
}

async function publish(prefix: string, count: number): Promise<readonly string[]> {
  const ids = Array.from({ length: count }, (_, at) => `${prefix}-${at}`);
  const events = ids.map((id) => {
    const data = { contentId: id, url: `https://origin.example/${id}`, contentType: 'video/mp4' };
    return { specversion: '1.0', id, source: '/cms', type: 'content.published', data };
  });
  expect((await world.ask('POST', '/api/v1/events', events)).status).toBe(200);
  return ids;
}

const isOver = async (): Promise<boolean> => (await world.engines.effects.backlog()).length === 0;
const delivered = (prefix: string): string[] =>
  receiver.received.map(({ body }) => (JSON.parse(body) as { id: string }).id).filter((id) => id.startsWith(`${prefix}-`));

async function allOver(count: number): Promise<void> {
  await until(async () => (await world.engines.effects.list({ limit: 1000 })).length >= count);
  await until(isOver);
}

/** Each arrived, under one key, and the ledger says so. */
async function expectEach(prefix: string, ids: readonly string[]): Promise<void> {
  expect([...new Set(delivered(prefix))].toSorted()).toEqual([...ids].toSorted());
  const effects = (await world.engines.effects.list({ limit: 1000 })).filter(({ eventId }) => ids.includes(eventId));
  expect(effects.map(({ eventId, state }) => `${eventId} ${state}`).toSorted()).toEqual(ids.map((id) => `${id} succeeded`).toSorted());
}

test('webhooks are delivered through Redis', async () => {
  const ids = await publish('plain', 30);
  await allOver(30);
  await expectEach('plain', ids);
  expect(delivered('plain')).toHaveLength(30);
  expect((await redis.keys('streams:webhook-delivery:*')).length).toBeGreaterThan(0);
});

test('a Redis that is flushed in the middle loses no delivery: jobs are made anew from the ledger', async () => {
  const open = Promise.withResolvers<{ status: number }>();
  receiver.reply = () => (delivered('flushed').length <= 5 ? { status: 204 } : open.promise);
  const ids = await publish('flushed', 40);
  await until(() => delivered('flushed').length > 5);
  // Some were delivered, some are under way, some wait in Redis and in the ledger.
  await redis.flushall();
  await redis.script('FLUSH');
  open.resolve({ status: 204 });
  await allOver(70);
  await expectEach('flushed', ids);
});

test('jobs that nobody has taken are flushed, and come again', async () => {
  const stuck = Promise.withResolvers<{ status: number }>();
  receiver.reply = () => stuck.promise;
  const ids = await publish('waiting', 8);
  await until(async () => (await world.engines.jobs.depth('webhook-delivery')) >= 4);
  await redis.flushall();
  expect(await world.engines.jobs.depth('webhook-delivery')).toBe(0);
  stuck.resolve({ status: 204 });
  await allOver(78);
  await expectEach('waiting', ids);
});

test('a Redis that ends and comes back empty loses none either', async () => {
  receiver.reply = async () => {
    await sleep(20);
    return { status: 204 };
  };
  const ids = await publish('ended', 40);
  await until(() => delivered('ended').length > 5);
  await engine.restart(500);
  await allOver(118);
  await expectEach('ended', ids);
});
