import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { openEngines } from '#adapters/engines';
import { temporaryPostgres, type TemporaryPostgres } from '#adapters/embedded-postgres';
import { contexts, type Context, type LogRecord } from '#events';
import { readSharedSettings } from '#runtime';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { WatchedApp } from '../interop/telemetry/watched-app.ts';

jest.setTimeout(120_000);

const programOf = (name: string): string => fileURLToPath(new URL(`../../apps/${name}.js`, import.meta.url));

let postgres: TemporaryPostgres;
let folder: string;
let key: string;
/** Takes webhooks: the id of each delivery. */
let receiver: Server;
const delivered: string[] = [];

/** Databases of one server: a copy of one is a backup of it. */
function urlOf(database: string): string {
  const url = new URL(postgres.url);
  url.pathname = `/${database}`;
  return url.href;
}

async function sql(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: urlOf('template1') });
  await client.connect();
  await client.query(statement).finally(() => client.end());
}

/** Gateway and projector as they are deployed, beside the log of the folder. */
class Platform {
  readonly #apps: readonly WatchedApp[];
  readonly #base: string;

  private constructor(apps: readonly WatchedApp[], base: string) {
    this.#apps = apps;
    this.#base = base;
  }

  static async start(database: string, names: readonly string[] = ['gateway', 'projector']): Promise<Platform> {
    const env = {
      STREAMS_DATA_DIR: folder,
      DATABASE_URL: urlOf(database),
      KAFKA_BROKERS: '',
      GATEWAY_PORT: '0',
      GRPC_PORT: '0',
      WEBHOOK_PRIVATE_ADDRESSES: 'true',
      WEBHOOK_RETRY_SECONDS: '1',
    };
    const apps = await Promise.all(names.map((name) => WatchedApp.start(name, env)));
    return new Platform(apps, String(apps[0]?.ready['url']));
  }

  async call(method: string, path: string, body?: object, as = key): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> {
    const type = path === '/events' ? 'application/cloudevents+json' : 'application/json';
    const response = await fetch(`${this.#base}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${as}`, 'content-type': type },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const said = await response.text();
    return { status: response.status, body: said === '' ? {} : (JSON.parse(said) as Record<string, unknown>) };
  }

  /** Publishes so many events one by one; all are acknowledged. */
  async publish(prefix: string, count: number): Promise<void> {
    for (let n = 0; n < count; n++) {
      const data = { contentId: `${prefix}-${n}`, url: 'https://o.example/a.mp4', contentType: 'video/mp4' };
      const { status, body } = await this.call('POST', '/events', {
        specversion: '1.0',
        id: `${prefix}-${n}`,
        source: '/cms',
        type: 'content.published',
        data,
      });
      expect([status, body['events']]).toEqual([200, [expect.objectContaining({ duplicate: false })]]);
    }
  }

  async makeTenants(prefix: string, count: number): Promise<void> {
    for (let n = 0; n < count; n++) expect((await this.call('POST', '/tenants', { id: `${prefix}-${n}`, name: prefix })).status).toBe(201);
  }

  said(text: string): boolean {
    return this.#apps.some(({ lines }) => lines.some((line) => String(line['msg']).includes(text)));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#apps.map((app) => app.stop()));
  }
}

async function onLog(topic: Context): Promise<readonly LogRecord[]> {
  const engines = await openEngines(readSharedSettings({ STREAMS_DATA_DIR: folder, KAFKA_BROKERS: '' }), 'log');
  try {
    const records: LogRecord[] = [];
    for (const { partition, low, high } of await engines.log.heads(topic)) {
      for (let from = low; from < high;) {
        const batch = await engines.log.read(topic, partition, from, { recordsMax: 1000, bytesMax: 1e7, waitMs: 0 });
        records.push(...batch.records);
        from = batch.next;
      }
    }
    return records;
  } finally {
    await engines.close();
  }
}

async function published(prefix: string): Promise<number> {
  return (await onLog('content')).filter(({ headers }) => headers['ce_id']?.startsWith(`${prefix}-`)).length;
}

async function tenants(prefix: string): Promise<number> {
  const made = (await onLog('access')).filter(({ headers }) => headers['ce_type'] === 'tenant.created');
  return made.filter(({ value }) => value.includes(`"${prefix}-`)).length;
}

/** Commands come to the log a moment after they are answered. */
async function until(count: () => Promise<number>, wanted: number): Promise<void> {
  for (let tries = 0; tries < 200 && (await count()) < wanted; tries++) await sleep(50);
  expect(await count()).toBe(wanted);
}

beforeAll(async () => {
  postgres = await temporaryPostgres();
  folder = await mkdtemp(join(tmpdir(), 'streams-restored-'));
  receiver = createServer((request, response) => {
    delivered.push(String(request.headers['webhook-id']));
    request.resume().on('end', () => response.end());
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  await sql('CREATE DATABASE live');
  const env = { ...process.env, DATABASE_URL: urlOf('live'), STREAMS_DATA_DIR: folder };
  const minted = execFileSync(process.execPath, ['--no-warnings', programOf('gateway/mint-key.main'), '--first-admin'], { env, encoding: 'utf8' });
  key = (JSON.parse(minted) as { key: string }).key;
});

afterAll(async () => {
  receiver?.close();
  await postgres?.stop();
  await rm(folder, { recursive: true, force: true });
});

describe('after a backup', () => {
  let leaked: { readonly id: string; readonly key: string };

  beforeAll(async () => {
    const before = await Platform.start('live');
    const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
    expect((await before.call('POST', '/webhooks', { url, types: ['content.published'] })).status).toBe(201);
    await before.publish('early', 2);
    await before.makeTenants('early', 2);
    leaked = (await before.call('POST', '/keys', { name: 'leaked', scopes: ['view'] })).body as never;
    expect((await before.call('GET', '/webhooks', undefined, leaked.key)).status).not.toBe(401);
    await until(() => tenants('early'), 2);
    await before.stop();
    // What waits in the outbox when the backup is made, and is sent afterwards.
    const alone = await Platform.start('live', ['gateway']);
    await alone.makeTenants('waiting', 2);
    // As docs/OPERATIONS.md has it, while the platform runs.
    const copy = "new (require('node:sqlite').DatabaseSync)(process.argv[1]).exec(`VACUUM INTO '${process.argv[2]}'`)";
    await mkdir(join(folder, 'log-of-backup'));
    execFileSync(process.execPath, ['-e', copy, join(folder, 'log', 'events.sqlite'), join(folder, 'log-of-backup', 'events.sqlite')]);
    await alone.stop();
    await sql('CREATE DATABASE backup TEMPLATE live');

    const after = await Platform.start('live');
    expect(after.said('the database is older')).toBe(false);
    await after.publish('later', 6);
    await after.makeTenants('later', 3);
    expect((await after.call('DELETE', `/keys/${leaked.id}`, { reason: 'it leaked' })).status).toBeLessThan(300);
    await until(() => tenants('later'), 3);
    await until(async () => (await onLog('operation')).filter(({ headers }) => headers['ce_type'] === 'effect.succeeded').length, 2 + 6);
    await until(async () => (await onLog('access')).filter(({ headers }) => headers['ce_type'] === 'key.revoked').length, 1);
    await after.stop();
  });

  test.each([
    ['older', 'CREATE DATABASE older TEMPLATE backup'],
    ['lost', 'CREATE DATABASE lost'],
  ])('a database that is %s than the log loses nothing that is acknowledged, and opens to no revoked key', async (name, make) => {
    await sql(make);
    const deliveredBefore = delivered.length;
    const platform = await Platform.start(name);
    expect(platform.said('the database is older than the event log')).toBe(name === 'older');
    expect((await platform.call('GET', '/webhooks', undefined, leaked.key)).status).toBe(401);
    // Decided on what the log knows.
    expect((await platform.call('POST', '/tenants', { id: 'later-0', name: 'another' })).body['name']).not.toBe('another');
    await platform.publish(name, 8);
    await platform.makeTenants(name, 4);
    await until(() => tenants(name), 4);
    expect(await published(name)).toBe(8);
    if (name === 'older') await until(() => Promise.resolve(delivered.length), deliveredBefore + 8);
    else await until(async () => (await onLog('operation')).filter(({ value }) => value.includes('Rotate it')).length, 1);
    expect(new Set(delivered).size).toBe(delivered.length);
    await platform.stop();
    // Nothing is there twice, and nothing is missing.
    for (const topic of contexts) {
      const ids = (await onLog(topic)).map(({ headers }) => headers['ce_id']);
      expect(new Set(ids).size).toBe(ids.length);
    }
    expect([await tenants('early'), await tenants('waiting'), await tenants('later')]).toEqual([2, 2, 3]);

    // A second start is a normal one.
    const again = await Platform.start(name);
    expect(again.said('the database is older')).toBe(false);
    await again.stop();
  });

  test('a log that is older than the database is refused by every app, on every start', async () => {
    const older = await mkdtemp(join(tmpdir(), 'streams-older-log-'));
    await cp(join(folder, 'log-of-backup'), join(older, 'log'), { recursive: true });
    const env = {
      ...process.env,
      STREAMS_DATA_DIR: older,
      DATABASE_URL: urlOf('live'),
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
