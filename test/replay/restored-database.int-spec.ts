import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { programOf, reaches, RestoredWorld } from './restored-world.fixture.ts';

jest.setTimeout(120_000);

let world: RestoredWorld;

beforeAll(async () => {
  world = await RestoredWorld.open();
});

afterAll(() => world?.close());

describe('after a backup', () => {
  let leaked: { readonly id: string; readonly key: string };
  /** Live keys of data subjects, once one of them was erased. */
  let liveKeys: unknown;

  beforeAll(async () => {
    const before = await world.start('live');
    expect((await before.call('POST', '/webhooks', { url: world.hookUrl, types: ['content.published'] })).status).toBe(201);
    await before.publish('early', 2);
    await before.makeTenants('early', 2);
    for (const viewer of ['anna', 'bob']) await before.watch(viewer);
    leaked = (await before.call('POST', '/keys', { name: 'leaked', scopes: ['view'] })).body as never;
    expect((await before.call('GET', '/webhooks', undefined, leaked.key)).status).not.toBe(401);
    await reaches(() => world.tenants('early'), 2);
    await before.stop();
    // What waits in the outbox when the backup is made, and is sent afterwards.
    const alone = await world.start('live', ['gateway']);
    await alone.makeTenants('waiting', 2);
    // As docs/OPERATIONS.md has it, while the platform runs.
    const copy = "new (require('node:sqlite').DatabaseSync)(process.argv[1]).exec(`VACUUM INTO '${process.argv[2]}'`)";
    await mkdir(join(world.folder, 'log-of-backup'));
    execFileSync(process.execPath, ['-e', copy, join(world.folder, 'log', 'events.sqlite'), join(world.folder, 'log-of-backup', 'events.sqlite')]);
    await alone.stop();
    await world.sql('CREATE DATABASE backup TEMPLATE live');

    const after = await world.start('live');
    expect(after.said('the database is older')).toBe(false);
    await after.publish('later', 6);
    await after.makeTenants('later', 3);
    expect((await after.call('DELETE', `/keys/${leaked.id}`, { reason: 'it leaked' })).status).toBeLessThan(300);
    expect((await after.call('POST', '/subjects/erase', { subject: 'viewer:anna', reason: 'asked for it' })).body['alreadyErased']).toBe(false);
    liveKeys = (await after.call('GET', '/subjects/keys')).body['live'];
    await reaches(() => world.tenants('later'), 3);
    await reaches(() => world.count('operation', 'effect.succeeded'), 2 + 6);
    await reaches(() => world.count('access', 'key.revoked'), 1);
    await reaches(() => world.count('access', 'subject.erased'), 1);
    await after.stop();
  });

  test.each([
    ['older', 'CREATE DATABASE older TEMPLATE backup'],
    ['lost', 'CREATE DATABASE lost'],
  ])('a database that is %s than the log loses nothing that is acknowledged, opens to no revoked key, and has no key of who was erased', async (name, make) => {
    await world.sql(make);
    const deliveredBefore = world.delivered.length;
    const platform = await world.start(name);
    expect(platform.said('the database is older than the event log')).toBe(name === 'older');
    expect((await platform.call('GET', '/webhooks', undefined, leaked.key)).status).toBe(401);
    if (name === 'older') {
      expect((await platform.call('GET', '/subjects/keys')).body['live']).toBe(liveKeys);
      const again = await platform.call('POST', '/subjects/erase', { subject: 'viewer:anna', reason: 'once more' });
      expect(again.body).toMatchObject({ alreadyErased: true, keys: [{ erasedAt: expect.any(String) }] });
    }
    // Decided on what the log knows.
    expect((await platform.call('POST', '/tenants', { id: 'later-0', name: 'another' })).body['name']).not.toBe('another');
    await platform.publish(name, 8);
    await platform.makeTenants(name, 4);
    await reaches(() => world.tenants(name), 4);
    expect(await world.published(name)).toBe(8);
    if (name === 'older') await reaches(() => Promise.resolve(world.delivered.length), deliveredBefore + 8);
    else await reaches(async () => (await world.onLog('operation')).filter(({ value }) => value.includes('Rotate it')).length, 1);
    expect(new Set(world.delivered).size).toBe(world.delivered.length);
    await platform.stop();
    // Nothing is there twice, and nothing is missing.
    await world.expectNothingTwice();
    expect([await world.tenants('early'), await world.tenants('waiting'), await world.tenants('later')]).toEqual([2, 2, 3]);

    // A second start is a normal one.
    const again = await world.start(name);
    expect(again.said('the database is older')).toBe(false);
    await again.stop();
  });

  test('a log that is older than the database is refused by every app, on every start', async () => {
    const older = await mkdtemp(join(tmpdir(), 'streams-older-log-'));
    await cp(join(world.folder, 'log-of-backup'), join(older, 'log'), { recursive: true });
    const env = {
      ...process.env,
      STREAMS_DATA_DIR: older,
      DATABASE_URL: world.urlOf('live'),
      KAFKA_BROKERS: '',
      GATEWAY_PORT: '0',
      GRPC_PORT: '0',
      LOG_FORMAT: 'json',
    };
    for (const app of ['gateway', 'projector', 'gateway']) {
      const child = spawn(process.execPath, ['--no-warnings', programOf(`${app}/main`)], { env, stdio: ['ignore', 'pipe', 'inherit'] });
      const [said, [code]] = await Promise.all([text(child.stdout), once(child, 'exit') as Promise<[number | null]>]);
      expect(code).toBe(2);
      expect(said).toMatch(/is older than this database: \w+\/\d+ ends at \d+/);
    }
    await rm(older, { recursive: true, force: true });
  });
});
