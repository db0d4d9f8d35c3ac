import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect } from '@jest/globals';
import { temporaryPostgres, type TemporaryPostgres } from '#adapters/embedded-postgres';
import { openEngines } from '#adapters/engines';
import { contexts, type Context, type LogRecord } from '#events';
import type { EventLog } from '#ports';
import { readSharedSettings } from '#runtime';
import pg from 'pg';
import { WatchedApp } from '../interop/telemetry/watched-app.ts';

export const programOf = (name: string): string => fileURLToPath(new URL(`../../apps/${name}.js`, import.meta.url));

type Env = Readonly<Record<string, string>>;

/** Gateway and projector as they are deployed. */
export class RestoredPlatform {
  readonly #apps: readonly WatchedApp[];
  readonly #base: string;
  readonly #key: string;

  constructor(apps: readonly WatchedApp[], key: string) {
    this.#apps = apps;
    this.#base = String(apps[0]?.ready['url']);
    this.#key = key;
  }

  async call(method: string, path: string, body?: object, as = this.#key): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> {
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

  /** A session of somebody, whose name is encrypted under a key of its own. */
  async watch(viewer: string): Promise<void> {
    const data = { sessionId: `ps-${viewer}`, assetKind: 'stream', assetId: 'st-1', startupMs: 800, player: '', viewer };
    const event = { specversion: '1.0', id: `watch-${viewer}`, source: '/player', type: 'playback.started', data };
    expect((await this.call('POST', '/events', event)).status).toBe(200);
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

/** A log, databases of which one is a backup of another, and a receiver of webhooks. */
export class RestoredWorld {
  readonly folder: string;
  /** Of the first admin. */
  readonly key: string;
  /** The id of each delivery. */
  readonly delivered: string[] = [];
  readonly #postgres: TemporaryPostgres;
  readonly #log: Env;
  readonly #receiver: Server;

  private constructor(init: {
    readonly folder: string;
    readonly key: string;
    readonly postgres: TemporaryPostgres;
    readonly log: Env;
    readonly receiver: Server;
  }) {
    this.folder = init.folder;
    this.key = init.key;
    this.#postgres = init.postgres;
    this.#log = init.log;
    this.#receiver = init.receiver;
    this.#receiver.on('request', (request, response) => {
      this.delivered.push(String(request.headers['webhook-id']));
      request.resume().on('end', () => response.end());
    });
  }

  /** With a database `live` and its first admin. `log`: what says where it is. */
  static async open(log: Env = { KAFKA_BROKERS: '' }): Promise<RestoredWorld> {
    const postgres = await temporaryPostgres();
    const folder = await mkdtemp(join(tmpdir(), 'streams-restored-'));
    const receiver = createServer();
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    await sqlOn(postgres.url, 'CREATE DATABASE live');
    const env = { ...process.env, ...log, DATABASE_URL: urlOf(postgres.url, 'live'), STREAMS_DATA_DIR: folder };
    const minted = execFileSync(process.execPath, ['--no-warnings', programOf('gateway/mint-key.main'), '--first-admin'], { env, encoding: 'utf8' });
    return new RestoredWorld({ folder, key: (JSON.parse(minted) as { key: string }).key, postgres, log, receiver });
  }

  get hookUrl(): string {
    return `http://127.0.0.1:${(this.#receiver.address() as AddressInfo).port}/hook`;
  }

  /** Databases of one server: a copy of one is a backup of it. */
  urlOf(database: string): string {
    return urlOf(this.#postgres.url, database);
  }

  /** To the server, or in a database. */
  sql(statement: string, database = 'template1'): Promise<readonly unknown[]> {
    return sqlOn(this.urlOf(database), statement);
  }

  #env(database: string): Env {
    return {
      ...this.#log,
      STREAMS_DATA_DIR: this.folder,
      DATABASE_URL: this.urlOf(database),
      GATEWAY_PORT: '0',
      GRPC_PORT: '0',
      WEBHOOK_PRIVATE_ADDRESSES: 'true',
      WEBHOOK_RETRY_SECONDS: '1',
    };
  }

  async start(database: string, names: readonly string[] = ['gateway', 'projector']): Promise<RestoredPlatform> {
    const apps = await Promise.all(names.map((name) => WatchedApp.start(name, this.#env(database))));
    return new RestoredPlatform(apps, this.key);
  }

  /** An app of which nobody waits until it is ready. */
  spawn(name: string, database: string): ChildProcess {
    const env = { PATH: process.env['PATH'], ...this.#env(database), LOG_LEVEL: 'silent', METRICS_PORT: '0' };
    return spawn(process.execPath, ['--no-warnings', programOf(`${name}/main`)], { env, stdio: 'ignore' });
  }

  /** The log itself, while `work` needs it. */
  async withLog<Answer>(work: (log: EventLog) => Promise<Answer>): Promise<Answer> {
    const engines = await openEngines(readSharedSettings({ ...this.#log, STREAMS_DATA_DIR: this.folder }), 'log');
    try {
      return await work(engines.log);
    } finally {
      await engines.close();
    }
  }

  onLog(topic: Context): Promise<readonly LogRecord[]> {
    return this.withLog(async (log) => {
      const records: LogRecord[] = [];
      for (const { partition, low, high } of await log.heads(topic)) {
        for (let from = low; from < high;) {
          const batch = await log.read(topic, partition, from, { recordsMax: 1000, bytesMax: 1e7, waitMs: 0 });
          records.push(...batch.records);
          from = batch.next;
        }
      }
      return records;
    });
  }

  /** How many events of a type are on the log. */
  async count(topic: Context, type: string, holding = ''): Promise<number> {
    return (await this.onLog(topic)).filter(({ headers, value }) => headers['ce_type'] === type && value.includes(holding)).length;
  }

  published(prefix: string): Promise<number> {
    return this.count('content', 'content.published', `"${prefix}-`);
  }

  tenants(prefix: string): Promise<number> {
    return this.count('access', 'tenant.created', `"${prefix}-`);
  }

  /** No event is on the log twice. */
  async expectNothingTwice(): Promise<void> {
    for (const topic of contexts) {
      const ids = (await this.onLog(topic)).map(({ headers }) => headers['ce_id']);
      expect(new Set(ids).size).toBe(ids.length);
    }
  }

  async close(): Promise<void> {
    this.#receiver.close();
    await this.#postgres.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

function urlOf(server: string, database: string): string {
  const url = new URL(server);
  url.pathname = `/${database}`;
  return url.href;
}

async function sqlOn(url: string, statement: string): Promise<readonly unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return (await client.query(statement).finally(() => client.end())).rows as readonly unknown[];
}

/** Commands come to the log a moment after they are answered. */
export async function reaches(count: () => Promise<number>, wanted: number): Promise<void> {
  for (let tries = 0; tries < 200 && (await count()) < wanted; tries++) await sleep(50);
  expect(await count()).toBe(wanted);
}
