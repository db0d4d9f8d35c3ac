/** @needs redis */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ScriptedOrigin, send, temporaryFolder, until, type Answer, type EdgeRuntime } from '../edge.fixture.ts';
import { OwnRedis, password } from './own-redis.fixture.ts';

const fresh = '200 OK\r\ncache-control: max-age=600\r\ncontent-type: text/css\r\netag: "1"';
const said = ({ headers }: Answer): string => String(headers['cache-status']);

describe('what edges of one site keep for each other, without a log', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let origin: ScriptedOrigin;
  let redis: OwnRedis;
  const edges: ChildProcess[] = [];
  const authorization = 'Bearer of-the-site-and-long';

  beforeAll(async () => {
    folder = await temporaryFolder();
    [origin, redis] = await Promise.all([ScriptedOrigin.start(), OwnRedis.start()]);
  }, 30_000);

  afterAll(async () => {
    for (const edge of edges) edge.kill('SIGKILL');
    await redis.stop();
    await origin.close();
    await folder.remove();
  });

  /** What the one that was started last has said. */
  let toldLast = (): string => '';
  const start = async (name: string, runtime: EdgeRuntime, shared = redis.url): Promise<number> => {
    const config = join(folder.path, `${name}.json`);
    await writeFile(config, JSON.stringify({ listen: '127.0.0.1:0', origin: origin.url, memory: '16mb', purgeKey: authorization.slice(7), shared }));
    const program = fileURLToPath(new URL('../alone/alone.main.js', import.meta.url));
    const bin = fileURLToPath(new URL(`../../../../node_modules/.bin/${runtime}`, import.meta.url));
    const edge = spawn(bin, [...(runtime === 'node' ? ['--no-warnings'] : []), program, config], { stdio: ['ignore', 'pipe', 'inherit'] });
    edges.push(edge);
    let told = '';
    toldLast = () => told;
    edge.stdout.on('data', (bytes: Buffer) => (told += bytes.toString()));
    await until(() => told.includes('Ctrl-C'));
    return Number(/at http:\/\/127\.0\.0\.1:(\d+)/.exec(told)?.[1]);
  };

  /** An edge keeps nothing there before it believes the number: until it has stood for some seconds. */
  let asked = 0;
  const keeps = (port: number): Promise<void> =>
    until(async () => {
      const path = `/kept-${asked++}`;
      origin.says(path, fresh, 'kept');
      await send(port, { path });
      await new Promise((resolve) => setTimeout(resolve, 100));
      return (await redis.objects()).has(path);
    });

  test.each<EdgeRuntime>(['bun', 'node'])('a tier that is not there is told of at the start by %s, which serves without it', async (runtime) => {
    const port = await start(`lone-${runtime}`, runtime, 'redis://127.0.0.1:1');
    await until(() => toldLast().includes('the shared tier is left alone, and the origin is asked'));
    origin.says('/lone', fresh, 'here');
    expect((await send(port, { path: '/lone' })).body).toBe('here');
  });

  test('one is served what another has fetched, but nothing that was kept before a purge', async () => {
    const [one, other] = await Promise.all([start('one', 'bun'), start('other', 'node')]);
    await Promise.all([keeps(one), keeps(other)]);
    origin.says('/a', fresh, 'old');
    expect((await send(one, { path: '/a' })).body).toBe('old');
    await until(async () => (await redis.objects()).has('/a'));
    const shared = await send(other, { path: '/a' });
    expect([shared.body, said(shared), origin.count('/a')]).toEqual(['old', expect.stringMatching(/detail=shared-tier$/), 1]);
    expect((await send(other, { path: '/a', method: 'PURGE', headers: { authorization } })).status).toBe(200);
    origin.says('/a', fresh, 'new');
    expect((await send(await start('third', 'bun'), { path: '/a' })).body).toBe('new');
    expect((await send(other, { path: '/a' })).body).toBe('new');
    // What the tier cannot be told of is said, and it is not used until it can.
    redis.signal('SIGSTOP');
    const refused = await send(other, { path: '/a', method: 'PURGE', headers: { authorization } });
    expect([refused.status, refused.body]).toEqual([503, expect.stringMatching(/forgotten here/)]);
    origin.says('/a', fresh, 'newer');
    expect((await send(other, { path: '/a' })).body).toBe('newer');
    redis.signal('SIGCONT');
    await until(async () => (await send(other, { path: '/a', method: 'PURGE', headers: { authorization } })).status === 200);
    origin.says('/a', fresh, 'newest');
    expect((await send(await start('fourth', 'node'), { path: '/a' })).body).toBe('newest');
  }, 60_000);

  test('nor what a server brings back that was put to a time before the purge', async () => {
    const edge = await start('fifth', 'bun');
    await keeps(edge);
    origin.says('/b', fresh, 'old');
    expect((await send(edge, { path: '/b' })).body).toBe('old');
    await until(async () => (await redis.objects()).has('/b'));
    await redis.client.save();
    origin.says('/b', fresh, 'new');
    expect((await send(edge, { path: '/b', method: 'PURGE', headers: { authorization } })).status).toBe(200);
    const gone = once(redis.client, 'close');
    redis.signal('SIGKILL');
    await gone;
    await redis.restart();
    await until(async () => (await redis.objects()).has('/b'));
    expect((await send(await start('sixth', 'node'), { path: '/b' })).body).toBe('new');
    // The first one uses the tier again, and finds nothing of before in it either.
    await keeps(edge);
    expect((await send(edge, { path: '/b' })).body).toBe('new');
  }, 60_000);

  test('nor what it takes over, in the same run, from a replica that was behind', async () => {
    const behind = await OwnRedis.start();
    try {
      for (const each of [redis, behind]) {
        await each.client.config('SET', 'masterauth', password);
        await each.client.config('SET', 'repl-diskless-sync-delay', '0');
      }
      const inSync = ({ client }: OwnRedis) => until(async () => (await client.info('replication')).includes('master_link_status:up'));
      const [one, other] = await Promise.all([start('seventh', 'bun'), start('eighth', 'node')]);
      await Promise.all([keeps(one), keeps(other)]);
      for (const name of ['/d', '/e']) origin.says(name, fresh, 'old');
      expect((await send(one, { path: '/d' })).body).toBe('old');
      // The other one knows the number of that time.
      expect((await send(other, { path: '/e' })).body).toBe('old');
      await until(async () => (await redis.objects()).has('/d'));
      await behind.client.replicaof('127.0.0.1', redis.port);
      await inSync(behind);
      await behind.client.replicaof('NO', 'ONE');
      origin.says('/d', fresh, 'new');
      expect((await send(one, { path: '/d', method: 'PURGE', headers: { authorization } })).status).toBe(200);
      await redis.client.replicaof('127.0.0.1', behind.port);
      await inSync(redis);
      expect((await redis.objects()).has('/d')).toBe(true);
      expect((await send(other, { path: '/d' })).body).toBe('new');
      await redis.client.replicaof('NO', 'ONE');
      expect((await send(await start('ninth', 'bun'), { path: '/d' })).body).toBe('new');
    } finally {
      await behind.stop();
    }
  }, 60_000);

  test('nor what one brings back without a sign of it, as long as an edge is there that knows of the purge', async () => {
    const edge = await start('tenth', 'bun');
    await keeps(edge);
    const paths = Array.from({ length: 40 }, (_, at) => `/f-${at}`);
    for (const path of paths) {
      origin.says(path, fresh, 'old');
      await send(edge, { path });
    }
    await until(async () => (await redis.objects()).has('/f-39'));
    const before = await redis.snapshot();
    for (const path of paths) origin.says(path, fresh, 'new');
    expect((await send(edge, { path: '/f-0', method: 'PURGE', headers: { authorization } })).status).toBe(200);
    await redis.putBack(before);
    expect((await redis.objects()).has('/f-39')).toBe(true);
    const other = await start('eleventh', 'node');
    for (const path of paths) {
      expect((await send(other, { path })).body).toBe('new');
      // For longer than the number of before would have to stand.
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    await Promise.all([keeps(edge), keeps(other)]);
  }, 60_000);
});
