/** @needs java maven */
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeEvent, tenantCreated, type LogRecord } from '#events';
import { kafkaStartTimeoutMs, sharedKafka, type Kafka } from '../constellation/kafka/index.ts';
import { reaches, RestoredWorld, type RestoredPlatform } from './restored-world.fixture.ts';

jest.setTimeout(180_000);

/** Heads that only the log knows when the backup is put back: bringing the database up to it takes a while. */
const manyHeads = 20_000;
const older = 'the database is older than the event log';

let kafka: Kafka;
let world: RestoredWorld;
let leaked: { readonly id: string; readonly key: string };

/** Of commands that others have decided since the backup. */
function decided(n: number): LogRecord {
  const [tenantId, data] = [`many-${n}`, { tenantId: `many-${n}`, name: 'many' }];
  const [key, common] = [tenantCreated.key(data), { source: '/test', time: 1, tenant: 'default', traceparent: '', actor: 'system:test' }];
  const about = { type: tenantCreated.type, version: tenantCreated.version, subject: tenantCreated.subject(data), key, data };
  return encodeEvent({ ...common, ...about, id: tenantId, correlationId: tenantId, causationId: tenantId, streamVersion: 1n, producerEpoch: 0n });
}

async function appendDecided(): Promise<void> {
  await world.withLog(async (log) => {
    const all = Array.from({ length: manyHeads }, (_, n) => decided(n));
    for (let at = 0; at < manyHeads; at += 1000) await log.append('access', all.slice(at, at + 1000));
  });
}

async function headsIn(database: string): Promise<number> {
  const [row] = await world.sql(`SELECT count(*)::int AS count FROM streams.heads WHERE id LIKE 'tenant:many-%'`, database);
  return (row as { count: number }).count;
}

/** A gateway that is killed while it brings the database up to the log. */
async function killCatchingUp(database: string): Promise<void> {
  const gateway = world.spawn('gateway', database);
  while ((await headsIn(database)) === 0 && gateway.exitCode === null) await sleep(5);
  gateway.kill('SIGKILL');
  await once(gateway, 'exit');
  expect(gateway.signalCode).toBe('SIGKILL');
}

/** What was decided and acknowledged by then holds, and what comes is taken, once. */
async function goesOn(platform: RestoredPlatform, name: string): Promise<void> {
  expect((await platform.call('GET', '/webhooks', undefined, leaked.key)).status).toBe(401);
  expect((await platform.call('POST', '/tenants', { id: 'later-0', name: 'another' })).body['name']).not.toBe('another');
  expect((await platform.call('POST', '/tenants', { id: `many-${manyHeads - 1}`, name: 'another' })).body['name']).not.toBe('another');
  const before = world.delivered.length;
  await platform.publish(name, 6);
  await platform.makeTenants(name, 3);
  await reaches(() => world.tenants(name), 3);
  expect(await world.published(name)).toBe(6);
  await reaches(() => Promise.resolve(world.delivered.length), before + 6);
}

beforeAll(async () => {
  kafka = await sharedKafka();
  world = await RestoredWorld.open(kafka.env);
  const before = await world.start('live');
  expect((await before.call('POST', '/webhooks', { url: world.hookUrl, types: ['content.published'] })).status).toBe(201);
  await before.publish('early', 2);
  await before.makeTenants('early', 2);
  leaked = (await before.call('POST', '/keys', { name: 'leaked', scopes: ['view'] })).body as never;
  await reaches(() => world.tenants('early'), 2);
  await before.stop();
  await world.sql('CREATE DATABASE backup TEMPLATE live');

  const after = await world.start('live');
  await after.publish('later', 6);
  await after.makeTenants('later', 3);
  expect((await after.call('DELETE', `/keys/${leaked.id}`, { reason: 'it leaked' })).status).toBeLessThan(300);
  await reaches(() => world.count('operation', 'effect.succeeded'), 2 + 6);
  await reaches(() => world.count('access', 'key.revoked'), 1);
  await after.stop();
  await appendDecided();
}, kafkaStartTimeoutMs + 120_000);

afterAll(async () => {
  await world?.close();
  await kafka?.stop();
});

test('a database that is older than Kafka’s log is brought up to it, over a kill, and a second time from the same backup', async () => {
  await world.sql('CREATE DATABASE first TEMPLATE backup');
  await killCatchingUp('first');
  const byThen = await headsIn('first');
  expect([byThen > 0, byThen < manyHeads]).toEqual([true, true]);
  const first = await world.start('first');
  expect(first.said(older)).toBe(true);
  expect(await headsIn('first')).toBe(manyHeads);
  await goesOn(first, 'first');
  await first.stop();

  // The log has gone on meanwhile, under the incarnation that the first restore began.
  await world.sql('CREATE DATABASE second TEMPLATE backup');
  const second = await world.start('second');
  expect(second.said(older)).toBe(true);
  await goesOn(second, 'second');
  await second.stop();
  const again = await world.start('second', ['gateway']);
  expect(again.said(older)).toBe(false);
  await again.stop();

  await world.expectNothingTwice();
  expect(new Set(world.delivered).size).toBe(world.delivered.length);
  expect([await world.tenants('early'), await world.tenants('later'), await world.tenants('first')]).toEqual([2, 3, 3]);
});
