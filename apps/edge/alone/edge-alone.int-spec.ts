import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ScriptedOrigin, send, temporaryFolder, until } from '../edge.fixture.ts';

const cli = join(import.meta.dirname, '../../streams/main.js');
const bun = join(import.meta.dirname, '../../../../node_modules/.bin/bun');
const alone = join(import.meta.dirname, 'alone.main.js');

describe('streams edge', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let origin: ScriptedOrigin;
  let edge: ChildProcess;
  let said = '';
  let port = 0;

  beforeAll(async () => {
    folder = await temporaryFolder();
    origin = await ScriptedOrigin.start();
    const config = join(folder.path, 'site.yaml');
    writeFileSync(config, `listen: 127.0.0.1:0\norigin: ${origin.url}\nhosts: [www.example.com, '*.cdn.example.com']\nmemory: 16mb\nttl: 5m\n`);
    edge = spawn(process.execPath, [cli, 'edge', '--config', config], { stdio: ['ignore', 'pipe', 'inherit'] });
    edge.stdout?.on('data', (bytes: Buffer) => (said += bytes.toString()));
    await until(() => said.includes('Ctrl-C'));
    port = Number(/at http:\/\/127\.0\.0\.1:(\d+)/.exec(said)?.[1]);
  }, 30_000);

  afterAll(async () => {
    await origin.close();
    await folder.remove();
  });

  const get = (path: string, host = 'www.example.com') => send(port, { path, headers: { host } });

  /** Another edge, by a file of that name. */
  const serve = async (name: string, site: object) => {
    const config = join(folder.path, name);
    writeFileSync(config, JSON.stringify({ listen: '127.0.0.1:0', ...site }));
    const run = spawn(bun, [alone, config], { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    run.stdout?.on('data', (bytes: Buffer) => (text += bytes.toString()));
    await until(() => text.includes('Ctrl-C'));
    const end = async (): Promise<void> => {
      run.kill('SIGTERM');
      await once(run, 'exit');
    };
    return { at: Number(/at http:\/\/[a-z0-9.]+:(\d+)/.exec(text)?.[1]), key: /Bearer (\S+)'/.exec(text)?.[1], end };
  };

  test('caches in front of any origin, for as long as the file says where the origin does not', async () => {
    origin.says('/page', '200 OK\r\ncontent-type: text/html', 'hello');
    expect((await get('/page')).body).toBe('hello');
    const hit = await get('/page', 'a.cdn.example.com');
    expect([hit.body, hit.headers['cache-status']]).toEqual(['hello', expect.stringMatching(/^edge; hit; ttl=(299|300)$/)]);
    expect(origin.count('/page')).toBe(1);
    // What is the platform's own elsewhere is nobody's here.
    origin.says('/healthz', '200 OK', "the origin's");
    origin.says('/api/x', '200 OK', 'x');
    expect((await get('/healthz')).body).toBe("the origin's");
    await get('/api/x');
    expect((await get('/api/x')).headers['cache-status']).toMatch(/^edge; hit/);
  });

  test('is nobody else, and forgets what its key says', async () => {
    const stranger = await get('/page', 'example.net');
    expect([stranger.status, stranger.headers['content-type']]).toEqual([421, 'application/problem+json; charset=utf-8']);
    const key = /Bearer (\S+)'/.exec(said)?.[1] ?? '';
    const purge = (path: string, authorization: string) => send(port, { path, method: 'PURGE', headers: { authorization } });
    expect((await purge('/page', `Bearer ${key}x`)).status).toBe(401);
    expect((await get('/page')).headers['cache-status']).toMatch(/hit/);
    expect((await purge('/page', `Bearer ${key}`)).body).toBe('{"purged":"/page","objects":1}\n');
    expect((await get('/page')).headers['cache-status']).toMatch(/fwd=uri-miss/);
    expect((await purge('/p*', `Bearer ${key}`)).body).toBe('{"purged":"/p*"}\n');
    expect((await get('/page')).headers['cache-status']).toMatch(/fwd=uri-miss/);
  });

  test.each([
    ['', 'origin is missing'],
    ['origin: ftp://a', 'origin must be an http or https URL without a path, but is "ftp://a"'],
    ['origin: http://a\nlisten: x', 'listen must be a port'],
    ['origin: http://a\nhosts: localhost', 'hosts must be a list'],
    ['- origin: http://a', 'the file must be settings, each `name: value`'],
    ['origin: http://a\nmemory: lots', 'memory must be a number with a unit (kb, mb, gb), as 256mb, but is "lots"'],
    ['origin: http://a\nttl: 5', 'ttl must be text with a unit, as 5m'],
    ['origin: http://a\ncache: yes', 'knows no cache: the settings are listen, origin'],
    ['origin: [http://a', 'is no YAML'],
    ['zone: {hosts: [a.test], origins: [{url: "http://a"}]}\norigin: http://a', 'zone says hosts, origins and lifetimes itself'],
    ['zone: {hosts: [a.test]}', 'zone.origins '],
    ['origin: http://a\npurgers: [0.0.0.0/0]', 'purgers.0: Expected 8 bits at least'],
    ['zone: {hosts: [a.test], origins: [{url: "http://a"}]}\npurgers: [10.0.0.1]', 'zone says purgers itself'],
    ['origin: http://a\ndiskFolder: x', 'disk is missing'],
    ['origin: http://a\neviction: fifo', 'eviction '],
    ['origin: http://a\noriginConnections: 0', 'originConnections '],
    ['origin: http://a\nmemory: 999999gb', 'memory must be less than this machine has'],
    ['origin: http://a\ndisk: 999999gb', 'disk must be at most 16384gb'],
    ['origin: http://a\nlisten: 192.0.2.1:8085', '192.0.2.1 is no address of this machine'],
    ['origin: http://a\nprefetch: lots', 'prefetch must be true, false, or { segments: 2, mbit: 200 }'],
    ['zone: {hosts: [a.test], origins: [{url: "ftp://a"}]}', 'zone.origins.0.url: Expected https'],
    ['origin: http://a\ntls: ./nowhere', 'cannot be read'],
  ])('%j is refused with a sentence', (text, message) => {
    const config = join(folder.path, 'wrong.yaml');
    writeFileSync(config, text);
    const { status, stderr } = spawnSync(bun, [alone, config], { encoding: 'utf8' });
    expect(stderr).toContain(message);
    expect([status, stderr.trim().split('\n').length]).toEqual([2, 1]);
  });

  test('a port that is taken is named, and the setting', () => {
    const config = join(folder.path, 'taken.yaml');
    writeFileSync(config, `origin: ${origin.url}\nlisten: 127.0.0.1:${origin.port}\n`);
    const { status, stderr } = spawnSync(bun, [alone, config], { encoding: 'utf8' });
    expect([status, stderr]).toEqual([2, `Port ${origin.port} is taken: stop what listens there, or set another one (listen).\n`]);
  });

  test('a file with the configuration of a zone serves as the edges of a platform would', async () => {
    const rules = [
      { match: { paths: ['/old/**'] }, redirect: { to: '/new' } },
      { ttl: { default: 60 }, responseHeaders: [{ op: 'set', name: 'x-site', value: 'mine' }] },
    ];
    const { at, end, key } = await serve('zone.json', { zone: { hosts: ['www.example.com'], origins: [{ url: origin.url }], rules } });
    const ask = (path: string, host = 'www.example.com', method = 'GET', more = {}) => send(at, { path, method, headers: { host, ...more } });
    origin.says('/ruled', '200 OK\r\ncontent-type: text/html', 'ruled');
    await ask('/ruled');
    const hit = await ask('/ruled');
    expect([hit.body, hit.headers['x-site'], hit.headers['cache-status']]).toEqual(['ruled', 'mine', expect.stringMatching(/^edge; hit; ttl=(59|60)$/)]);
    expect((await ask('/old/page')).headers.location).toBe('/new');
    expect((await ask('/ruled', 'example.net')).status).toBe(421);
    await ask('/ruled', 'www.example.com', 'PURGE', { authorization: `Bearer ${key}` });
    expect((await ask('/ruled')).headers['cache-status']).toMatch(/fwd=/);
    await end();
  });

  test.each([
    ['a file of five lines', (url: string) => ({ origin: url, purgers: ['127.0.0.1', '2001:db8::/32'] })],
    ['the configuration of a zone', (url: string) => ({ zone: { hosts: ['www.example.com'], origins: [{ url }], purgers: ['127.0.0.1'] } })],
  ])('from the addresses that it names PURGE needs no key: %s', async (_what, siteOf) => {
    const { at, end } = await serve('purgers.json', { listen: '0.0.0.0:0', ...siteOf(origin.url) });
    const host = 'www.example.com';
    const ask = (path: string, method = 'GET', headers = {}) => send(at, { path, method, headers: { host, ...headers } });
    const paths = ['/news/1', '/news/2', '/shoes'];
    for (const path of paths) origin.says(path, `200 OK\r\ncache-control: max-age=600\r\nsurrogate-key: ${path.slice(1, 5)}`, path);
    const kept = async (): Promise<readonly string[]> => {
      const found: string[] = [];
      for (const path of paths) if (/hit/.test(String((await ask(path)).headers['cache-status']))) found.push(path);
      return found;
    };
    const rounds: ReadonlyArray<readonly [string, object, readonly string[]]> = [
      ['/shoes', {}, ['/shoes']],
      ['/news/*', {}, ['/news/1', '/news/2']],
      ['/s.*s$', { 'x-purge-method': 'regex' }, ['/shoes']],
      ['/', { 'cache-tags': 'News' }, ['/news/1', '/news/2']],
      ['/.*', { 'x-purge-method': 'regex' }, paths],
    ];
    await kept();
    for (const [path, headers, gone] of rounds) {
      expect((await ask(path, 'PURGE', headers)).status).toBe(200);
      expect(await kept()).toEqual(paths.filter((one) => !gone.includes(one)));
    }
    expect((await ask('/(', 'PURGE', { 'x-purge-method': 'regex' })).status).toBe(400);
    expect((await send(at, { path: '/shoes', method: 'PURGE', headers: { host }, localAddress: '127.0.0.3' })).status).toBe(403);
    expect(await kept()).toEqual(paths);
    await end();
  });

  test('what is on its disk is there after a restart, what was purged is not, and nothing of it is for another origin', async () => {
    const begin = async (more: object = {}) => {
      const site = {
        origin: origin.url,
        disk: '32mb',
        diskFolder: './kept',
        eviction: 'lru',
        purgeKey: 'a-key-of-sixteen-characters',
        ...more,
      };
      const { at, end } = await serve('disk.json', site);
      const ask = (path: string, method = 'GET') => send(at, { path, method, headers: { authorization: 'Bearer a-key-of-sixteen-characters' } });
      return { ask, end };
    };
    for (const path of ['/kept', '/gone']) origin.says(path, '200 OK\r\ncache-control: public, max-age=3600', path);
    const first = await begin();
    for (let round = 0; round < 3; round++) for (const path of ['/kept', '/gone']) await first.ask(path);
    expect((await first.ask('/gone', 'PURGE')).status).toBe(200);
    await first.end();
    const second = await begin();
    expect((await second.ask('/kept')).headers['cache-status']).toMatch(/hit/);
    expect((await second.ask('/gone')).headers['cache-status']).toMatch(/fwd=/);
    await second.end();
    const third = await begin({ ttl: '1h' });
    expect((await third.ask('/kept')).headers['cache-status']).toMatch(/fwd=/);
    await third.end();
  }, 30_000);

  test.each([
    ['as manifests and players say it', {}, [1, 1, 0]],
    ['as far as the file says', { prefetch: { segments: 1 } }, [1, 0, 0]],
    ['nothing, where the file says so', { prefetch: false }, [0, 0, 0]],
  ])('fetches ahead %s', async (_what, more, counts) => {
    const name = String(counts.join('-'));
    const { at, end } = await serve('ahead.json', { origin: origin.url, ...more });
    const segments = [0, 1, 2].map((number) => `/${name}/${number}.m4s`);
    for (const path of segments) origin.says(path, '200 OK\r\ncache-control: max-age=60', path);
    const film = `#EXTM3U\n${segments.map((path) => `#EXTINF:2,\n${path}`).join('\n')}\n#EXT-X-ENDLIST`;
    origin.says(`/${name}/a.m3u8`, '200 OK\r\ncontent-type: application/vnd.apple.mpegurl\r\ncache-control: max-age=60', film);
    await send(at, { path: `/${name}/a.m3u8` });
    await until(() => segments.every((path, place) => origin.count(path) >= (counts[place] ?? 0)));
    expect(segments.map((path) => origin.count(path))).toEqual(counts);
    const said = await send(at, { path: `/${name}/0.m4s?CMCD=nor%3D%222.m4s%22` });
    expect(said.headers['cache-status']).toMatch(counts[0] === 1 ? /edge; hit/ : /fwd=/);
    if (counts[0] === 1) await until(() => origin.count(segments[2] as string) === 1);
    expect(origin.count(segments[2] as string)).toBe(counts[0]);
    await end();
  });

  test('has as many connections to the origin as the file says, and tells who finds all of them taken', async () => {
    const { at, end } = await serve('connections.json', { origin: origin.url, originConnections: 2 });
    const events = ['/events/1', '/events/2'];
    for (const path of events) origin.on(path, ({ socket }) => void socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n: here\n\n'));
    origin.says('/busy', '200 OK', 'here');
    const leaving = new AbortController();
    await Promise.all(events.map((path) => fetch(`http://127.0.0.1:${at}${path}`, { signal: leaving.signal })));
    const refused = await send(at, { path: '/busy' });
    expect([refused.status, refused.headers['proxy-status'], JSON.parse(refused.body).detail]).toEqual([
      503,
      expect.stringContaining('connection_limit_reached'),
      expect.stringContaining('All 2 connections'),
    ]);
    leaving.abort();
    await until(async () => (await send(at, { path: '/busy' })).body === 'here');
    await end();
  });

  test('a file that is not there, and one that is not named', () => {
    const run = (...args: readonly string[]) => spawnSync(process.execPath, [cli, 'edge', ...args], { encoding: 'utf8' });
    const missing = run('--config', join(folder.path, 'none.yaml'));
    expect([missing.status, missing.stderr]).toEqual([2, expect.stringContaining('none.yaml: cannot be read (ENOENT)')]);
    expect(run().status).toBe(2);
  });

  test('ends when it is told to', async () => {
    const ended = once(edge, 'exit');
    edge.kill('SIGTERM');
    expect((await ended)[0]).toBe(0);
  });
});
