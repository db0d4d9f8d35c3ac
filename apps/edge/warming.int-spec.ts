import { SqliteEventLog } from '#adapters/sqlite-log';
import { SystemClock, UuidV7IdSource } from '#adapters/system';
import { decodeEvent, encodeEvent, purgeRequested, topicPartitions, warmFinished, warmRequested, type DraftOf } from '#events';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EdgeProcess, ScriptedOrigin, temporaryFolder, until, type EdgeRuntime } from './edge.fixture.ts';

const ids = new UuidV7IdSource();
const media = '200 OK\r\ncache-control: max-age=600\r\ncontent-type: video/mp4';
const list = '200 OK\r\ncache-control: max-age=600\r\ncontent-type: application/vnd.apple.mpegurl';

describe.each<EdgeRuntime>(['bun', 'node'])('what is fetched before it is asked for, by %s', (runtime) => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let origin: ScriptedOrigin;
  let log: SqliteEventLog;
  let edge: EdgeProcess;

  beforeEach(async () => {
    folder = await temporaryFolder();
    origin = await ScriptedOrigin.start();
    log = new SqliteEventLog({ path: join(folder.path, 'log', 'events.sqlite') }, { clock: new SystemClock() });
    for (const topic of ['cache', 'edge']) await log.ensureTopic(topic, topicPartitions);
    edge = await EdgeProcess.start({ runtime, dataDir: folder.path, originUrl: origin.url, env: { EDGE_REGION: 'eu' } });
  }, 30_000);

  afterEach(async () => {
    await edge.kill();
    await origin.close();
    await log.close();
    await folder.remove();
  });

  const warm = async (data: Partial<DraftOf<typeof warmRequested>['data']> & { readonly warmId: string }): Promise<void> => {
    const whole = { urls: [], sitemaps: [], regions: [], edges: [], perSecond: 1000, dryRun: false, part: 0, parts: 1, total: 0, reason: 'test', ...data };
    const about = { type: warmRequested.type, version: 1, source: '/test', subject: data.warmId, key: data.warmId, tenant: 'default', actor: 'key:test' };
    const trace = { correlationId: 'c', causationId: 'c', traceparent: '', streamVersion: 1n, producerEpoch: 0n };
    await log.append('cache', [encodeEvent({ id: ids.next(), time: Date.now(), ...about, ...trace, data: whole })]);
  };

  const finished = async (warmId: string): Promise<DraftOf<typeof warmFinished>['data'] | undefined> => {
    for (const { partition, low } of await log.heads('cache')) {
      const batch = await log.read('cache', partition, low, { recordsMax: 1000, bytesMax: 1e7, waitMs: 0 });
      for (const event of batch.records.map(decodeEvent)) if (event.type === warmFinished.type && event.data.warmId === warmId) return event.data;
    }
    return undefined;
  };

  test('who reads a playlist finds its newest segments', async () => {
    const names = [1, 2, 3, 4].map((at) => `/live/x/${at}.m4s`);
    for (const name of names) {
      const body = `bytes of ${name}`;
      // Later than a short answer is waited for that a slow origin sends.
      origin.on(name, ({ socket }) => void setTimeout(() => socket.write(`HTTP/1.1 ${media}\r\ncontent-length: ${body.length}\r\n\r\n${body}`), 100));
    }
    origin.says('/live/x/720p.m3u8', list, `#EXTM3U\n${names.map((name) => `#EXTINF:2,\n${name}`).join('\n')}\n`);
    expect((await edge.get('/live/x/720p.m3u8')).status).toBe(200);
    // The playlist has waited for them.
    for (const name of names.slice(1)) {
      const answer = await edge.get(name);
      expect([answer.body, answer.headers['cache-status']]).toEqual([`bytes of ${name}`, expect.stringMatching(/^edge-1; hit/)]);
    }
    expect(origin.count(names[0] as string)).toBe(0);
    expect((await edge.status())['prefetch' as never]).toMatchObject({ manifest: { fetched: 3, used: 3, wasted: 0 } });
  });

  test('a warming on the log is done and told, once by each edge that it is for', async () => {
    for (const name of ['/a.js', '/b.js']) origin.says(name, media, name);
    origin.says('/p.js', '200 OK\r\ncache-control: private', 'p');
    await warm({ warmId: 'wm-other', urls: ['/never.js'], regions: ['us'] });
    await warm({ warmId: 'wm-dry', urls: ['/a.js'], dryRun: true });
    await warm({ warmId: 'wm-1', urls: ['/a.js', '/b.js', '/p.js', '/none.js'], regions: ['eu'] });
    await until(async () => (await finished('wm-1')) !== undefined && (await finished('wm-dry')) !== undefined);
    expect(await finished('wm-dry')).toMatchObject({ urls: 1, present: 0, fetched: 1 });
    expect(await finished('wm-1')).toMatchObject({ edgeId: 'edge-1', region: 'eu', urls: 4, present: 0, fetched: 2, failed: 2, bytes: 10 });
    expect((await edge.get('/a.js')).headers['cache-status']).toMatch(/^edge-1; hit/);
    expect([origin.count('/a.js'), origin.count('/never.js'), await finished('wm-other')]).toEqual([1, 0, undefined]);
  });
});

describe('a warming that was under way when the edge ended', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let origin: ScriptedOrigin;
  let log: SqliteEventLog;
  let edge: EdgeProcess | undefined;

  beforeEach(async () => {
    folder = await temporaryFolder();
    origin = await ScriptedOrigin.start();
    log = new SqliteEventLog({ path: join(folder.path, 'log', 'events.sqlite') }, { clock: new SystemClock() });
    for (const topic of ['cache', 'edge']) await log.ensureTopic(topic, topicPartitions);
  }, 30_000);

  afterEach(async () => {
    await edge?.kill();
    await origin.close();
    await log.close();
    await folder.remove();
  });

  test.each<[NodeJS.Signals, EdgeRuntime]>([
    ['SIGKILL', 'bun'],
    ['SIGTERM', 'node'],
  ])(
    'is gone on with after %s, all parts of it, and told once (%s)',
    async (signal, runtime) => {
      const start = (): Promise<EdgeProcess> => EdgeProcess.start({ runtime, dataDir: folder.path, originUrl: origin.url });
      const state = async (name: string): Promise<string> => readFile(join(folder.path, 'edge', 'edge-1', name), 'utf8').catch(() => '');
      for (const name of ['/a.js', '/b.js']) origin.says(name, media, name);
      origin.on('/slow.js', () => undefined);
      edge = await start();
      const common = { sitemaps: [], regions: [], edges: [], perSecond: 1000, dryRun: false, parts: 2, total: 3, reason: 'test', warmId: 'wm-r' };
      const about = { type: warmRequested.type, version: 1, source: '/test', subject: 'wm-r', key: 'wm-r', tenant: 'default', actor: 'key:test' };
      const trace = { correlationId: 'c', causationId: 'c', traceparent: '', streamVersion: 1n, producerEpoch: 0n };
      const parts = [['/a.js'], ['/slow.js', '/b.js']];
      const [first] = await log.append(
        'cache',
        parts.map((urls, part) => encodeEvent({ id: ids.next(), time: Date.now(), ...about, ...trace, data: { ...common, urls, part } })),
      );
      // The edge has read on: by the offsets it would not see the warming again.
      await until(async () => origin.count('/slow.js') === 1 && (await state('offsets.json')).includes(`"${(first?.offset ?? 0n) + 2n}"`));
      await edge.kill(signal);
      origin.says('/slow.js', media, 'slow');
      edge = await start();
      const told = async (): Promise<ReadonlyArray<DraftOf<typeof warmFinished>['data']>> => {
        const batch = await log.read('cache', first?.partition ?? 0, 0n, { recordsMax: 1000, bytesMax: 1e7, waitMs: 0 });
        return batch.records.map(decodeEvent).flatMap((event) => (event.type === warmFinished.type ? [event.data] : []));
      };
      await until(async () => (await told()).length > 0);
      expect(await told()).toMatchObject([{ warmId: 'wm-r', urls: 3, fetched: 3, failed: 0 }]);
      for (const name of ['/a.js', '/b.js', '/slow.js']) expect((await edge.get(name)).headers['cache-status']).toMatch(/^edge-1; hit/);
      await until(async () => (await state('warms.json')).includes('"places":[]'));
    },
    60_000,
  );
});

describe('an edge that is new', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let origin: ScriptedOrigin;
  let log: SqliteEventLog;
  const edges: EdgeProcess[] = [];
  const secret = 'a-secret-that-all-edges-have';

  beforeEach(async () => {
    folder = await temporaryFolder();
    origin = await ScriptedOrigin.start();
    log = new SqliteEventLog({ path: join(folder.path, 'log', 'events.sqlite') }, { clock: new SystemClock() });
    for (const topic of ['cache', 'edge']) await log.ensureTopic(topic, topicPartitions);
  }, 30_000);

  afterEach(async () => {
    await Promise.all(edges.splice(0).map((edge) => edge.kill()));
    await origin.close();
    await log.close();
    await folder.remove();
  });

  const start = async (id: string, runtime: EdgeRuntime, env: Readonly<Record<string, string>> = {}): Promise<EdgeProcess> => {
    const edge = await EdgeProcess.start({ runtime, dataDir: folder.path, originUrl: origin.url, env: { EDGE_ID: id, EDGE_SECRET: secret, ...env } });
    edges.push(edge);
    return edge;
  };

  const purge = async (url: string): Promise<void> => {
    const about = { type: purgeRequested.type, version: 2, source: '/test', subject: url, key: url, tenant: 'default', actor: 'key:test' };
    const trace = { correlationId: 'c', causationId: 'c', traceparent: '', streamVersion: 1n, producerEpoch: 0n };
    await log.append('cache', [encodeEvent({ id: ids.next(), time: Date.now(), ...about, ...trace, data: { purgeId: 'pg-1', urls: [url], reason: 'test' } })]);
  };

  test.each<[EdgeRuntime, EdgeRuntime]>([
    ['bun', 'node'],
    ['node', 'bun'],
  ])(
    'has what is hot at its peers before it serves, and nothing that was purged: %s to %s',
    async (first, second) => {
      for (const name of ['/hot.js', '/purged.js', '/once.js']) origin.says(name, `${media}\r\ncache-tag: of${name.slice(1)}\r\netag: "1"`, name);
      origin.says('/vary.js', `${media}\r\nvary: accept-encoding`, 'varied');
      const peer = await start('edge-1', first);
      for (const name of ['/hot.js', '/hot.js', '/hot.js', '/purged.js', '/purged.js', '/once.js', '/vary.js', '/vary.js']) await peer.get(name);
      await purge('/purged.js');
      await until(async () => (await peer.get('/purged.js')).headers['cache-status']?.includes('fwd=') === true);
      const before = origin.seen.length;
      // The peer has the new one; the new edge gets what it is allowed to.
      const edge = await start('edge-2', second, { EDGE_WARM_PEERS: `http://127.0.0.1:${peer.port}` });
      expect(edge.lines.find(({ msg }) => msg === 'warmed from the peers')).toMatchObject({ objects: 2, refused: 0 });
      const hot = await edge.get('/hot.js');
      expect([hot.status, hot.body, hot.headers['content-type'], hot.headers['etag']]).toEqual([200, '/hot.js', 'video/mp4', '"1"']);
      expect(hot.headers['cache-status']).toMatch(/^edge-2; hit; ttl=5\d\d$/);
      expect((await edge.get('/vary.js')).headers['cache-status']).toMatch(/^edge-2; hit/);
      expect(origin.seen.length).toBe(before);
      // What was purged afterwards goes, whoever it came from.
      await purge('/hot.js');
      await until(async () => (await edge.get('/hot.js')).headers['cache-status']?.includes('fwd=') === true);
      expect(origin.count('/hot.js')).toBeGreaterThanOrEqual(2);
    },
    60_000,
  );

  test('finds its peers where they are registered, and goes on taking what gets hot there: so a shield has what its edges have', async () => {
    const shown: string[] = [];
    const peer = await start('edge-1', 'bun');
    origin.on('/api/v1/cdn/edge/peers?id=shield&region=local', ({ head, socket }) => {
      shown.push(/authorization: (.*)/.exec(head)?.[1]?.trim() ?? '');
      const body = JSON.stringify({ items: [{ id: 'edge-1', url: `http://127.0.0.1:${peer.port}/`, region: 'local' }] });
      socket.write(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    });
    origin.on('/api/v1/cdn/edge/register', ({ socket }) => void socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}'));
    for (const name of ['/before.js', '/later.js']) origin.says(name, media, name);
    for (let turn = 0; turn < 3; turn++) await peer.get('/before.js');
    const shield = await start('shield', 'node', { EDGE_WARM_PEERS: 'registry', EDGE_KEY: 'sk_of-an-edge', EDGE_PEERS_EVERY_SECONDS: '1' });
    expect(shield.lines.find(({ msg }) => msg === 'warmed from the peers')).toMatchObject({ objects: 1 });
    expect((await shield.get('/before.js')).headers['cache-status']).toMatch(/^shield; hit/);
    for (let turn = 0; turn < 3; turn++) await peer.get('/later.js');
    await until(async () => (await shield.status())['objects'] === 2);
    expect((await shield.get('/later.js')).headers['cache-status']).toMatch(/^shield; hit/);
    expect([origin.count('/before.js'), origin.count('/later.js'), shown[0]]).toEqual([1, 1, 'bearer sk_of-an-edge']);
  }, 60_000);

  test('strangers get nothing, and a peer that is not there keeps nobody from starting', async () => {
    origin.says('/hot.js', media, 'hot');
    const peer = await start('edge-1', 'bun');
    for (let turn = 0; turn < 3; turn++) await peer.get('/hot.js');
    for (const headers of [{}, { 'x-streams-edge': 'wrong' }])
      expect((await peer.get('/.streams/peer/hot', headers as Readonly<Record<string, string>>)).status).toBe(404);
    const edge = await start('edge-2', 'bun', { EDGE_WARM_PEERS: 'http://127.0.0.1:1', EDGE_WARM_SECONDS: '5' });
    expect(edge.port).toBeGreaterThan(0);
    expect((await edge.get('/hot.js')).body).toBe('hot');
  }, 60_000);
});
