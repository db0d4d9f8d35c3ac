/** @needs redis */
import { SqliteEventLog } from '#adapters/sqlite-log';
import { SystemClock, UuidV7IdSource } from '#adapters/system';
import { decodeEvent, encodeEvent, purgeApplied, purgeRequested, topicPartitions, type PurgeSelector } from '#events';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { join } from 'node:path';
import { EdgeProcess, ScriptedOrigin, temporaryFolder, until, type Answer, type EdgeRuntime, type OriginRequestSeen } from '../edge.fixture.ts';
import { OwnRedis } from './own-redis.fixture.ts';

const ids = new UuidV7IdSource();
const fresh = '200 OK\r\ncache-control: max-age=600\r\ncontent-type: text/css\r\netag: "1"';

const status = async (edge: EdgeProcess): Promise<Record<string, number | string>> => (await edge.status())['shared'] as never;
const said = ({ headers }: Answer): string => String(headers['cache-status']);

describe('what edges keep for each other', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let origin: ScriptedOrigin;
  let log: SqliteEventLog;
  let redis: OwnRedis;
  /** On Bun, and on Node. */
  let edges: readonly [EdgeProcess, EdgeProcess];
  let names = 0;

  const start = (id: string, runtime: EdgeRuntime, env: Readonly<Record<string, string>> = {}): Promise<EdgeProcess> =>
    EdgeProcess.start({
      runtime,
      dataDir: folder.path,
      originUrl: origin.url,
      // No test waits for less: a machine under load is slow.
      env: { EDGE_ID: id, EDGE_SHARED_URL: redis.url, EDGE_SHARED_WAIT_MS: '1000', EDGE_REVALIDATE_PER_SECOND: '0', ...env },
    });

  beforeAll(async () => {
    folder = await temporaryFolder();
    origin = await ScriptedOrigin.start();
    log = new SqliteEventLog({ path: join(folder.path, 'log', 'events.sqlite') }, { clock: new SystemClock() });
    for (const topic of ['cache', 'edge']) await log.ensureTopic(topic, topicPartitions);
    redis = await OwnRedis.start();
    edges = await Promise.all([start('edge-1', 'bun'), start('edge-2', 'node')]);
  }, 60_000);

  afterAll(async () => {
    await Promise.all(edges.map((edge) => edge.kill()));
    await redis.stop();
    await origin.close();
    await log.close();
    await folder.remove();
  });

  /** A path that no other test asks for. */
  const path = (): string => `/a/${++names}.css`;

  /** Asks one edge for it, and waits until it lies in the tier. */
  const put = async (edge: EdgeProcess, target: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> => {
    const { written } = await status(edge);
    const answer = await edge.get(target, headers);
    await until(async () => Number((await status(edge))['written']) > Number(written));
    return answer;
  };

  const purge = async (
    data: { readonly urls?: readonly string[]; readonly selectors?: readonly PurgeSelector[]; readonly soft?: boolean },
    by = ['edge-1', 'edge-2'],
  ): Promise<void> => {
    const purgeId = `pg-${ids.next()}`;
    const about = {
      type: purgeRequested.type,
      version: purgeRequested.version,
      source: '/test',
      subject: purgeId,
      key: purgeId,
      tenant: 'default',
      actor: 'key:test',
    };
    const trace = { correlationId: 'c', causationId: 'c', traceparent: '', streamVersion: 1n, producerEpoch: 0n };
    const whole = { purgeId, urls: [], selectors: [], soft: false, part: 0, parts: 1, reason: 'test', ...data };
    await log.append('cache', [encodeEvent({ id: ids.next(), time: Date.now(), ...about, ...trace, data: whole })]);
    await until(async () => {
      const applied = new Set<string>();
      for (const { partition, low } of await log.heads('cache')) {
        const batch = await log.read('cache', partition, low, { recordsMax: 5000, bytesMax: 1e7, waitMs: 0 });
        for (const event of batch.records.map(decodeEvent))
          if (event.type === purgeApplied.type && event.data.purgeId === purgeId) applied.add(event.data.edgeId);
      }
      return by.every((id) => applied.has(id));
    });
  };

  test.each([
    ['bun', 'node', 0, 1],
    ['node', 'bun', 1, 0],
  ] as const)('are served by another, as they came: %s to %s', async (_from, _to, from, to) => {
    const [plain, varied] = [path(), path()];
    origin.says(plain, `${fresh}\r\ncache-tag: a, b\r\nx-other: 1`, 'plain');
    origin.on(varied, ({ head, socket }) => {
      const body = head.includes('accept-encoding: gzip') ? 'packed' : 'as it is';
      socket.write(`HTTP/1.1 ${fresh}\r\nvary: accept-encoding\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    });
    await put(edges[from], plain);
    await put(edges[from], varied, { 'accept-encoding': 'gzip' });
    await put(edges[from], varied);
    const answer = await edges[to].get(plain);
    expect([answer.status, answer.body, answer.headers['etag'], answer.headers['content-type'], answer.headers['x-other']]).toEqual([
      200,
      'plain',
      '"1"',
      'text/css',
      '1',
    ]);
    expect(said(answer)).toBe(`edge-${to + 1}; fwd=uri-miss; stored; detail=shared-tier`);
    expect(said(await edges[to].get(plain))).toMatch(/; hit; ttl=5\d\d$/);
    expect((await edges[to].get(varied, { 'accept-encoding': 'gzip' })).body).toBe('packed');
    expect((await edges[to].get(varied)).body).toBe('as it is');
    expect([origin.count(plain), origin.count(varied)]).toEqual([1, 2]);
  });

  test.each<[string, (target: string) => Parameters<typeof purge>[0]]>([
    ['its URL', (target) => ({ urls: [target] })],
    ['its tag', (target) => ({ selectors: [{ kind: 'tag', value: `tag-of-${target}`, tenant: 'default' }] })],
    ['a prefix', (target) => ({ selectors: [{ kind: 'prefix', value: target.slice(0, -4) }] })],
    ['a pattern', (target) => ({ selectors: [{ kind: 'regex', value: `^${target}$` }] })],
    ['everything', () => ({ selectors: [{ kind: 'all', value: '' }] })],
    ['everything, softly', () => ({ selectors: [{ kind: 'all', value: '' }], soft: true })],
  ])('are not served any more once %s was purged, and what comes after is', async (_what, order) => {
    const target = path();
    origin.says(target, `${fresh}\r\ncache-tag: tag-of-${target}`, 'old');
    await put(edges[0], target);
    await purge(order(target));
    origin.says(target, fresh.replace('"1"', '"2"'), 'new');
    expect([(await put(edges[1], target)).body, (await edges[0].get(target)).body, origin.count(target)]).toEqual(['new', 'new', 2]);
  });

  test('hold nothing that was on its way from the origin when it was purged', async () => {
    const target = path();
    const asked: OriginRequestSeen[] = [];
    origin.on(target, (request) => void asked.push(request));
    const first = edges[0].get(target);
    await until(() => asked.length === 1);
    await purge({ urls: [target] });
    const { written } = await status(edges[0]);
    asked[0]?.socket.write(`HTTP/1.1 ${fresh}\r\ncontent-length: 3\r\n\r\nold`);
    expect((await first).body).toBe('old');
    origin.says(target, fresh, 'new');
    expect([(await edges[1].get(target)).body, (await edges[0].get(target)).body]).toEqual(['new', 'new']);
    expect((await redis.objects()).get(target)?.bytes.toString('latin1')).not.toContain('old');
    expect(Number((await status(edges[0]))['written'])).toBe(Number(written));
  });

  test('are of use to an edge that starts later, but for what was purged before it started', async () => {
    const [kept, purged] = [path(), path()];
    for (const target of [kept, purged]) origin.says(target, fresh, 'old');
    await put(edges[0], kept);
    await put(edges[0], purged);
    await purge({ urls: [purged] });
    const late = await start('edge-3', 'bun');
    try {
      origin.says(purged, fresh, 'new');
      expect([(await late.get(kept)).body, (await late.get(purged)).body]).toEqual(['old', 'new']);
      expect([origin.count(kept), origin.count(purged)]).toEqual([1, 2]);
    } finally {
      await late.kill();
    }
  }, 30_000);

  test('are passed by for what a request has changed through this edge, and for one that wants the origin’s own word', async () => {
    const [changed, asked] = [path(), path()];
    origin.says(changed, fresh, 'old');
    origin.says(asked, fresh, 'old');
    await put(edges[0], changed);
    await put(edges[0], asked);
    const old = (await redis.objects()).get(changed) as { readonly name: string; readonly bytes: Buffer };
    origin.says(changed, '200 OK', 'done');
    expect((await edges[1].get(changed, {}, 'POST', 'x')).body).toBe('done');
    origin.says(changed, fresh, 'new');
    // Another edge puts it back as it had it: who made the change does not take it.
    await redis.client.set(old.name, old.bytes);
    expect((await edges[1].get(changed)).body).toBe('new');
    origin.says(asked, fresh, 'new');
    await new Promise((resolve) => setTimeout(resolve, 1100));
    expect((await edges[1].get(asked, { 'cache-control': 'no-cache' })).body).toBe('new');
  });

  test.each<[string, (bytes: Buffer, redis: Redis, name: string) => Promise<unknown>]>([
    ['cut short', (bytes, client, name) => client.set(name, bytes.subarray(0, -1))],
    ['changed in a bit of the body', (bytes, client, name) => client.set(name, flipped(bytes, bytes.length - 1))],
    ['changed in a bit of the head', (bytes, client, name) => client.set(name, flipped(bytes, 40))],
    ['noise', (_bytes, client, name) => client.set(name, 'noise')],
    ['larger than anything', (_bytes, client, name) => client.set(name, Buffer.alloc(20_000_000))],
    ['a list', async (_bytes, client, name) => [await client.del(name), await client.lpush(name, 'x')]],
  ])('are asked of the origin where what lies there is %s', async (_what, spoil) => {
    const target = path();
    origin.says(target, fresh, 'right');
    await put(edges[0], target);
    const { bytes, name } = (await redis.objects()).get(target) as { readonly bytes: Buffer; readonly name: string };
    await spoil(bytes, redis.client, name);
    expect([(await edges[1].get(target)).body, origin.count(target), (await status(edges[1]))['state']]).toEqual(['right', 2, 'on']);
  });

  test('are not taken for those of another key, or of another version of this program', async () => {
    const [one, other] = [path(), path()];
    for (const target of [one, other]) origin.says(target, fresh, target);
    await put(edges[0], one);
    await put(edges[0], other);
    const objects = await redis.objects();
    await redis.client.set(objects.get(other)?.name as string, objects.get(one)?.bytes as Buffer);
    expect([(await edges[1].get(other)).body, origin.count(other)]).toEqual([other, 2]);
  });

  describe('and when the server is', () => {
    beforeEach(async () => {
      await until(async () => (await redis.client.ping().catch(() => '')) === 'PONG');
    });

    afterEach(async () => {
      // By then it is used again: whoever asks for something finds that out.
      for (const edge of edges)
        await until(async () => {
          await edge.get(path());
          return (await status(edge))['state'] === 'on';
        });
    }, 30_000);

    test('silent, the origin answers; what was purged meanwhile does not come back', async () => {
      const [target, another] = [path(), path()];
      origin.says(target, fresh, 'old');
      origin.says(another, fresh, 'another');
      await put(edges[0], target);
      redis.signal('SIGSTOP');
      await purge({ urls: [target] });
      for (let turn = 0; turn < 4; turn++) expect((await edges[1].get(path())).status).toBe(404);
      expect([(await edges[1].get(another)).body, await status(edges[1])]).toEqual([
        'another',
        expect.objectContaining({ state: 'away', reason: 'no answer within 1000 ms' }),
      ]);
      redis.signal('SIGCONT');
      origin.says(target, fresh, 'new');
      expect([(await edges[1].get(target)).body, (await edges[0].get(target)).body]).toEqual(['new', 'new']);
    }, 30_000);

    test('killed, the origin answers, until it is there again', async () => {
      const target = path();
      origin.says(target, fresh, 'right');
      await put(edges[0], target);
      redis.signal('SIGKILL');
      expect((await edges[1].get(target)).body).toBe('right');
      await until(async () => {
        await edges[1].get(path());
        return (await status(edges[1]))['state'] === 'away';
      });
      await redis.restart();
    }, 30_000);

    test('full, what lies there is read', async () => {
      const [target, another] = [path(), path()];
      for (const each of [target, another]) origin.says(each, fresh, each);
      await put(edges[0], target);
      await redis.client.config('SET', 'maxmemory', '1');
      expect((await edges[0].get(another)).body).toBe(another);
      await until(async () => (await status(edges[0]))['state'] === 'full');
      expect([(await edges[1].get(target)).body, origin.count(target)]).toEqual([target, 1]);
      await redis.client.config('SET', 'maxmemory', '0');
      await until(async () => {
        const more = path();
        origin.says(more, fresh, more);
        await edges[0].get(more);
        return (await status(edges[0]))['state'] === 'on';
      });
    }, 30_000);
  });

  test('slices of large objects are asked of the origin once for all edges, and never outlive a purge', async () => {
    const mib = 1024 * 1024;
    // Of so little memory no object may take more than one: larger ones are cut.
    const [first, second] = await Promise.all([start('edge-5', 'bun', { EDGE_MEMORY_MB: '8' }), start('edge-6', 'node', { EDGE_MEMORY_MB: '8' })]);
    let bytes = 'a';
    origin.on('/film.mp4', ({ head, socket }) => {
      const [, from, to] = /\r\nrange: bytes=(\d+)-(\d+)/.exec(head) ?? [];
      const [begin, end] = from === undefined ? [0, 3 * mib] : [Number(from), Number(to) + 1];
      const status = from === undefined ? '200 OK' : `206 Partial Content\r\ncontent-range: bytes ${begin}-${end - 1}/${3 * mib}`;
      const fields = 'cache-control: max-age=600\r\netag: "same"\r\naccept-ranges: bytes';
      socket.write(`HTTP/1.1 ${status}\r\n${fields}\r\ncontent-length: ${end - begin}\r\n\r\n`);
      socket.write(Buffer.alloc(end - begin, bytes));
    });
    const film = async (edge: EdgeProcess): Promise<readonly [number, string]> => {
      const { body } = await edge.get('/film.mp4');
      return [body.length, [...new Set(body)].join('')];
    };
    try {
      expect(await film(first)).toEqual([3 * mib, 'a']);
      await until(async () => Number((await status(first))['written']) === 3);
      expect(origin.count('/film.mp4')).toBe(3);
      // Each edge asks which version there is, which brings the first slice.
      expect(await film(second)).toEqual([3 * mib, 'a']);
      expect([origin.count('/film.mp4'), (await status(second))['hits']]).toEqual([4, 2]);
      // An origin that has something else under the same tag: what was kept before the purge is not taken.
      bytes = 'b';
      await purge({ urls: ['/film.mp4'] }, ['edge-5', 'edge-6']);
      expect([await film(second), await film(first)]).toEqual([
        [3 * mib, 'b'],
        [3 * mib, 'b'],
      ]);
    } finally {
      await Promise.all([first.kill(), second.kill()]);
    }
  }, 60_000);

  test('are none of the business of an edge that starts without them: it serves, and says so at once', async () => {
    const lone = await start('edge-7', 'bun', { EDGE_SHARED_URL: 'redis://127.0.0.1:1' });
    try {
      expect(lone.lines.some(({ msg }) => msg === 'the shared tier is left alone, and the origin is asked')).toBe(true);
      const { remarks } = JSON.parse((await lone.get('/readyz')).body) as { readonly remarks: readonly string[] };
      expect(remarks).toEqual([expect.stringContaining('the shared tier is away: Redis cannot be reached')]);
    } finally {
      await lone.kill();
    }
  });

  test('are none of the business of an edge whose password is wrong: it serves, and says so without saying the password', async () => {
    const target = path();
    origin.says(target, fresh, 'right');
    const stranger = await start('edge-4', 'node', { EDGE_SHARED_URL: `redis://:not-the-password@127.0.0.1:${redis.port}` });
    try {
      expect((await stranger.get(target)).body).toBe('right');
      await until(async () => (await status(stranger))['state'] === 'away');
      expect((await status(stranger))['reason']).toMatch(/EDGE_SHARED_URL/);
      expect(JSON.stringify(stranger.lines)).not.toContain('not-the-password');
      const ready = await stranger.get('/readyz');
      expect(ready.status).toBe(200);
    } finally {
      await stranger.kill();
    }
  }, 30_000);
});

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt8(copy.readUInt8(at) ^ 1, at);
  return copy;
}
