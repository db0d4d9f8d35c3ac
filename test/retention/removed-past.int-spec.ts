import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { contentsProjection } from '#domain/content';
import { contentPublished, type DomainEvent } from '#events';
import type { Projection } from '#kernel';
import { projections } from '#read-models';
import { ConsumerHost, ConsumerLag, noTelemetry, PastKeeper } from '#runtime';
import pg from 'pg';
import { pino } from 'pino';
import { realEngines, startGateway, World, type RealEngines, type RunningGateway } from '../../apps/gateway/testing/gateway.fixture.ts';
import { heldUpNotes } from '../../apps/projector/replay/held-up.ts';
import { ReplayHost } from '../../apps/projector/replay/replay-host.ts';
import { SandboxHost } from '../../apps/projector/sandbox/sandbox-host.ts';
import { RetentionKeeper } from '../../apps/projector/retention/retention-keeper.ts';
import { keepLedger } from '../ledger/ledger-run.ts';

const streams = fileURLToPath(new URL('../../apps/streams/main.js', import.meta.url));
const limits = { replaysMax: 2, partitionsMax: 4, threadsMax: 1, threadEventsMin: 1, eventsPerSecondMax: 0, keepMs: 3_600_000, lookMs: 50 };
const logger = pino({ level: 'silent' });
const contentsMax = 60;

/** Read models whose oldest events LOG_SEALED_DAYS has removed for good. */
describe('with the past of contents removed from the log', () => {
  let engines: RealEngines;
  let world: World;
  let gateway: RunningGateway;
  let authorization: string;
  let host: ReplayHost;
  let gone: number;
  /** Before anything was recorded, amid what is removed, and behind it. */
  let moments: { readonly before: string; readonly amid: string; readonly behind: string };

  const api = async (method: string, path: string, body?: object): Promise<{ readonly status: number; readonly json: Record<string, unknown> }> => {
    const sent = method === 'GET' ? {} : { body: JSON.stringify(body ?? {}) };
    const init = { method, headers: { authorization, 'content-type': 'application/json' }, ...sent };
    const response = await fetch(`${gateway.url}${path}`, init);
    return { status: response.status, json: (await response.json()) as Record<string, unknown> };
  };
  /** The real command as a process. */
  const command = (...args: readonly string[]): Promise<{ readonly code: number; readonly out: string }> =>
    new Promise((resolve) =>
      execFile(process.execPath, ['--no-warnings', streams, ...args, '--url', gateway.url, '--key', authorization.slice('Bearer '.length)], (error, out, err) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, out: out + err }),
      ),
    );
  const sql = async (text: string): Promise<readonly Record<string, unknown>[]> => {
    const client = new pg.Client({ connectionString: engines.databaseUrl });
    await client.connect();
    return client
      .query<Record<string, unknown>>(text)
      .then((answer) => answer.rows)
      .finally(() => client.end());
  };
  const rows = async (): Promise<number> => Number((await sql('SELECT count(*)::integer AS count FROM read.content'))[0]?.['count']);
  const publish = async (prefix: string, count: number): Promise<void> => {
    const data = { url: 'https://o.example/a.mp4', contentType: 'video/mp4' };
    const drafts = Array.from({ length: count }, (_, n) => contentPublished.draft({ contentId: `${prefix}-${n}`, ...data }));
    await world.facts.publish('content', drafts, { producer: { id: 'cms', epoch: 1n } });
    await world.settle();
  };
  const until = async (id: string, ...statuses: readonly string[]): Promise<Record<string, unknown>> => {
    for (let waited = 0; ; waited += 50) {
      const { json } = await api('GET', `/api/v1/replays/${id}`);
      if (statuses.includes(String(json['status']))) return json;
      if (waited > 30_000) throw new Error(JSON.stringify(json));
      await sleep(50);
    }
  };
  const moment = async (): Promise<string> => {
    await sleep(5);
    const at = new Date().toISOString();
    await sleep(5);
    return at;
  };
  /** The ids that a content is found under as of a moment, or the status and type of the refusal. */
  const asOf = async (at: string, id: string): Promise<unknown> => {
    const { status, json } = await api('GET', `/api/v1/read-models/content/rows?where=content_id:${id}&asOf=${at}`);
    return status === 200 ? (json['rows'] as ReadonlyArray<Record<string, unknown>>).map((row) => row['content_id']) : [status, json['type']];
  };
  const truncated = [410, 'urn:streams:problem:position-truncated'];
  const projection = async (name: string): Promise<Record<string, unknown> | undefined> =>
    ((await api('GET', '/api/v1/projections')).json['items'] as readonly Record<string, unknown>[]).find((one) => one['name'] === name);

  async function replayWith(list: readonly Projection<DomainEvent>[], acceptLoss: readonly string[] = []): Promise<void> {
    await host?.stop();
    host = new ReplayHost({ owner: 'replayer', ...limits, acceptLoss }, { ...engines, projections: list, commands: world.commands, logger });
    host.start();
  }

  /** Seals what was signed, and removes what was sealed, as a projector does whose LOG_SEALED_DAYS have passed. */
  async function removeAll(): Promise<void> {
    const { log, past, leases, clock } = engines;
    const pastKeeper = new PastKeeper({ projections: [contentsProjection], owner: 'past' }, { log, past, leases, clock, logger });
    await keepLedger({ log: engines.log, store: engines.ledger, secrets: engines.secrets });
    const keeper = new RetentionKeeper(
      { owner: 'keeper', topics: ['content'], settings: { hotMs: { content: 1 }, keptMs: { content: 1 } }, source: '/test', roundMs: 50, lookMs: 20 },
      { ...engines, log: engines.sealedLog, store: engines.projections, projections, commands: world.commands, logger, pastKeeper },
    );
    keeper.start();
    while ((await engines.log.heads('content')).some(({ low, high }) => low < high)) await sleep(50);
    await keeper.stop();
    await world.settle();
  }

  beforeAll(async () => {
    engines = await realEngines();
    world = await World.open(engines);
    gateway = await startGateway(engines, world.consolePath);
    ({ authorization } = await world.key(['admin']));
    const before = await moment();
    await publish('old', contentsMax / 2);
    const amid = await moment();
    await publish('older', contentsMax / 2);
    moments = { before, amid, behind: await moment() };
    await removeAll();
    await publish('new', 2);
    gone = (await engines.log.heads('content')).reduce((sum, { low }) => sum + Number(low), 0);
    await replayWith(projections);
  }, 120_000);

  afterAll(async () => {
    await host?.stop();
    await gateway?.stop();
    await world?.close();
  });

  test('a rebuild that would lose rows is refused where it is asked for, and loses them only where that is accepted', async () => {
    expect([gone, await rows()]).toEqual([contentsMax, contentsMax + 2]);
    const refused = await api('POST', '/api/v1/replays', { projection: 'contents', promote: true });
    expect(refused).toMatchObject({ status: 409, json: { type: expect.stringContaining('replay-past-gone'), eventsGone: contentsMax } });
    expect(await command('replay', 'run', 'contents', '--promote')).toMatchObject({ code: 1, out: expect.stringContaining('--accept-loss') });
    const run = await command('replay', 'run', 'contents', '--json');
    const { id, eventsGone } = JSON.parse(run.out) as { readonly id: string; readonly eventsGone: number };
    expect([run.code, eventsGone]).toEqual([0, contentsMax]);
    const held = await api('POST', `/api/v1/replays/${id}/promote`);
    expect(held).toMatchObject({ status: 409, json: { type: expect.stringContaining('replay-past-gone'), detail: expect.stringContaining('60 events') } });
    expect(await command('replay', 'promote', id)).toMatchObject({ code: 1, out: expect.stringContaining(`streams replay promote ${id} --accept-loss`) });
    await world.settle();
    expect((await command('replay', 'list')).out).toContain('60 events from before it began are no longer on the log');
    expect(await rows()).toBe(contentsMax + 2);
    expect((await command('replay', 'promote', id, '--accept-loss')).code).toBe(0);
    expect(await rows()).toBe(2);
    await world.settle();
    const { json } = await api('GET', `/api/v1/events?subject=${id}&limit=50`);
    expect(json['items']).toContainEqual(expect.objectContaining({ type: 'replay.promotion-requested', data: { replayId: id, acceptLoss: true } }));
    expect((await command('replay', 'rollback', id)).code).toBe(0);
    expect(await rows()).toBe(contentsMax + 2);
  });

  test('as of a moment it is as it was, or it is said that nobody knows: never that there was nothing', async () => {
    expect([await asOf(moments.behind, 'old-1'), await asOf(await moment(), 'old-1')]).toEqual([['old-1'], ['old-1']]);
    expect([await asOf(moments.behind, 'new-1'), await asOf(await moment(), 'new-1')]).toEqual([[], ['new-1']]);
    expect([await asOf(moments.before, 'old-1'), await asOf(moments.amid, 'older-1')]).toEqual([truncated, truncated]);
    // Nothing was removed of what streams are made of.
    expect((await api('GET', `/api/v1/read-models/stream/rows?asOf=${moments.amid}`)).status).toBe(200);
  });

  test('a sandbox says what it lacks; one that has lost its rows is not ready with less than it had', async () => {
    const init = { owner: 'sandboxes', partitionsMax: 4, lookMs: 50 };
    const host = new SandboxHost(init, { ...engines, projections, commands: world.commands, logger, dropBlobs: async () => undefined });
    host.start();
    const shown = async (name: string, status: string): Promise<Record<string, unknown>> => {
      for (let waited = 0; ; waited += 50) {
        const { json } = await api('GET', `/api/v1/sandboxes/${name}`);
        if (json['status'] === status) return json;
        if (waited > 20_000) throw new Error(JSON.stringify(json));
        await sleep(50);
      }
    };
    const made = await command('sandbox', 'create', 'late', '--projection', 'contents,streams', '--until', moments.behind);
    expect(made).toMatchObject({ code: 0, out: expect.stringContaining('the log no longer holds 60 events from before it began') });
    expect((await command('sandbox', 'list')).out).toMatch(/late +ready +0 +60 /);
    const of = (projection: string, eventsGone: number): object => expect.objectContaining({ projection, done: 0, eventsGone });
    expect(await shown('late', 'ready')).toMatchObject({ eventsGone: contentsMax, progress: [of('contents', contentsMax), of('streams', 0)] });
    const compared = await command('sandbox', 'diff', 'late', 'contents');
    expect(compared).toMatchObject({ code: 5, out: expect.stringContaining('the log no longer holds 60 events from before it began') });
    expect((await command('sandbox', 'diff', 'late', 'streams')).out).not.toContain('no longer holds');
    // A window behind what was removed lacks nothing; one that begins amid it may.
    for (const [name, from, lacks] of [
      ['behind', new Date().toISOString(), 0],
      ['amid', moments.amid, contentsMax],
    ] as const) {
      await sleep(5);
      await api('POST', '/api/v1/sandboxes', { name, projections: ['contents'], from });
      expect(await shown(name, 'ready')).toMatchObject({ eventsGone: lacks });
    }
    // The database is that of a backup from before: rows that it had by then are built anew only where the log has all of them.
    for (const name of ['late', 'behind']) {
      const { id } = await shown(name, 'ready');
      await engines.builds.forget(`sb-${String(id)}-contents`);
    }
    await host.stop();
    await sql(`UPDATE streams.heads SET state = state - 'eventsGone' WHERE id = 'sandbox:late'`);
    const again = new SandboxHost(init, { ...engines, projections, commands: world.commands, logger, dropBlobs: async () => undefined });
    again.start();
    expect(await shown('behind', 'ready')).toMatchObject({ eventsGone: 0 });
    await shown('late', 'failed');
    await world.settle();
    expect((await api('GET', '/api/v1/sandboxes/late')).json['note']).toMatch(/^SANDBOX_PAST_GONE: The log no longer holds 60 events/);
    expect(await command('sandbox', 'diff', 'late', 'contents')).toMatchObject({ code: 1, out: expect.stringContaining('failed') });
    for (const name of ['late', 'behind', 'amid']) expect((await command('sandbox', 'drop', name)).code).toBe(0);
    await again.stop();
  });

  test('an order that accepts it from the beginning is promoted by itself', async () => {
    const { json } = await api('POST', '/api/v1/replays', { projection: 'contents', promote: true, acceptLoss: true });
    await until(String(json['id']), 'promoted');
    expect(await rows()).toBe(2);
    await api('POST', `/api/v1/replays/${String(json['id'])}/rollback`);
    await until(String(json['id']), 'rolled-back');
    expect(await rows()).toBe(contentsMax + 2);
  });

  test('a comparison says that rows which it can know nothing of differ as removed', async () => {
    const { code, out } = await command('replay', 'diff', 'contents');
    expect(code).toBe(5);
    expect(out).toContain('the log no longer holds 60 events from before it began');
    expect(out).toContain('60 removed');
    expect(JSON.parse((await command('replay', 'diff', 'contents', '--json')).out)).toMatchObject({ eventsGone: contentsMax, equal: false });
    // What lost nothing says nothing of it.
    expect((await command('replay', 'diff', 'streams')).out).not.toContain('no longer holds');
  });

  test('a new version waits, what serves goes on, and somebody is told', async () => {
    const next: Projection<DomainEvent> = { ...contentsProjection, version: contentsProjection.version + 1 };
    await replayWith(projections.map((one) => (one.name === next.name ? next : one)));
    const id = `rp-v${next.version}-contents`;
    expect(await until(id, 'ready', 'promoted')).toMatchObject({ status: 'ready', promote: true, eventsGone: contentsMax });
    await publish('meanwhile', 1);
    expect([await rows(), await projection('contents')]).toEqual([
      contentsMax + 3,
      expect.objectContaining({
        version: contentsProjection.version,
        heldBack: expect.objectContaining({ id, version: next.version, eventsGone: contentsMax }),
      }),
    ]);
    expect(await projection('streams')).toMatchObject({ heldBack: null, trouble: null });
    expect((await command('projections')).out).toContain(`contents version ${next.version} is built and waits`);
    // Once, however often it is looked at; for as long as it is so it is a remark.
    const said: string[] = [];
    const quiet = { info: (_fields: object, text: string) => said.push(text), debug: () => undefined, warn: () => undefined, error: () => undefined };
    const newer = new ConsumerHost(
      { projections: [next], owner: 'newer', renewIntervalMs: 20 },
      { ...engines, store: engines.projections, logger: quiet as never },
    );
    await newer.start();
    const telemetry = noTelemetry();
    const heldBack = async (): Promise<readonly string[]> => (newer.waits ? heldUpNotes(engines.aggregates) : []);
    const lag = new ConsumerLag({ lookEveryMs: 20, stallMs: 60_000 }, { ...engines, host: newer, telemetry, logger, heldBack });
    lag.start();
    while (telemetry.health.moving().remarks.length === 0) await sleep(20);
    await sleep(200);
    expect(telemetry.health.moving().remarks).toEqual([expect.stringContaining(`streams replay promote ${id} --accept-loss`)]);
    expect(said.filter((text) => text.startsWith('versions are being built'))).toHaveLength(1);
    await lag.stop();
    await newer.stop();
    const listed = (await api('GET', '/api/v1/replays?projection=contents&limit=1')).json['items'];
    expect(listed).toEqual([expect.objectContaining({ id, status: 'ready', promote: true, eventsGone: contentsMax })]);
    await api('POST', `/api/v1/replays/${id}/promote`, { acceptLoss: true });
    await until(id, 'promoted');
    expect([await rows(), (await projection('contents'))?.['heldBack']]).toEqual([3, null]);
    // What pieces have is answered, whatever serves; where there are none, as of new code, only what the rows that serve lack as well.
    expect(await asOf(await moment(), 'old-1')).toEqual(['old-1']);
    await sql('UPDATE streams.past_pieces SET version = version + 100');
    expect(await asOf(await moment(), 'old-1')).toEqual(truncated);
    await api('POST', `/api/v1/replays/${id}/rollback`);
    await until(id, 'rolled-back');
    // As of a database whose past was lost alone: its rows know more, which nobody is kept from seeing by an empty answer.
    expect([await asOf(moments.behind, 'old-1'), await asOf(await moment(), 'old-1')]).toEqual([truncated, truncated]);
    await sql('UPDATE streams.past_pieces SET version = version - 100');
    const after: Projection<DomainEvent> = { ...contentsProjection, version: next.version + 1 };
    await replayWith([after], ['streams', 'contents']);
    await until(`rp-v${after.version}-contents`, 'promoted');
    expect(await rows()).toBe(3);
    await api('POST', `/api/v1/replays/rp-v${after.version}-contents/rollback`);
    await until(`rp-v${after.version}-contents`, 'rolled-back');
    await replayWith(projections);
  });

  test('a database that is older than what was removed stands still and says so, and the others are shown', async () => {
    const consumers = new ConsumerHost({ projections: [contentsProjection], owner: 'late' }, { ...engines, store: engines.projections, logger });
    const said: string[] = [];
    const telemetry = noTelemetry();
    await world.stopHost();
    await sql(`UPDATE streams.checkpoints SET position = CASE partition WHEN 0 THEN 0 ELSE 1 END WHERE projection = 'contents' AND topic = 'content'`);
    await consumers.start();
    const loud = { error: (_fields: object, text: string) => said.push(text), debug: () => undefined };
    const lag = new ConsumerLag({ lookEveryMs: 50, stallMs: 60_000 }, { ...engines, host: consumers, telemetry, logger: loud as never });
    while (telemetry.health.moving().remarks.length === 0) {
      await sleep(50);
      await lag.look();
    }
    const note = /^contents stands at content\/\d+\/1, but the log begins at \d+ there: .*streams replay run contents --promote --accept-loss/;
    expect(telemetry.health.moving().remarks).toEqual([expect.stringMatching(note)]);
    // What has taken nothing of a partition yet, as in a database that is begun anew, begins where the log does.
    const { low, high } = (await engines.log.heads('content'))[0] ?? { low: 0n, high: 0n };
    expect(low).toBeGreaterThan(0n);
    const stands = async (): Promise<bigint | undefined> =>
      (await engines.projections.checkpoints('contents')).find(({ partition, version }) => partition === 0 && version === contentsProjection.version)?.position;
    for (let waited = 0; (await stands()) !== high && waited < 20_000; waited += 50) await sleep(50);
    expect(await stands()).toBe(high);
    const mine = (await engines.builds.versions()).find(({ projection: name, serving }) => name === 'contents' && serving);
    expect(mine?.begins.filter(({ topic, partition }) => topic === 'content' && partition === 0)).toEqual([{ topic: 'content', partition: 0, first: low }]);
    await lag.look();
    expect(said).toEqual([expect.stringMatching(note)]);
    await consumers.stop();
    expect((await projection('contents'))?.['trouble']).toEqual({ code: 'position-truncated', message: expect.stringMatching(note) });
    expect(await projection('streams')).toMatchObject({ trouble: null });
    const { code, out } = await command('projections');
    expect(code).toBe(0);
    expect(out).toMatch(/contents .*stands still/);
    expect(out).toContain('contents stands at content/');
    expect(out).toMatch(/^streams /m);
  });
});
