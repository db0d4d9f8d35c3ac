import { execFile } from 'node:child_process';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { dropSandboxBlobs, sandboxBlobSettings } from '#adapters/engines';
import { streamsProjection } from '#domain/stream';
import { contexts, type DomainEvent } from '#events';
import type { Projection } from '#kernel';
import type { ProjectionBuilds } from '#ports';
import { createLogger } from '#runtime';
import pg from 'pg';
import { realEngines, startGateway, World, type RunningGateway } from '../../apps/gateway/testing/gateway.fixture.ts';
import { ask, type Answer } from '../../apps/gateway/testing/http-client.ts';
import { projections } from '#read-models';
import { SandboxHost } from '../../apps/projector/sandbox/sandbox-host.ts';
import { history } from './history.ts';
import { recordAll } from './world.ts';

const main = fileURLToPath(new URL('../../apps/streams/main.js', import.meta.url));

let folder: string;
let url: string;
let world: World;
let gateway: RunningGateway;
let operator: { readonly authorization: string };
let settings: { readonly logPath: string; readonly blobPath: string; readonly databaseUrl: string };
const hosts: SandboxHost[] = [];

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function hostOf(
  more: { readonly builds?: ProjectionBuilds; readonly owner?: string; readonly nowMs?: number; readonly list?: readonly Projection<DomainEvent>[] } = {},
): Promise<SandboxHost> {
  const { engines } = world;
  const logger = await createLogger({ name: 'sandbox', node: 'test', logFormat: 'json', logLevel: 'silent' });
  const clock = more.nowMs === undefined ? engines.clock : { now: () => more.nowMs as number };
  const host = new SandboxHost(
    { owner: more.owner ?? 'host', partitionsMax: 4, leaseTtlMs: 600, lookMs: 30 },
    {
      ...engines,
      builds: more.builds ?? engines.builds,
      clock,
      projections: more.list ?? projections,
      commands: world.commands,
      logger,
      dropBlobs: (sandboxId) => dropSandboxBlobs(settings, sandboxId),
    },
  );
  hosts.push(host);
  host.start();
  return host;
}

const api = (method: string, path: string, body?: unknown): Promise<Answer> =>
  ask(gateway.url, path, { method, headers: operator, ...(body === undefined ? {} : { body }) });

async function until(name: string, status: string): Promise<Answer['json']> {
  for (let waited = 0; ; waited += 20) {
    const answer = await api('GET', `/api/v1/sandboxes/${name}`);
    if (answer.json.status === status || (status === 'gone' && answer.status === 404)) return answer.json;
    if (waited > 20_000) throw new Error(`${name} is ${answer.json.status}, not ${status}: ${answer.json.note}`);
    await sleep(20);
  }
}

async function query(text: string): Promise<readonly (readonly unknown[])[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query({ text, rowMode: 'array' })).rows as unknown[][];
  } finally {
    await client.end();
  }
}

/** Builds of which each load takes its time. */
function slowed(ms: number, onLoad: () => void = () => undefined): ProjectionBuilds {
  const { builds } = world.engines;
  const slow = Object.create(builds) as ProjectionBuilds;
  for (const name of ['create', 'list', 'among', 'finish', 'note', 'forget'] as const)
    Object.assign(slow, { [name]: (...args: never[]) => (builds[name] as (...all: never[]) => unknown)(...args) });
  slow.load = async (load) => {
    onLoad();
    await sleep(ms);
    await builds.load(load);
  };
  return slow;
}

/** Everything in which a sandbox could leave a trace, but for the record of its life: schemas, tables, bookkeeping, leases, blobs. */
async function traces(): Promise<object> {
  const count = async (table: string): Promise<unknown> => (await query(`SELECT count(*) FROM ${table}`))[0]?.[0];
  return {
    schemas: (await query(`SELECT nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg_%' ORDER BY 1`)).flat(),
    relations: (
      await query(
        `SELECT relnamespace::regnamespace || '.' || relname FROM pg_class WHERE relkind IN ('r', 'i', 'v', 'S') AND relnamespace::regnamespace::text NOT LIKE 'pg_%' ORDER BY 1`,
      )
    ).flat(),
    builds: await count('streams.projection_builds'),
    positions: await count('streams.build_positions'),
    versions: await count('streams.projection_versions'),
    leases: (await query(`SELECT name FROM streams.leases WHERE name NOT LIKE 'consumer/%' ORDER BY 1`)).flat(),
    blobs: await readdir(folder, { recursive: true }).then((names) => names.filter((name) => !name.startsWith('log')).sort()),
  };
}

/** What everybody sees: the rows of all read models but those that tell of sandboxes, and the ends of all other topics. */
async function outside(): Promise<object> {
  const rows: Record<string, unknown> = {};
  for (const { name, version, tables } of projections.filter((one) => one.name !== 'sandboxes'))
    for (const table of tables)
      rows[table.name] = (await query(`SELECT count(*), coalesce(bit_xor(hashtextextended(t::text, 0)), 0) FROM ${name}_v${version}."${table.name}" AS t`))[0];
  const heads = await Promise.all(contexts.filter((topic) => topic !== 'operation').map((topic) => world.engines.log.heads(topic)));
  return { rows, heads: heads.map((topic) => topic.map(({ high }) => String(high))) };
}

beforeAll(async () => {
  const engines = await realEngines();
  ({ folder, databaseUrl: url } = engines);
  settings = { logPath: join(folder, 'log', 'events.sqlite'), blobPath: join(folder, 'blobs'), databaseUrl: url };
  world = await World.open(engines);
  gateway = await startGateway(world.engines, world.consolePath, {}, 0, { sandboxes: { sandboxesMax: 3, keepMs: 3_600_000 } });
  operator = { authorization: (await world.key(['admin'])).authorization };
  await recordAll(world.engines, history({ seed: 11, streams: 12, segments: 6 }));
  await world.settle();
});

afterAll(async () => {
  await Promise.all(hosts.map((host) => host.stop()));
  await gateway.stop();
  await world.close();
});

afterEach(async () => {
  await Promise.all(hosts.splice(0).map((host) => host.stop()));
});

describe('a sandbox', () => {
  test('holds what the log makes up to its end, shows it in the shapes of the platform, and is compared with what serves', async () => {
    const host = await hostOf();
    const [before, seen] = [await traces(), await outside()];
    expect((await api('POST', '/api/v1/sandboxes', { name: 'whole', reason: 'look' })).status).toBe(202);
    expect(await until('whole', 'ready')).toMatchObject({
      projections: projections.map(({ name }) => name),
      from: null,
      createdBy: expect.stringMatching(/^key:/),
    });
    expect((await query(`SELECT nspname FROM pg_namespace WHERE nspname LIKE 'sandbox\\_%'`)).length).toBe(1);

    const list = (await api('GET', '/api/v1/sandboxes/whole/streams?limit=200')).json;
    const live = await api('GET', '/api/v1/streams?limit=200');
    expect(list.items).toHaveLength(12);
    // Who watches is a matter of now, not of the log's part that a sandbox holds.
    expect(list.items).toEqual(live.json.items.map((item: object) => ({ ...item, viewers: null })));
    const id = list.items[0]?.id ?? '';
    expect((await api('GET', `/api/v1/sandboxes/whole/streams/${id}`)).status).toBe(/^st-[a-z2-7]{8,26}$/.test(id) ? 200 : 400);
    const rows = (await api('GET', '/api/v1/sandboxes/whole/rows/segment?limit=5')).json;
    expect(rows.rows).toHaveLength(5);
    const next = (await api('GET', `/api/v1/sandboxes/whole/rows/segment?limit=5&cursor=${rows.nextCursor}`)).json;
    expect(next.rows[0]).not.toEqual(rows.rows[4]);
    const one = rows.rows[0] as { stream_id: string; rendition: string; media_sequence: number };
    const found = await api(
      'GET',
      `/api/v1/sandboxes/whole/rows/segment?where=stream_id:${one.stream_id}&where=rendition:${one.rendition}&where=media_sequence:${one.media_sequence}`,
    );
    expect(found.json.rows).toEqual([one]);
    expect((await api('GET', '/api/v1/sandboxes/whole/differences?projection=streams')).json).toMatchObject({ equal: true });

    expect(await outside()).toEqual(seen);
    expect((await api('DELETE', '/api/v1/sandboxes/whole')).status).toBe(202);
    await until('whole', 'gone');
    await host.stop();
    expect(await traces()).toEqual(before);
    expect(await outside()).toEqual(seen);
    const told = await api('GET', '/api/v1/events?subject=sandbox:whole');
    const events = told.json.items as readonly { type: string; actor: string }[];
    expect(events.map(({ type }) => type).toReversed()).toEqual(['sandbox.created', 'sandbox.ready', 'sandbox.drop-requested', 'sandbox.dropped']);
    expect(events.map(({ actor }) => actor.split(':')[0]).toReversed()).toEqual(['key', 'system', 'key', 'key']);
  });

  test('that was ready and has no tables any more, because the database was restored, is built anew', async () => {
    const first = await hostOf();
    await api('POST', '/api/v1/sandboxes', { name: 'restored', projections: ['streams', 'edges'] });
    await until('restored', 'ready');
    await first.stop();
    const rows = async (): Promise<Answer> => api('GET', '/api/v1/sandboxes/restored/rows/stream?limit=50');
    const before = (await rows()).json.rows;
    expect(before.length).toBe(12);
    const { builds } = world.engines;
    for (const name of ['streams', 'edges']) for (const { id } of await builds.list(name)) await builds.forget(id);
    const difference = async (id: string): Promise<Answer> => api('GET', `/api/v1/sandboxes/restored/differences?projection=${id}`);
    const asked = (): Promise<readonly Answer[]> =>
      Promise.all([rows(), api('GET', '/api/v1/sandboxes/restored/streams'), difference('streams'), difference('edges')]);
    const notReady = { status: 409, json: expect.objectContaining({ type: 'urn:streams:problem:sandbox-not-ready' }) };
    // Nothing of what is there in part is shown, whatever of it is: its rows, but not to their end, or one read model of two.
    const seen = new Set<string>();
    const seesNothing = async (): Promise<boolean> => {
      const answers = await asked();
      const [listed, shown] = [await api('GET', '/api/v1/sandboxes'), (await api('GET', '/api/v1/sandboxes/restored')).json];
      if (shown.status === 'ready') return false;
      seen.add(`${shown.status}: ${shown.note}`);
      expect(listed.json.items.map(({ status }) => status)).toEqual(['building']);
      for (const answer of answers) expect(answer).toMatchObject(notReady);
      return true;
    };
    expect(await seesNothing()).toBe(true);
    expect((await rows()).json.detail).toBe('The sandbox restored is built anew: the database is older than it, as one from a backup is.');
    let loads = 0;
    // It takes longer than several looks at what has become of the order.
    const slow = await hostOf({ builds: slowed(700, () => loads++), owner: 'slow' });
    while (await seesNothing()) await sleep(50);
    expect(loads).toBeGreaterThan(1);
    expect([...seen]).toEqual(['building: built anew: the database is older than it, as one from a backup is']);
    expect((await rows()).json.rows).toEqual(before);
    for (const id of ['streams', 'edges']) expect((await difference(id)).json.equal).toBe(true);
    expect((await api('GET', '/api/v1/sandboxes/restored')).json).toMatchObject({ status: 'ready', note: null });

    // What cannot be built any more says so, and is not tried for ever.
    await slow.stop();
    for (const { id } of await builds.list('streams')) await builds.forget(id);
    const broken = { ...streamsProjection, project: () => [{ table: 'nothing', key: {}, set: {} }] };
    const host = await hostOf({ owner: 'broken', list: [broken, ...projections.filter(({ name }) => name !== 'streams')] });
    await until('restored', 'failed');
    await world.settle();
    expect((await api('GET', '/api/v1/sandboxes/restored')).json.note).toMatch(/^[A-Z_]+: /);
    expect(await rows()).toMatchObject(notReady);
    await host.stop();
    await hostOf({ owner: 'last' });
    await api('DELETE', '/api/v1/sandboxes/restored');
    await until('restored', 'gone');
  });

  test('of a window and some read models holds what was recorded in it alone', async () => {
    const host = await hostOf();
    const now = Date.now();
    const [first] = (await world.engines.log.read('stream', 0, 0n, { recordsMax: 1, bytesMax: 1, waitMs: 0 })).records;
    const until0 = new Date((first as { recordedAt: number }).recordedAt).toISOString();
    const ahead = await api('POST', '/api/v1/sandboxes', { name: 'ahead', until: new Date(now + 3_600_000).toISOString() });
    expect([ahead.status, ahead.json.type, ahead.json.errors[0]?.field]).toEqual([400, 'urn:streams:problem:until-in-future', 'body.until']);
    await api('POST', '/api/v1/sandboxes', { name: 'none', projections: ['streams'], until: until0 });
    await api('POST', '/api/v1/sandboxes', {
      name: 'later',
      projections: ['streams', 'edges'],
      from: new Date(now).toISOString(),
      until: new Date(now + 1).toISOString(),
    });
    await until('none', 'ready');
    await until('later', 'ready');
    const count = async (name: string): Promise<number> => (await api('GET', `/api/v1/sandboxes/${name}/rows/segment`)).json.rows.length;
    expect(await count('none')).toBeLessThan(5);
    expect(await count('later')).toBe(0);
    const difference = (await api('GET', '/api/v1/sandboxes/later/differences?projection=streams')).json;
    expect(difference.equal).toBe(false);
    expect(difference.tables.find(({ table }) => table === 'stream')).toMatchObject({ rebuilt: 0, removed: expect.any(Number) });
    expect((await api('GET', '/api/v1/sandboxes/later/rows/purge')).json.type).toBe('urn:streams:problem:not-in-sandbox');
    for (const name of ['none', 'later']) await api('DELETE', `/api/v1/sandboxes/${name}`);
    await until('none', 'gone');
    await until('later', 'gone');
    await host.stop();
  });

  test('is taken over from a process that died in the middle, and dropped while it is being built', async () => {
    const before = await traces();
    const stuck = Object.create(world.engines.builds) as ProjectionBuilds;
    let loads = 0;
    stuck.create = (build) => world.engines.builds.create(build);
    stuck.list = () => world.engines.builds.list();
    stuck.among = (ids) => world.engines.builds.among(ids);
    stuck.finish = (claim) => world.engines.builds.finish(claim);
    stuck.note = (claim, progress) => world.engines.builds.note(claim, progress);
    stuck.load = (load) => (++loads === 1 ? world.engines.builds.load(load) : new Promise(() => undefined));
    // Neither renewed nor given back, as a process that was killed leaves them.
    const killed = new Set<string>();
    const renew = world.engines.leases.renew.bind(world.engines.leases);
    world.engines.leases.renew = async (lease, ttlMs) => killed.has(lease.owner) || renew(lease, ttlMs);
    const dead = await hostOf({ builds: stuck, owner: 'dead' });
    await api('POST', '/api/v1/sandboxes', { name: 'taken' });
    while (loads < 2) await sleep(10);
    killed.add('dead');
    const alive = await hostOf({ owner: 'alive' });
    await until('taken', 'ready');
    expect((await api('GET', '/api/v1/sandboxes/taken/differences?projection=streams')).json).toMatchObject({ equal: true });

    await alive.stop();
    loads = 1;
    const building = await hostOf({ builds: stuck, owner: 'building' });
    await api('POST', '/api/v1/sandboxes', { name: 'building' });
    while (loads < 2) await sleep(10);
    for (const name of ['taken', 'building']) await api('DELETE', `/api/v1/sandboxes/${name}`);
    await hostOf({ owner: 'third' });
    // The stuck owner holds its lease while it lives; its end lets another remove what it made.
    killed.add('building');
    void building.stop();
    void dead.stop();
    hosts.splice(hosts.indexOf(building), 1);
    hosts.splice(hosts.indexOf(dead), 1);
    await until('taken', 'gone');
    await until('building', 'gone');
    await hosts.at(-1)?.stop();
    world.engines.leases.renew = renew;
    expect(await traces()).toEqual(before);
  });

  test('that is building when somebody drops it ends first, and nothing is left', async () => {
    const before = await traces();
    let loads = 0;
    const slow = slowed(400, () => loads++);
    const host = await hostOf({ builds: slow, owner: 'slow' });
    await api('POST', '/api/v1/sandboxes', { name: 'slow' });
    while (loads === 0) await sleep(5);
    await api('DELETE', '/api/v1/sandboxes/slow');
    await until('slow', 'gone');
    await host.stop();
    expect(await traces()).toEqual(before);
  });

  test('is dropped by itself when its time is over, blobs included', async () => {
    const before = await traces();
    const host = await hostOf({ owner: 'now' });
    await api('POST', '/api/v1/sandboxes', { name: 'brief', projections: ['purges'], expiresInHours: 1 });
    const { id } = await until('brief', 'ready');
    const { blobPath } = sandboxBlobSettings(settings, id as string);
    await mkdir(blobPath, { recursive: true });
    await writeFile(join(blobPath, 'left'), 'behind');
    await host.stop();
    const later = await hostOf({ owner: 'later', nowMs: Date.now() + 3_700_000 });
    await until('brief', 'gone');
    await later.stop();
    // The folder of all sandboxes may stay; nothing is in it.
    expect(await readdir(join(folder, 'sandboxes'))).toEqual([]);
    await rm(join(folder, 'sandboxes'), { recursive: true });
    expect(await traces()).toEqual(before);
  });

  test('that cannot be built says why, and is dropped like any other', async () => {
    const broken = { ...streamsProjection, project: () => [{ table: 'nothing', key: {}, set: {} }] };
    const host = await hostOf({ owner: 'broken', list: [broken] });
    await api('POST', '/api/v1/sandboxes', { name: 'broken', projections: ['streams'] });
    expect((await until('broken', 'failed')).status).toBe('failed');
    expect((await api('GET', '/api/v1/sandboxes/broken/rows/stream')).status).toBe(409);
    await api('DELETE', '/api/v1/sandboxes/broken');
    await until('broken', 'gone');
    await host.stop();
  });

  test('is asked for once by one idempotency key, with a name of its own, and there are not too many', async () => {
    const once = (name: string, key: string) =>
      ask(gateway.url, '/api/v1/sandboxes', { method: 'POST', headers: { ...operator, 'idempotency-key': key }, body: { name, projections: ['purges'] } });
    const [first, again] = [await once('a', 'k1'), await once('a', 'k1')];
    expect([first.status, again.status, again.json.id]).toEqual([202, 202, first.json.id]);
    expect((await once('b', 'k1')).json.type).toBe('urn:streams:problem:idempotency-key-reused');
    expect((await once('a', 'k2')).json.type).toBe('urn:streams:problem:sandbox-exists');
    for (const name of ['b', 'c']) expect((await once(name, `k-${name}`)).status).toBe(202);
    expect((await once('d', 'k-d')).json.type).toBe('urn:streams:problem:too-many-sandboxes');
    expect((await api('POST', '/api/v1/sandboxes', { name: 'e', projections: ['nothing'] })).json.errors[0]?.field).toBe('body.projections.0');
    expect((await api('POST', '/api/v1/sandboxes', { name: 'Not A Name' })).json.errors[0]?.field).toBe('body.name');
    expect((await api('DELETE', '/api/v1/sandboxes/nobody')).status).toBe(404);
    const host = await hostOf();
    for (const name of ['a', 'b', 'c']) await api('DELETE', `/api/v1/sandboxes/${name}`);
    for (const name of ['a', 'b', 'c']) await until(name, 'gone');
    await host.stop();
  });
});

describe('streams sandbox', () => {
  function streams(...args: readonly string[]): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
    const env = { PATH: process.env['PATH'], STREAMS_URL: gateway.url, STREAMS_KEY: operator.authorization.slice('Bearer '.length) };
    return new Promise((resolve) => {
      execFile(process.execPath, ['--no-warnings', main, 'sandbox', ...args], { env }, (error, out, err) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err }),
      );
    });
  }

  test('creates, lists, queries, compares and drops', async () => {
    const host = await hostOf();
    const made = await streams('create', 'by-hand', '--projection', 'streams,edges', '--reason', 'test');
    expect([made.code, made.err]).toEqual([0, '']);
    expect(made.out).toContain('Sandbox by-hand is ready');
    expect((await streams('list')).out).toMatch(/by-hand +ready/);
    const rows = await streams('query', 'by-hand', 'stream', '--limit', '2', '--json');
    expect(JSON.parse(rows.out).rows).toHaveLength(2);
    expect((await streams('diff', 'by-hand', 'streams')).code).toBe(0);
    expect(await streams('drop', 'by-hand', '--reason', 'seen enough')).toEqual({ code: 0, out: 'Nothing is left of the sandbox by-hand.\n', err: '' });
    const told = (await api('GET', '/api/v1/events?subject=sandbox:by-hand')).json.items as readonly { type: string; data: object }[];
    expect(told.find(({ type }) => type === 'sandbox.drop-requested')?.data).toMatchObject({ reason: 'seen enough' });
    expect((await streams('show', 'by-hand')).err).toContain('There is no sandbox by-hand.');
    await host.stop();
  });
});
