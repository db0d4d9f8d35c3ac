import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { streamsProjection } from '#domain/stream';
import type { DomainEvent } from '#events';
import type { Projection } from '#kernel';
import { createLogger } from '#runtime';
import { realEngines, startGateway, World, type RunningGateway } from '../../apps/gateway/testing/gateway.fixture.ts';
import { ask, type Answer } from '../../apps/gateway/testing/http-client.ts';
import { projections } from '#read-models';
import { ReplayHost } from '../../apps/projector/replay/replay-host.ts';
import { history } from './history.ts';
import { recordAll } from './world.ts';

const main = fileURLToPath(new URL('../../apps/streams/main.js', import.meta.url));
const limits = { replaysMax: 2, partitionsMax: 4, threadsMax: 1, threadEventsMin: 1, eventsPerSecondMax: 0, keepMs: 3_600_000, lookMs: 50 };

let world: World;
let gateway: RunningGateway;
let operator: { readonly authorization: string };
let viewer: { readonly authorization: string };
let host: ReplayHost;

/** Works on replays by this code from now on. */
async function workWith(list: readonly Projection<DomainEvent>[], more: Partial<typeof limits> = {}): Promise<void> {
  await host?.stop();
  const logger = await createLogger({ name: 'replay', node: 'test', logFormat: 'json', logLevel: 'silent' });
  host = new ReplayHost({ owner: 'replayer', ...limits, ...more }, { ...world.engines, projections: list, commands: world.commands, logger });
  host.start();
}

const api = (method: string, path: string, body?: unknown, headers: Readonly<Record<string, string>> = operator): Promise<Answer> =>
  ask(gateway.url, path, { method, headers, ...(body === undefined ? {} : { body }) });

/** The real command as a process. */
function streams(...args: readonly string[]): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const env = { PATH: process.env['PATH'], STREAMS_URL: gateway.url, STREAMS_KEY: operator.authorization.slice('Bearer '.length) };
  return new Promise((resolve) => {
    execFile(process.execPath, ['--no-warnings', main, ...args], { env }, (error, out, err) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err }),
    );
  });
}

async function until(id: string, status: string): Promise<Answer['json']> {
  for (let waited = 0; ; waited += 20) {
    const { json } = await api('GET', `/api/v1/replays/${id}`);
    if (json.status === status) return json;
    if (waited > 20_000) throw new Error(`${id} is ${json.status}, not ${status}: ${json.note}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

beforeAll(async () => {
  world = await World.open(await realEngines());
  gateway = await startGateway(world.engines, world.consolePath);
  operator = { authorization: (await world.key(['operate'])).authorization };
  viewer = { authorization: (await world.key(['view'])).authorization };
  await recordAll(world.engines, history({ seed: 3, streams: 12, segments: 5 }));
  await world.settle();
  await workWith(projections);
});

afterAll(async () => {
  await host.stop();
  await gateway.stop();
  await world.close();
});

describe('replays over REST', () => {
  test('are asked for, promoted and rolled back, and every step names who asked', async () => {
    const asked = await api('POST', '/api/v1/replays', { projection: 'streams', reason: 'a test' });
    expect([asked.status, asked.json.id]).toEqual([202, expect.stringMatching(/^rp-[a-z2-7]{16}$/)]);
    const { id } = asked.json;
    const ready = await until(id, 'ready');
    expect(ready).toMatchObject({
      projection: 'streams',
      mode: 'rebuild',
      version: streamsProjection.version,
      reason: 'a test',
      promote: false,
      difference: null,
    });
    expect(ready.progress).toMatchObject({ done: ready.progress.total, etaMs: 0, skipped: 0 });
    expect((await api('POST', `/api/v1/replays/${id}/promote`)).json).toEqual({ id, status: 'promoting' });
    expect(ready).toMatchObject({ serves: false });
    expect(await until(id, 'promoted')).toMatchObject({ serves: true });
    expect((await api('GET', '/api/v1/projections')).json.items).toContainEqual(
      expect.objectContaining({ name: 'streams', version: streamsProjection.version, kept: 1 }),
    );
    expect((await api('POST', `/api/v1/replays/${id}/rollback`, { reason: 'seen' })).status).toBe(202);
    expect(await until(id, 'rolled-back')).toMatchObject({ serves: false });
    await world.settle();
    const events = (
      await api('GET', `/api/v1/events?subject=${id}&limit=50`, undefined, { authorization: (await world.key(['operate', 'view'])).authorization })
    ).json;
    const steps = events.items.map(({ type, actor }: { type: string; actor: string }) => [type, actor.split(':')[0]]);
    expect(steps.sort()).toEqual(
      [
        ['replay.requested', 'key'],
        ['replay.started', 'system'],
        ['replay.completed', 'system'],
        ['replay.promotion-requested', 'key'],
        ['projection.promoted', 'system'],
        ['replay.rollback-requested', 'key'],
        ['projection.rolled-back', 'system'],
      ].sort(),
    );
    const [row] = (await api('GET', '/api/v1/replays?projection=streams&limit=1')).json.items;
    expect(row).toMatchObject({ id, status: 'rolled-back', lastEvent: 'projection.rolled-back', requestedBy: expect.stringMatching(/^key:/) });
  });

  test('are not promoted while they are behind: the answer names the partition and how much it lacks', async () => {
    await workWith(projections, { eventsPerSecondMax: 1 });
    await host.stop();
    const { id } = (await api('POST', '/api/v1/replays', { projection: 'streams' })).json;
    expect((await api('POST', '/api/v1/replays', { projection: 'streams' })).json).toMatchObject({
      status: 409,
      type: expect.stringContaining('replay-running'),
    });
    // Somebody began it and has not come far.
    const starts = (await world.engines.log.heads('stream')).map(({ partition }) => ({ topic: 'stream', partition, first: 0n }));
    await world.engines.builds.create({ id, projection: streamsProjection, epoch: 1n, starts, whole: true });
    const refused = await api('POST', `/api/v1/replays/${id}/promote`);
    expect([refused.status, refused.json.type]).toEqual([409, expect.stringContaining('replay-behind')]);
    expect(refused.json.detail).toMatch(/\d+ events behind the log, most of them in partition stream\/\d+/);
    expect((await api('POST', `/api/v1/replays/${id}/pause`)).json).toEqual({ id, status: 'paused' });
    expect((await api('POST', `/api/v1/replays/${id}/rollback`)).json).toMatchObject({ status: 409, type: expect.stringContaining('replay-status') });
    expect((await api('POST', `/api/v1/replays/${id}/cancel`, { reason: 'enough' })).json).toEqual({ id, status: 'cancelled' });
    expect((await api('POST', `/api/v1/replays/${id}/resume`)).status).toBe(409);
    await workWith(projections);
  });

  test('are repeated by their idempotency key, and refused by what is wrong', async () => {
    const headers = { ...operator, 'idempotency-key': 'once' };
    const body = { projection: 'edges', partitions: [0] };
    const [first, again] = [await api('POST', '/api/v1/replays', body, headers), await api('POST', '/api/v1/replays', body, headers)];
    expect([first.status, again.json.id]).toEqual([202, first.json.id]);
    expect((await api('POST', '/api/v1/replays', { projection: 'edges' }, headers)).status).toBe(422);
    await until(first.json.id, 'ready');
    expect((await api('POST', `/api/v1/replays/${first.json.id}/promote`)).json).toMatchObject({
      status: 409,
      type: expect.stringContaining('replay-partial'),
    });
    const wrong = async (bad: object): Promise<readonly [number, string]> => {
      const { status, json } = await api('POST', '/api/v1/replays', bad);
      return [status, json.errors[0]?.field ?? ''];
    };
    expect(await wrong({ projection: 'nothing' })).toEqual([400, 'body.projection']);
    expect(await wrong({ projection: 'edges', partitions: [12] })).toEqual([400, 'body.partitions.0']);
    expect(await wrong({ projection: 'edges', from: '2026-01-02T00:00:00Z', until: '2026-01-01T00:00:00Z' })).toEqual([400, 'body.until']);
    expect(await wrong({ projection: 'edges', partitions: [1], promote: true })).toEqual([400, 'body.promote']);
    expect((await api('GET', '/api/v1/replays/rp-nobody')).status).toBe(404);
    expect((await api('POST', '/api/v1/replays/rp-nobody/cancel')).status).toBe(404);
    expect((await api('POST', '/api/v1/replays', { projection: 'edges' }, viewer)).status).toBe(403);
  });
});

describe('streams replay', () => {
  test('run builds and promotes, rollback takes it back', async () => {
    const run = await streams('replay', 'run', 'streams', '--promote', '--reason', 'by hand');
    expect([run.code, run.err]).toEqual([0, '']);
    const id = /Replay (rp-\S+): rebuild of streams version \d+ is promoted/.exec(run.out)?.[1] ?? run.out;
    expect(run.out).toContain(`streams replay rollback ${id}`);
    const { id: other } = JSON.parse((await streams('replay', 'run', 'streams', '--promote', '--json')).out) as { readonly id: string };
    const refused = await streams('replay', 'rollback', id);
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining(`nothing to roll back. ${other} does: roll that one back first.`)]);
    expect((await streams('replay', 'rollback', other)).code).toBe(0);
    expect(await streams('replay', 'rollback', id)).toEqual({ code: 0, out: `Replay ${id} is rolled-back.\n`, err: '' });
    expect((await streams('replay', 'rollback', id)).code).toBe(0);
    const list = await streams('replay', 'list', '--json');
    expect(JSON.parse(list.out).items.slice(0, 2)).toMatchObject([other, id].map((one) => ({ id: one, status: 'rolled-back' })));
    expect((await streams('replay', 'show', id)).out).toContain(`Replay ${id}`);
    expect((await streams('projections')).out).toMatch(/^PROJECTION +VERSION[^]*\nstreams +\d+ +\d+ +0 +0\.0/);
  });

  test('diff exits with 0 for equal rows and with 5 for others, which it names', async () => {
    const equal = await streams('replay', 'diff', 'streams');
    expect([equal.code, equal.err]).toEqual([0, '']);
    expect(equal.out).toContain('makes the same rows as those that serve');
    const renaming: Projection<DomainEvent> = {
      ...streamsProjection,
      project: (event) =>
        streamsProjection
          .project(event)
          .map((change) =>
            change.table === 'stream' && change.set['name'] === 'Stream st-3 – "ü"' ? { ...change, set: { ...change.set, name: 'Other' } } : change,
          ),
    };
    await workWith([renaming]);
    const other = await streams('replay', 'diff', 'streams', '--json');
    expect([other.code, other.err]).toEqual([5, '']);
    const { equal: isEqual, tables } = JSON.parse(other.out);
    expect(isEqual).toBe(false);
    const table = tables.find((one: { table: string }) => one.table === 'stream');
    expect(table).toMatchObject({ added: 0, removed: 0, changed: 1, changedColumns: { name: 1 } });
    expect(table.samples).toEqual([{ kind: 'changed', key: { stream_id: 'st-3' }, columns: { name: { serving: 'Stream st-3 – "ü"', rebuilt: 'Other' } } }]);
    const shown = await streams('replay', 'diff', 'streams');
    expect(shown.out).toContain('stream: 0 added, 0 removed, 1 changed');
    expect(shown.out).toContain('~ stream_id=st-3\n        name: "Stream st-3 – \\"ü\\"" → "Other"');
    await workWith(projections);
  });

  test.each([
    ['an unknown projection', ['replay', 'run', 'nothing'], 1, 'There is no projection "nothing"'],
    ['a time that is none', ['replay', 'diff', 'streams', '--until', 'noon'], 2, 'It must be a time such as'],
    ['a replay that nobody knows', ['replay', 'show', 'rp-none'], 1, 'There is no replay rp-none.'],
  ])('says what is wrong: %s', async (_what, args, code, sentence) => {
    const told = await streams(...args);
    expect([told.code, told.err]).toEqual([code, expect.stringContaining(sentence)]);
  });
});
