import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { purgeRequested, encodeEvent, type ZoneConfiguration } from '#events';
import { readFile, rm } from 'node:fs/promises';
import { Agent, get as httpGet } from 'node:http';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { freePort } from '../../../test/constellation/free-ports.ts';
import { EdgeProcess, ScriptedOrigin, send, temporaryFolder, until, type Answer, type EdgeRuntime } from '../edge.fixture.ts';
import { writeCertificate } from '../server/certificates.fixture.ts';
import { ToldTraffic } from '../traffic/traffic.fixture.ts';
import { tlsOrigin, ZoneLog, zonesOf } from './zones.fixture.ts';

const text = 'lorem ipsum dolor sit amet '.repeat(200);
const status = (answer: Answer): string => String(answer.headers['cache-status']);

describe.each<EdgeRuntime>(['bun', 'node'])('zones, served by %s', (runtime) => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let media: ScriptedOrigin;
  let a: ScriptedOrigin;
  let b: ScriptedOrigin;
  let zones: ZoneLog;
  let edge: EdgeProcess;

  beforeAll(async () => {
    folder = await temporaryFolder();
    [media, a, b] = await Promise.all([ScriptedOrigin.start(), ScriptedOrigin.start(), ScriptedOrigin.start()]);
    zones = await ZoneLog.open(folder.path);
    edge = await zones.edge(runtime, media.url);
  }, 30_000);

  afterAll(async () => {
    await zones.close();
    await Promise.all([media.close(), a.close(), b.close()]);
    await folder.remove();
  });

  let sites = 0;
  /** A site of its own for a test, in front of `a` unless it says more. */
  const site = async (more: Partial<ZoneConfiguration> = {}, on: readonly EdgeProcess[] = [edge]) => {
    const id = `zn-${runtime}-${++sites}`;
    const host = `www.site-${sites}.example`;
    const configure = (configuration: Partial<ZoneConfiguration>, shieldUrl: string | null = null): Promise<void> =>
      zones.configure(id, { hosts: [host], origins: [{ url: a.url }], ...configuration }, on, shieldUrl);
    await configure(more);
    const get = (path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> => edge.get(path, { host, ...headers }, method);
    return { id, host, configure, get };
  };

  test('PURGE with a key goes to the gateway as a purge of its API, whatever host it names; without one it is refused, and nothing is forgotten', async () => {
    const one = await site();
    media.on('/api/v1/cdn/cache/purge', async (request) => {
      await until(() => /\{.*\}/.test(request.body));
      request.socket.write('HTTP/1.1 202 Accepted\r\ncontent-type: application/json\r\ncontent-length: 18\r\n\r\n{"purgeId":"pg-1"}');
    });
    const key = { authorization: 'Bearer sk_k-1' };
    const purge = async (path: string, more: Record<string, string> = {}): Promise<unknown> => {
      const answer = await one.get(path, { ...key, ...more }, 'PURGE');
      expect([answer.status, answer.body]).toEqual([202, '{"purgeId":"pg-1"}']);
      const seen = media.seen.at(-1);
      expect([seen?.method, seen?.path]).toEqual(['POST', '/api/v1/cdn/cache/purge']);
      expect(seen?.head).toContain('authorization: bearer sk_k-1');
      // In chunks or not, as the runtime likes.
      return JSON.parse(/\{.*\}/.exec(seen?.body ?? '')?.[0] ?? '');
    };
    expect(await purge('/x?b=1')).toEqual({ urls: [`http://${one.host}/x?b=1`], mode: 'hard', reason: 'PURGE' });
    expect(await purge('/x/*', { 'fastly-soft-purge': '1' })).toEqual({ prefixes: [`http://${one.host}/x/`], mode: 'soft', reason: 'PURGE' });
    expect(await purge('/', { 'surrogate-key': 'News sports' })).toEqual({ tags: ['news', 'sports'], mode: 'hard', reason: 'PURGE' });
    expect(a.seen.filter(({ method }) => method === 'PURGE')).toEqual([]);
    a.says('/x', '200 OK\r\ncache-control: max-age=60', 'x');
    await one.get('/x');
    const asked = media.seen.length;
    for (const none of [{}, { authorization: '' }, { authorization: 'Bearer' }, { authorization: 'Basic YTpi' }, { 'x-api-key': 'sk_k-1' }]) {
      const answer = await one.get('/x', none as Record<string, string>, 'PURGE');
      expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, 'Bearer realm="purge"']);
    }
    expect((await edge.get('/x', {}, 'PURGE')).status).toBe(401);
    expect([status(await one.get('/x')), a.count('/x'), media.seen.length]).toEqual([expect.stringMatching(/hit/), 1, asked]);
  });

  test('each host has its own origin and objects; a change is served by without a restart, and no connection is lost', async () => {
    media.says('/x', '200 OK\r\ncache-control: max-age=60', 'media');
    a.says('/x', '200 OK\r\ncache-control: max-age=60', 'from a');
    b.says('/x', '200 OK\r\ncache-control: max-age=60', 'from b');
    const one = await site();
    const two = await site({ origins: [{ url: b.url }] });
    const bodies = await Promise.all([one.get('/x'), two.get('/x'), edge.get('/x'), edge.get('/x', { host: one.host.toUpperCase() })]);
    expect(bodies.map(({ body }) => body)).toEqual(['from a', 'from b', 'media', 'from a']);
    expect(status(await one.get('/x'))).toMatch(/hit/);

    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const over = (): Promise<{ body: string; port: number | undefined; code: number | undefined }> =>
      new Promise((resolve, reject) => {
        httpGet({ host: '127.0.0.1', port: edge.port, path: '/x', agent, headers: { host: one.host } }, (response) => {
          const port = response.socket.localPort;
          let body = '';
          response.on('data', (chunk: Buffer) => (body += chunk.toString()));
          response.on('end', () => resolve({ body, port, code: response.statusCode }));
        }).on('error', reject);
      });
    const before = await over();
    await one.configure({ origins: [{ url: b.url }] });
    expect(await over()).toEqual({ body: 'from b', port: before.port, code: 200 });
    agent.destroy();
    await zones.remove(one.id);
    await until(async () => (await one.get('/x')).body === 'media');
  });

  test('a version that cannot be served by changes nothing, is said, and the next good one counts; a restart knows them all', async () => {
    a.says('/kept', '200 OK\r\ncache-control: max-age=60', 'kept');
    const { get, host, id, configure } = await site();
    const wrong: Record<string, unknown>[] = [
      { hosts: [host], origins: [{ url: 'http://ok.example' }], rules: [{ match: { paths: ['no-slash'] } }] },
      { hosts: [host], origins: [{ url: b.url }], of: 'the future' },
    ];
    for (const configuration of wrong) {
      await zones.say(id, configuration);
      await until(async () => (await zonesOf(edge)).some((zone) => zone.id === id && zone.refused !== undefined));
      expect((await get('/kept')).body).toBe('kept');
    }
    expect(edge.lines.some(({ msg }) => String(msg).includes('cannot serve by'))).toBe(true);
    const again = { hosts: [host], origins: [{ url: a.url }] };
    for (const forget of [false, true]) {
      await edge.kill();
      if (forget) await rm(join(folder.path, 'edge', 'edge-1', 'zones.json'), { force: true });
      edge = await zones.edge(runtime, media.url);
      expect((await edge.get('/kept', { host })).body).toBe('kept');
    }
    await zones.configure(id, again, [edge]);
    expect((await zonesOf(edge)).find((zone) => zone.id === id)).not.toHaveProperty('refused');
    void configure;
  });

  test('another origin is asked when one fails before its answer begins, if the request may be repeated, and the failing one is left in peace', async () => {
    const ailing = await ScriptedOrigin.start();
    const backup = await ScriptedOrigin.start();
    const origins = [{ url: ailing.url, weight: 100 }, { url: a.url }, { url: backup.url, backup: true }];
    const { get, id } = await site({ origins, ejection: { failures: 2, holdSeconds: 600 } });
    for (const path of ['/r1', '/r2', '/r3']) {
      ailing.says(path, '503 Service Unavailable', 'ailing');
      a.says(path, '200 OK', 'well');
      backup.says(path, '200 OK', 'backup');
    }
    ailing.on('/post', ({ socket }) => void socket.destroy());
    expect((await get('/post', {}, 'POST')).status).toBe(502);
    expect(ailing.count('/post')).toBe(1);
    expect((await get('/r1')).body).toBe('well');
    const held = (await zonesOf(edge)).find((zone) => zone.id === id)?.origins[0];
    expect(held?.heldForMs).toBeGreaterThan(500_000);
    expect((await get('/r2')).body).toBe('well');
    expect(ailing.count('/r2')).toBe(0);
    expect(backup.seen).toEqual([]);

    const only = await site({ origins: [{ url: ailing.url }, { url: backup.url, backup: true }], ejection: { failures: 1, holdSeconds: 600 } });
    ailing.on('/cut', ({ socket }) => void socket.write('HTTP/1.1 200 OK\r\ncontent-length: 200000\r\n\r\nbegun', () => socket.destroy()));
    // What has begun is not asked for again: nobody could tell where to go on.
    expect((await only.get('/cut')).broken).toBe(true);
    expect(backup.seen).toEqual([]);
    expect((await only.get('/r3')).body).toBe('backup');
    await ailing.close();
    await backup.close();
    const dead = await only.get('/gone');
    expect([dead.status, dead.headers['proxy-status']]).toEqual([502, expect.stringContaining('error=connection_refused')]);
  });

  test('each key has its own origin by hash, and an origin that fails its health checks is not asked until it passes them', async () => {
    const { get, id } = await site({
      origins: [{ url: a.url }, { url: b.url }],
      balance: 'hash',
      healthCheck: { path: '/health', intervalSeconds: 0.1, unhealthyAfter: 2, healthyAfter: 2 },
    });
    let ill = false;
    for (const origin of [a, b]) {
      for (let at = 0; at < 20; at++) origin.says(`/h${at}`, '200 OK\r\ncache-control: no-store', origin === a ? 'a' : 'b');
    }
    a.on('/health', ({ socket }) => void socket.write(`HTTP/1.1 ${ill ? '500 Ill' : '200 OK'}\r\ncontent-length: 0\r\n\r\n`));
    b.says('/health', '204 No Content');
    const where = async (): Promise<string> => (await Promise.all(Array.from({ length: 20 }, (_, at) => get(`/h${at}`)))).map(({ body }) => body).join('');
    const first = await where();
    expect([first.includes('a'), first.includes('b'), await where()]).toEqual([true, true, first]);
    const well = async (): Promise<boolean | undefined> => (await zonesOf(edge)).find((zone) => zone.id === id)?.origins[0]?.well;
    ill = true;
    await until(async () => (await well()) === false);
    expect(await where()).toBe('b'.repeat(20));
    ill = false;
    await until(async () => (await well()) === true);
    expect(await where()).toBe(first);
  });

  test('TLS to an origin is verified: its own authority, its name, over HTTP/2 where that is offered', async () => {
    const selfSigned = async (name: string): Promise<{ key: string; cert: string }> => {
      const cert = writeCertificate(folder.path, name, [name]);
      return { cert: await readFile(cert, 'utf8'), key: await readFile(cert.replace(/crt$/, 'key'), 'utf8') };
    };
    const good = await selfSigned('origin.test');
    const origin = await tlsOrigin(good.key, good.cert);
    const other = await selfSigned('other.test');
    const tls = { serverName: 'origin.test', ca: good.cert };
    const one = await site({ origins: [{ url: origin.url, tls }], hostHeader: 'shop.test' });
    expect((await one.get('/1')).body).toBe('1.1 shop.test');
    // One that has just answered is left alone for a moment; after that it is asked again.
    await until(async () => {
      const connections = origin.connections();
      expect((await one.get(`/${connections}-${Math.random()}`)).body).toBe('1.1 shop.test');
      return origin.connections() === connections;
    });
    const two = await site({ origins: [{ url: origin.url, http2: true, tls }] });
    expect((await two.get('/1')).body).toBe(`2.0 ${new URL(origin.url).host}`);
    const older = await tlsOrigin(good.key, good.cert, false);
    const three = await site({ origins: [{ url: older.url, http2: true, tls }] });
    for (const path of ['/1', '/2']) expect((await three.get(path)).body).toBe(`1.1 ${new URL(older.url).host}`);
    older.close();
    for (const bad of [{ ca: good.cert, serverName: 'wrong.test' }, { ca: other.cert, serverName: 'origin.test' }, { serverName: 'origin.test' }]) {
      const { get } = await site({ origins: [{ url: origin.url, tls: bad }] });
      const answer = await get('/1');
      expect([answer.status, answer.headers['proxy-status']]).toEqual([502, expect.stringContaining('error=tls_certificate_error')]);
    }
    origin.close();
  });

  test('rules say how long things live, what is in the key, which fields are changed, and what is never cached', async () => {
    const { get } = await site({
      rules: [
        { match: { paths: ['/long/**'] }, ttl: { override: 500, byStatus: [{ statuses: [500], seconds: 7 }] }, query: { kind: 'none' } },
        { match: { paths: ['/some'] }, query: { kind: 'only', names: ['v'] } },
        { match: { paths: ['/mine/**'] }, bypass: { always: true } },
        { match: { paths: ['/page'] }, bypass: { cookies: ['session'] }, ttl: { default: 90 } },
        { match: { paths: ['/plain'] }, cookies: 'strip', ttl: { max: 30 } },
        {
          match: { contentTypes: ['text/css'] },
          responseHeaders: [
            { op: 'set', name: 'x-kind', value: 'css' },
            { op: 'remove', name: 'x-inner' },
          ],
        },
        { requestHeaders: [{ op: 'set', name: 'x-from', value: 'edge' }] },
        { match: { paths: ['/old/**'] }, redirect: { to: 'https://new.example$path$query', status: 308 } },
      ],
    });
    const css = 'content-type: text/css\r\nx-inner: 1';
    a.says('/long/x', `200 OK\r\n${css}\r\ncache-control: max-age=1`, 'long');
    a.says('/long/private', '200 OK\r\ncache-control: private', 'private');
    a.says('/long/bad', '500 Bad', 'bad');
    const first = await get('/long/x?u=1');
    expect([first.body, first.headers['cache-control'], first.headers['x-kind'], first.headers['x-inner']]).toEqual(['long', 'max-age=1', 'css', undefined]);
    expect(first.headers).not.toHaveProperty('streams-cache-control');
    expect(status(await get('/long/x?u=2'))).toMatch(/hit; ttl=(499|500)$/);
    expect(a.seen.find(({ path }) => path === '/long/x')?.head).toContain('x-from: edge');
    expect((await get('/long/private')).headers).not.toHaveProperty('streams-cache-control');
    expect(status(await get('/long/private'))).not.toContain('hit');
    await get('/long/bad');
    expect(status(await get('/long/bad'))).toMatch(/hit; ttl=[67]$/);

    a.says('/some?v=1', '200 OK\r\ncache-control: max-age=60', 'v1');
    await get('/some?v=1&u=1');
    expect(status(await get('/some?x=9&v=1'))).toMatch(/hit/);
    a.says('/mine/x', '200 OK\r\ncache-control: max-age=60', 'mine');
    await get('/mine/x');
    expect(status(await get('/mine/x'))).toMatch(/fwd=bypass/);
    a.says('/page', '200 OK', 'page');
    await get('/page');
    expect(status(await get('/page', { cookie: 'a=1; other=2' }))).toMatch(/hit; ttl=(89|90)$/);
    expect(status(await get('/page', { cookie: 'a=1; session=2' }))).toMatch(/fwd=bypass/);
    a.says('/plain', '200 OK\r\nset-cookie: a=1\r\ncache-control: max-age=600', 'plain');
    expect((await get('/plain', { cookie: 'b=1' })).headers).not.toHaveProperty('set-cookie');
    expect(status(await get('/plain'))).toMatch(/hit; ttl=(29|30)$/);
    expect(a.seen.filter(({ path }) => path === '/plain').map(({ head }) => head.includes('cookie'))).toEqual([false]);
    // Without a word of the origin what is not there is not there for a minute.
    await get('/missing');
    expect(status(await get('/missing'))).toMatch(/hit; ttl=(59|60)$/);

    const moved = await get('/old/%2e%2e/old//evil.example/x?y=1');
    expect([moved.status, moved.headers.location]).toEqual([308, 'https://new.example/old//evil.example/x?y=1']);
    expect((await get('/old/../x')).body).toBe('from a');
  });

  test('text is compressed once per coding and kept so, weakly tagged; what must not be is not', async () => {
    const { get } = await site({ compression: {}, rules: [{ match: { paths: ['/raw/**'] }, compress: false }] });
    const head = '200 OK\r\ncontent-type: text/html\r\netag: "v1"';
    a.says('/t', `${head}\r\ncache-control: max-age=60`, text);
    const br = await get('/t', { 'accept-encoding': 'gzip, br' });
    expect(brotliDecompressSync(Buffer.from(br.body, 'latin1')).toString()).toBe(text);
    expect(br.headers).toMatchObject({ 'content-encoding': 'br', etag: 'W/"v1"', vary: 'accept-encoding' });
    expect(status(await get('/t', { 'accept-encoding': 'br;q=1, gzip;q=0.5' }))).toMatch(/hit/);
    const gz = await get('/t', { 'accept-encoding': 'gzip' });
    expect([gunzipSync(Buffer.from(gz.body, 'latin1')).toString(), gz.headers['content-encoding']]).toEqual([text, 'gzip']);
    const plain = await get('/t');
    expect([plain.body, plain.headers['content-encoding'], plain.headers['etag'], plain.headers['vary']]).toEqual([text, undefined, '"v1"', 'accept-encoding']);
    expect((await get('/t', { 'accept-encoding': 'br, gzip', 'if-none-match': '"v1"' })).status).toBe(304);
    expect(a.count('/t')).toBe(3);

    a.on('/again', ({ head: asked, socket }) => {
      const same = asked.includes('if-none-match: w/"v1"');
      void socket.write(
        same
          ? 'HTTP/1.1 304 Not Modified\r\netag: "v1"\r\ncache-control: max-age=60\r\n\r\n'
          : `HTTP/1.1 ${head}\r\ncache-control: no-cache\r\ncontent-length: ${text.length}\r\n\r\n${text}`,
      );
    });
    for (let times = 0; times < 3; times++) {
      const answer = await get('/again', { 'accept-encoding': 'br' });
      expect([brotliDecompressSync(Buffer.from(answer.body, 'latin1')).toString(), answer.headers['etag'], answer.headers['vary']]).toEqual([
        text,
        'W/"v1"',
        'accept-encoding',
      ]);
    }
    expect(a.count('/again')).toBe(2);

    const never: ReadonlyArray<readonly [string, string]> = [
      ['/small', 'content-type: text/html\r\ncontent-length: 5'],
      ['/raw/t', 'content-type: text/html'],
      ['/image', 'content-type: image/png'],
      ['/kept', 'content-type: text/html\r\ncache-control: no-transform'],
      ['/done', 'content-type: text/html\r\ncontent-encoding: gzip'],
    ];
    for (const [path, fields] of never) {
      const body = path === '/small' ? 'small' : text;
      a.on(
        path,
        ({ socket }) =>
          void socket.write(
            `HTTP/1.1 200 OK\r\n${fields}\r\ncontent-length: ${body.length}\r\n\r\n${body}`.replace('content-length: 5\r\ncontent-length', 'content-length'),
          ),
      );
      const answer = await get(path, { 'accept-encoding': 'br' });
      expect([path, answer.body, answer.headers['content-encoding']]).toEqual([path, body, path === '/done' ? 'gzip' : undefined]);
    }
    a.on('/cut', ({ socket }) => void socket.write(`HTTP/1.1 ${head}\r\ncontent-length: 500000\r\n\r\n${text}`, () => socket.destroy()));
    expect((await get('/cut', { 'accept-encoding': 'br' })).status === 200 && !(await get('/cut', { 'accept-encoding': 'br' })).broken).toBe(false);
  });

  test('a request that goes round among edges ends, also where Via was taken away', async () => {
    const { get, host, configure } = await site();
    await configure({ origins: [{ url: `http://127.0.0.1:${edge.port}` }], hostHeader: host });
    expect((await get('/loop')).status).toBe(508);
    expect((await get('/loop', { 'cdn-loop': 'other, streams; edge=x, streams; edge=y, streams; edge=z' })).status).toBe(508);
    a.says('/hops', '200 OK', 'ok');
    await configure({});
    expect((await get('/hops', { 'cdn-loop': 'other, streams; edge=x' })).body).toBe('ok');
    expect(a.seen.find(({ path }) => path === '/hops')?.head).toContain('cdn-loop: other, streams; edge=x, streams; edge=edge-1');
  });

  test('an origin must not lead into the platform’s own network, whatever its name says', async () => {
    const strict = await zones.edge(runtime, media.url, { ORIGIN_PRIVATE_ADDRESSES: 'false', EDGE_ID: 'edge-strict' });
    for (const url of [a.url, a.url.replace('127.0.0.1', 'localhost')]) {
      const { host } = await site({ origins: [{ url }] }, [strict]);
      const answer = await strict.get('/x', { host });
      expect([answer.status, answer.headers['proxy-status']]).toEqual([502, expect.stringContaining('error=destination_ip_prohibited')]);
    }
    expect((await strict.get('/x')).body).toBe('media');
    await strict.kill();
  });

  test('a site says how many of its requests get a line in the access log, and metrics tell what each site comes to', async () => {
    const metricsPort = await freePort();
    const own = await zones.edge(runtime, media.url, { EDGE_ID: 'edge-told', EDGE_ACCESS_SAMPLE: '0.5', METRICS_PORT: String(metricsPort) });
    const told = new ToldTraffic(folder.path);
    const [silent, whole] = [await site({ accessLog: { sampleRate: 0 } }, [own]), await site({ accessLog: { sampleRate: 1 } }, [own])];
    a.says('/line', '200 OK\r\ncache-control: max-age=60', 'twelve bytes');
    for (let at = 0; at < 5; at++)
      for (const { host } of [silent, whole]) expect((await send(own.port, { path: '/line', headers: { host } })).status).toBe(200);
    await told.linesOf('/line', 5);
    const { body } = await send(metricsPort, { path: '/metrics' });
    const metric = (name: string, { id }: { readonly id: string }): number =>
      Number(new RegExp(`^streams_edge_zone_${name}_total\\{[^}]*zone="${id}"[^}]*\\} (\\d+)$`, 'm').exec(body)?.[1]);
    for (const one of [silent, whole]) expect([metric('requests', one), metric('bytes', one), metric('hits', one)]).toEqual([5, 60, 4]);
    expect(body).toMatch(/^streams_edge_revalidations_total\{[^}]*outcome="changed"[^}]*\} 0$/m);
    // It has told everything when it has ended.
    expect(await own.kill('SIGTERM')).toBe(0);
    expect((await told.lines()).filter(({ path }) => path === '/line').map(({ host }) => host)).toEqual(Array.from({ length: 5 }, () => whole.host));
    await told.close();
  });

  test('edges ask their shield, which asks the origin once; when it is down they ask themselves, and purges by tag hold throughout', async () => {
    const secret = { EDGE_SECRET: 'shared-by-all-edges-of-the-platform' };
    const shield = await zones.edge(runtime, media.url, { ...secret, EDGE_ID: 'edge-shield' });
    const leaf = await zones.edge(runtime, media.url, { ...secret, EDGE_ID: 'edge-leaf' });
    const { host, configure } = await site({ shield: 'edge-shield' }, [shield, leaf]);
    await configure({ shield: 'edge-shield', rules: [{ responseHeaders: [{ op: 'add', name: 'x-once', value: '1' }] }] }, `http://127.0.0.1:${shield.port}`);
    const ask = (at: EdgeProcess, path: string): Promise<Answer> => send(at.port, { path, headers: { host } });
    a.says('/s', '200 OK\r\ncache-control: max-age=60\r\ncache-tag: news', 'one');
    expect((await ask(shield, '/s')).body).toBe('one');
    // Right after its start an edge does not know what a shield may have missed.
    await until(async () => {
      const path = `/probe-${Math.random()}`;
      a.says(path, '200 OK\r\ncache-control: max-age=60', 'probe');
      await ask(leaf, path);
      return a.seen.some((seen) => seen.path === path && seen.head.includes('edge=edge-shield'));
    });
    const first = await ask(leaf, '/s');
    expect([first.body, first.headers['x-once'], first.headers['streams-cache-tag'], a.count('/s')]).toEqual(['one', '1', undefined, 1]);
    expect((await ask(shield, '/s')).headers).not.toHaveProperty('streams-cache-tag');
    a.says('/s', '200 OK\r\ncache-control: max-age=60\r\ncache-tag: news', 'two');
    await zones.log.append('cache', [purgeOf('pg-tag', 'news')]);
    await until(async () => (await ask(leaf, '/s')).body === 'two');
    await shield.kill();
    a.says('/after', '200 OK', 'after');
    expect((await ask(leaf, '/after')).body).toBe('after');
    await leaf.kill();
  });
});

function purgeOf(purgeId: string, tag: string): ReturnType<typeof encodeEvent> {
  const about = {
    id: `018f0000-0000-7000-8000-${String(Date.now()).padStart(12, '0').slice(-12)}`,
    type: purgeRequested.type,
    version: purgeRequested.version,
    source: '/test',
  };
  const envelope = { subject: purgeId, time: Date.now(), key: purgeId, tenant: 'acme', correlationId: 'c', causationId: 'c', traceparent: '', actor: 'key:t' };
  const data = { purgeId, urls: [], selectors: [{ kind: 'tag', value: tag }], reason: 'test' };
  return encodeEvent({ ...about, ...envelope, streamVersion: 1n, producerEpoch: 0n, data });
}
