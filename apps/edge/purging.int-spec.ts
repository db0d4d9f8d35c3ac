import { SqliteEventLog } from '#adapters/sqlite-log';
import { SystemClock, UuidV7IdSource } from '#adapters/system';
import { decodeEvent, encodeEvent, purgeCountRequested, purgeRequested, topicPartitions, type DomainEvent, type DraftOf, type PurgeSelector } from '#events';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { EdgeProcess, ScriptedOrigin, temporaryFolder, until, type EdgeRuntime } from './edge.fixture.ts';

type Asked = typeof purgeRequested | typeof purgeCountRequested;
type PurgeData = DraftOf<typeof purgeRequested>['data'];

const ids = new UuidV7IdSource();

describe.each<EdgeRuntime>(['bun', 'node'])('purging over the log, served by %s', (runtime) => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let origin: ScriptedOrigin;
  let log: SqliteEventLog;
  let edges: EdgeProcess[];

  beforeEach(async () => {
    folder = await temporaryFolder();
    origin = await ScriptedOrigin.start();
    log = new SqliteEventLog({ path: join(folder.path, 'log', 'events.sqlite') }, { clock: new SystemClock() });
    for (const topic of ['cache', 'edge']) await log.ensureTopic(topic, topicPartitions);
    edges = [];
  }, 30_000);

  afterEach(async () => {
    await Promise.all(edges.map((edge) => edge.kill()));
    await origin.close();
    await log.close();
    await folder.remove();
  });

  const start = async (env: Readonly<Record<string, string>> = {}): Promise<EdgeProcess> => {
    const edge = await EdgeProcess.start({ runtime, dataDir: folder.path, originUrl: origin.url, env });
    edges.push(edge);
    return edge;
  };

  const request = (purgeId: string, ...urls: string[]): Promise<void> => order(purgeId, { urls });

  const order = async (purgeId: string, purge: Partial<Omit<PurgeData, 'purgeId' | 'reason'>>, asked: Asked = purgeRequested): Promise<void> => {
    const data = { urls: [], ...purge, purgeId, reason: 'test' };
    const record = encodeEvent({
      id: ids.next(),
      type: asked.type,
      version: asked.version,
      source: '/test',
      subject: purgeId,
      time: Date.now(),
      key: purgeId,
      tenant: 'default',
      correlationId: 'c',
      causationId: 'c',
      traceparent: '',
      actor: 'key:test',
      streamVersion: 1n,
      producerEpoch: 0n,
      data,
    });
    await log.append('cache', [record]);
  };

  const events = async (topic: string): Promise<DomainEvent[]> => {
    const found: DomainEvent[] = [];
    for (const { partition, low } of await log.heads(topic)) {
      const batch = await log.read(topic, partition, low, { recordsMax: 1000, bytesMax: 1e7, waitMs: 0 });
      found.push(...batch.records.map(decodeEvent));
    }
    return found;
  };

  const applied = async (purgeId: string): Promise<Array<DomainEvent & { type: 'purge.applied' }>> =>
    (await events('cache')).filter(
      (event): event is DomainEvent & { type: 'purge.applied' } => event.type === 'purge.applied' && event.data.purgeId === purgeId,
    );

  test('a purge is applied, acknowledged, and the object asked for anew', async () => {
    const edge = await start();
    origin.says('/a.m4s?x=1&y=2', '200 OK\r\ncache-control: max-age=3600', 'old');
    origin.says('/b.m4s', '200 OK\r\ncache-control: max-age=3600', 'other');
    for (const path of ['/a.m4s?x=1&y=2', '/b.m4s']) await edge.get(path);
    origin.says('/a.m4s?x=1&y=2', '200 OK\r\ncache-control: max-age=3600', 'new');
    expect((await edge.get('/a.m4s?x=1&y=2')).body).toBe('old');
    await request('pg-1', 'https://any.example/a.m4s?y=2&x=1', '/never/seen');
    await until(async () => (await applied('pg-1')).length > 0);
    expect((await edge.get('/a.m4s?x=1&y=2')).body).toBe('new');
    expect((await edge.get('/b.m4s')).headers['cache-status']).toContain('hit');
    const [event] = await applied('pg-1');
    expect(event).toMatchObject({ actor: 'edge:edge-1', source: '/edge/edge-1', subject: 'pg-1/edge-1', data: { edgeId: 'edge-1', objects: 1 } });
    const asked = (await events('cache')).find(({ subject }) => subject === 'pg-1');
    expect(event).toMatchObject({ correlationId: 'c', causationId: asked?.id });
  }, 30_000);

  test('by tag, prefix, pattern, host and everything: what is named goes, the rest stays, and is counted once it is reclaimed', async () => {
    const edge = await start();
    const paths = ['/t/1.m4s', '/t/2.m4s', '/u/3.m4s', '/v.m4s'];
    const write = (version: string): void =>
      paths.forEach((path, at) => origin.says(path, `200 OK\r\ncache-control: max-age=3600\r\ncache-tag: News,t${at}\r\nsurrogate-key: k1 k2`, version));
    const served = async (): Promise<string[]> => Promise.all(paths.map(async (path) => (await edge.get(path)).body));
    const expected: ReadonlyArray<readonly [string, readonly PurgeSelector[], readonly number[]]> = [
      ['tag', [{ kind: 'tag', value: 't1' }], [1]],
      ['tags', [{ kind: 'tag', value: 'T0' }, { kind: 'tag', value: 't2' }], [0, 2]], // prettier-ignore
      ['key', [{ kind: 'tag', value: 'k2' }], [0, 1, 2, 3]],
      ['other', [{ kind: 'tag', value: 't1', tenant: 'globex' }], []],
      ['prefix', [{ kind: 'prefix', value: '/t/' }], [0, 1]],
      ['regex', [{ kind: 'regex', value: '^/[uv].*s$' }], [2, 3]],
      ['host', [{ kind: 'host', value: 'any.example' }], [0, 1, 2, 3]],
      ['zone', [{ kind: 'zone', value: 'zn-other' }], []],
      ['all', [{ kind: 'all', value: '' }], [0, 1, 2, 3]],
    ];
    write('a');
    const first = await edge.get('/t/1.m4s');
    expect([first.headers['cache-tag'], first.headers['surrogate-key']]).toEqual([undefined, undefined]);
    let now = await served();
    for (const [name, selectors, hit] of expected) {
      write(name);
      expect(await served()).toEqual(now);
      await order(`pg-s-${name}`, { selectors: [...selectors] });
      await until(async () => (await applied(`pg-s-${name}`)).length > 0);
      now = now.map((body, at) => (hit.includes(at) ? name : body));
      expect(await served()).toEqual(now);
      await until(async () => Math.max(...(await applied(`pg-s-${name}`)).map(({ data }) => data.objects)) === hit.length);
    }
  }, 60_000);

  test('a dry run is answered with what would go, and nothing goes', async () => {
    const edge = await start();
    for (const at of [1, 2, 3]) {
      origin.says(`/d/${at}`, `200 OK\r\ncache-control: max-age=3600\r\ncache-tag: d${at % 2}`, 'body');
      await edge.get(`/d/${at}`);
    }
    await order('pg-dry', { urls: ['/d/2'], selectors: [{ kind: 'tag', value: 'd1' }] }, purgeCountRequested);
    await order('pg-dry-none', { selectors: [{ kind: 'regex', value: '^/x' }] }, purgeCountRequested);
    const counted = async (): Promise<unknown[]> =>
      (await events('cache')).flatMap((event) => (event.type === 'purge.counted' ? [[event.data.purgeId, event.data.objects]] : []));
    await until(async () => (await counted()).length === 2);
    expect((await counted()).sort()).toEqual([
      ['pg-dry', 3],
      ['pg-dry-none', 0],
    ]);
    for (const at of [1, 2, 3]) expect((await edge.get(`/d/${at}`)).headers['cache-status']).toContain('hit');
  }, 30_000);

  test('a soft purge is revalidated; a pattern that is none empties the cache', async () => {
    const edge = await start();
    origin.says('/s.m4s', '200 OK\r\ncache-control: max-age=3600, stale-while-revalidate=60\r\netag: "1"\r\nxkey: s', 'body');
    await edge.get('/s.m4s');
    origin.says('/s.m4s', '304 Not Modified\r\ncache-control: max-age=3600\r\netag: "1"');
    await order('pg-soft', { selectors: [{ kind: 'tag', value: 's' }], soft: true });
    await until(async () => (await applied('pg-soft')).length > 0);
    // Stale, and served while it is asked for.
    expect(await edge.get('/s.m4s')).toMatchObject({ status: 200, body: 'body' });
    await until(() => origin.count('/s.m4s') === 2);
    expect(origin.seen.at(-1)?.head).toContain('if-none-match: "1"');
    await until(async () => /ttl=3[56]/.test(String((await edge.get('/s.m4s')).headers['cache-status'])));
    await order('pg-broken', { selectors: [{ kind: 'regex', value: '(' }] });
    await until(async () => (await applied('pg-broken')).length > 0);
    origin.says('/s.m4s', '200 OK\r\ncache-control: max-age=3600', 'new');
    expect((await edge.get('/s.m4s')).body).toBe('new');
    expect(edge.lines.some((line) => String(line['msg']).startsWith('everything is purged'))).toBe(true);
  }, 30_000);

  test('a purge of many parts is acknowledged once, when all of it is applied', async () => {
    const edge = await start();
    for (const path of ['/p1', '/p2']) {
      origin.says(path, '200 OK\r\ncache-control: max-age=3600', 'old');
      await edge.get(path);
    }
    for (const part of [0, 1]) await order('pg-parts', { urls: [`/p${part + 1}`], part, parts: 2 });
    await until(async () => (await applied('pg-parts')).length > 0);
    expect((await applied('pg-parts')).map(({ data }) => data.objects)).toEqual([2]);
  }, 30_000);

  test('what was asked for before a purge of its tag is neither stored nor shared after it', async () => {
    const edge = await start();
    const gate = Promise.withResolvers<void>();
    origin.on('/race-tag.m4s', async ({ socket }) => {
      await gate.promise;
      socket.write('HTTP/1.1 200 OK\r\ncache-control: max-age=3600\r\ncache-tag: race\r\ncontent-length: 3\r\n\r\nold');
    });
    const before = edge.get('/race-tag.m4s');
    await until(() => origin.count('/race-tag.m4s') === 1);
    await order('pg-race', { selectors: [{ kind: 'tag', value: 'race' }] });
    await until(async () => (await applied('pg-race')).length > 0);
    // It joins the fill that is under way: nobody knows yet by what that can be purged.
    const after = edge.get('/race-tag.m4s');
    await edge.get('/healthz');
    origin.says('/race-tag.m4s', '200 OK\r\ncache-control: max-age=3600\r\ncache-tag: race', 'new');
    gate.resolve();
    expect([(await before).body, (await after).body, (await edge.get('/race-tag.m4s')).body]).toEqual(['old', 'new', 'new']);
  }, 30_000);

  test('what was asked for before a purge is never stored after it', async () => {
    const edge = await start();
    const gate = Promise.withResolvers<void>();
    origin.on('/race.m4s', async ({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\ncache-control: max-age=3600\r\ncontent-length: 200000\r\n\r\n' + 'o'.repeat(100_000));
      await gate.promise;
      socket.write('o'.repeat(100_000));
    });
    const before = edge.get('/race.m4s');
    await until(async () => Number((await edge.status())['bytesFromOrigin']) >= 100_000);
    await request('pg-2', '/race.m4s');
    await until(async () => (await applied('pg-2')).length > 0);
    origin.says('/race.m4s', '200 OK\r\ncache-control: max-age=3600', 'new');
    expect((await edge.get('/race.m4s')).body).toBe('new');
    gate.resolve();
    expect((await before).body.length).toBe(200_000);
    expect((await edge.get('/race.m4s')).body).toBe('new');
  }, 30_000);

  test('a revalidation that a purge overtook does not bring the old object back', async () => {
    const edge = await start();
    const gate = Promise.withResolvers<void>();
    origin.says('/reval.m4s', '200 OK\r\ncache-control: max-age=0\r\netag: "v"', 'old');
    await edge.get('/reval.m4s');
    origin.on('/reval.m4s', async ({ socket }) => {
      await gate.promise;
      socket.write('HTTP/1.1 304 Not Modified\r\netag: "v"\r\ncache-control: max-age=3600\r\n\r\n');
    });
    const before = edge.get('/reval.m4s');
    await until(() => origin.count('/reval.m4s') === 2);
    await request('pg-3', '/reval.m4s');
    await until(async () => (await applied('pg-3')).length > 0);
    origin.says('/reval.m4s', '200 OK\r\ncache-control: max-age=3600', 'new');
    gate.resolve();
    expect((await before).body).toBe('old');
    expect((await edge.get('/reval.m4s')).body).toBe('new');
  }, 30_000);

  test('an edge that was down catches up before it serves, from where it was', async () => {
    const first = await start();
    await request('pg-4', '/x');
    await until(async () => (await applied('pg-4')).length === 1);
    expect(await first.kill('SIGTERM')).toBe(0);
    for (const purgeId of ['pg-5', 'pg-6']) await request(purgeId, '/y');
    const second = await start();
    const { positions } = await second.status();
    expect(positions).toEqual(
      (await log.heads('cache')).map((head, at) => expect.stringMatching(new RegExp(`^(${head.high}|${BigInt(positions[at] ?? 0)})$`))),
    );
    await until(async () => (await applied('pg-5')).length === 1 && (await applied('pg-6')).length === 1);
    expect((await applied('pg-4')).length).toBe(1);
    expect(second.lines.some((line) => String(line['msg']).includes('everything is purged'))).toBe(false);
  }, 30_000);

  test('after kill -9 no purge is lost, and the successor outranks its predecessor', async () => {
    let edge = await start();
    const epochs: unknown[] = [];
    for (let round = 0; round < 3; round++) {
      epochs.push((await edge.status())['incarnation']);
      await Promise.all(Array.from({ length: 5 }, (_, at) => request(`pg-k-${round}-${at}`, `/k/${at}`)));
      await edge.kill('SIGKILL');
      edge = await start();
    }
    for (let round = 0; round < 3; round++) for (let at = 0; at < 5; at++) await until(async () => (await applied(`pg-k-${round}-${at}`)).length > 0);
    epochs.push((await edge.status())['incarnation']);
    expect([...new Set(epochs)].sort()).toEqual(epochs);
  }, 60_000);

  test('a clock that went back does not make an epoch smaller', async () => {
    const future = Date.now() + 86_400_000;
    const first = await start();
    await first.kill('SIGTERM');
    await writeFile(join(folder.path, 'edge', 'edge-1', 'incarnation'), `${future}\n`);
    const second = await start();
    expect((await second.status())['incarnation']).toBe(future + 1);
  }, 30_000);

  test('a second process of the same edge takes over; the first ends', async () => {
    const first = await start();
    const second = await start();
    await until(async () => (await events('edge')).filter((event) => event.type === 'edge.registered').length === 2);
    // It learns of its successor as soon as it has something to say.
    await first.get('/x.m4s');
    expect(await first.ended).toBe(1);
    await request('pg-7', '/z');
    await until(async () => (await applied('pg-7')).length > 0);
    expect(second.child.exitCode).toBeNull();
  }, 30_000);

  test('offsets that cannot be read, or that the log no longer holds, mean that everything is purged', async () => {
    const first = await start();
    await request('pg-8', '/x');
    await until(async () => (await applied('pg-8')).length === 1);
    await first.kill('SIGTERM');
    const file = join(folder.path, 'edge', 'edge-1', 'offsets.json');
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ version: 1, topic: 'cache' });
    await writeFile(file, '{"half');
    const second = await start();
    expect(second.lines.some((line) => String(line['msg']).includes('the stored offsets are damaged'))).toBe(true);
    await second.kill('SIGTERM');
    await Promise.all(Array.from({ length: 40 }, (_, at) => request(`pg-t-${at}`, '/x')));
    for (const head of await log.heads('cache')) await log.truncate('cache', head.partition, head.high);
    const third = await start();
    expect(third.lines.some((line) => String(line['msg']).includes('truncated beyond'))).toBe(true);
    expect(await third.get('/readyz')).toMatchObject({ status: 200 });
  }, 60_000);

  test('it says what it is and what it did', async () => {
    const edge = await start({ EDGE_ID: 'edge-9', EDGE_REGION: 'eu' });
    origin.says('/c.m4s', '200 OK\r\ncache-control: max-age=60', 'body');
    for (let round = 0; round < 3; round++) await edge.get('/c.m4s');
    await edge.kill('SIGTERM');
    const all = await events('edge');
    expect(all.find((event) => event.type === 'edge.registered')).toMatchObject({
      key: 'edge-9',
      data: { edgeId: 'edge-9', region: 'eu', url: `http://localhost:${edge.port}` },
    });
    const last = all.filter((event) => event.type === 'edge.reported').at(-1);
    expect(last).toMatchObject({
      subject: expect.stringMatching(/^edge-9\/\d+$/),
      data: { requests: 3, hits: 2, misses: 1, originFetches: 1, bytesServed: 12, bytesFromOrigin: 4, objects: 1 },
    });
    expect(edge.lines.filter((line) => line['level'] === 'error')).toEqual([]);
  }, 30_000);

  test('a taken port is one sentence and exit code 2; a wrong setting too', async () => {
    const blocker = createServer().listen(0, '127.0.0.1');
    await once(blocker, 'listening');
    const { port } = blocker.address() as { port: number };
    const edge = await start({ EDGE_PORT: String(port) });
    expect(await edge.ended).toBe(2);
    expect(edge.lines.map((line) => line['msg'])).toContain(`Port ${port} is taken: stop what listens there, or set EDGE_PORT to another port.`);
    blocker.close();
    expect(await (await start({ EDGE_ORIGIN_URL: 'ftp://x' })).ended).toBe(2);
  }, 30_000);

  test('SIGTERM lets answers in flight finish; without its supervisor it ends', async () => {
    const gate = Promise.withResolvers<void>();
    origin.on('/slow.m4s', async ({ socket }) => {
      await gate.promise;
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nslow');
    });
    const edge = await start();
    const slow = edge.get('/slow.m4s', { connection: 'close' });
    await until(() => origin.count('/slow.m4s') === 1);
    edge.child.kill('SIGTERM');
    await until(() => edge.lines.some((line) => String(line['msg']).startsWith('stopping')));
    gate.resolve();
    expect(await slow).toMatchObject({ status: 200, body: 'slow' });
    expect(await edge.ended).toBe(0);
    const orphan = await start();
    orphan.child.stdin?.end();
    expect(await orphan.ended).toBe(0);
  }, 30_000);
});
