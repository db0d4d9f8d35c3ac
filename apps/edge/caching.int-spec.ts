import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { EdgeProcess, ScriptedOrigin, sendRaw, temporaryFolder, until, type EdgeRuntime } from './edge.fixture.ts';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe.each<EdgeRuntime>(['bun', 'node'])('caching, served by %s', (runtime) => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let origin: ScriptedOrigin;
  let edge: EdgeProcess;

  beforeAll(async () => {
    folder = await temporaryFolder();
    origin = await ScriptedOrigin.start();
    edge = await EdgeProcess.start({ runtime, dataDir: folder.path, originUrl: origin.url });
    expect(edge.port).toBeGreaterThan(0);
  }, 30_000);

  afterAll(async () => {
    await edge.kill('SIGTERM');
    await origin.close();
    await folder.remove();
  });

  test('a miss is stored, a hit is not asked for', async () => {
    origin.says('/a.m4s', '200 OK\r\ncontent-type: video/mp4\r\ncache-control: max-age=60\r\nx-origin: 1\r\nkeep-alive: timeout=5', 'hello');
    const miss = await edge.get('/a.m4s');
    const hit = await edge.get('/a.m4s');
    expect([miss.status, miss.body, hit.status, hit.body]).toEqual([200, 'hello', 200, 'hello']);
    expect(miss.headers['cache-status']).toBe('edge-1; fwd=uri-miss; fwd-status=200; stored');
    expect(hit.headers['cache-status']).toMatch(/^edge-1; hit; ttl=(60|59|58)$/);
    expect(hit.headers).toMatchObject({ 'x-origin': '1', 'content-length': '5', 'accept-ranges': 'bytes', 'content-type': 'video/mp4' });
    expect(Number(hit.headers.age)).toBeGreaterThanOrEqual(0);
    expect(hit.headers['date']).toBeDefined();
    expect(origin.count('/a.m4s')).toBe(1);
  });

  test('what is not there is a 404, remembered without being asked for again', async () => {
    const problem = '404 Not Found\r\ncontent-type: application/problem+json; charset=utf-8';
    origin.says('/nowhere', problem, '{"status":404}');
    const [first, second] = [await edge.get('/nowhere'), await edge.get('/nowhere')];
    expect([first.status, second.status, second.body]).toEqual([404, 404, '{"status":404}']);
    expect(second.headers['cache-status']).toMatch(/^edge-1; hit; ttl=(60|59|58)$/);
    expect(origin.count('/nowhere')).toBe(1);
  });

  test('spellings of one URL are one object, and the origin is asked for the normal one', async () => {
    origin.says('/n/a?x=1&y=%C3%A9', '200 OK\r\ncache-control: max-age=60', 'one');
    for (const path of ['/n/a?y=%c3%a9&x=1', '/n/./b/../a?x=1&y=%C3%A9', '/n/%61?x=1&&y=%C3%A9']) expect((await edge.get(path)).body).toBe('one');
    expect(origin.seen.filter((request) => request.path.startsWith('/n/')).map((request) => request.path)).toEqual(['/n/a?x=1&y=%C3%A9']);
  });

  test('many misses at once are one fetch', async () => {
    const gate = Promise.withResolvers<void>();
    origin.on('/collapse.m4s', async ({ socket }) => {
      await gate.promise;
      socket.write('HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ncontent-length: 4\r\n\r\nonce');
    });
    const before = await edge.status();
    const answers = Array.from({ length: 200 }, () => edge.get('/collapse.m4s'));
    await until(() => origin.count('/collapse.m4s') > 0);
    gate.resolve();
    const got = await Promise.all(answers);
    expect(new Set(got.map((answer) => `${answer.status} ${answer.body}`))).toEqual(new Set(['200 once']));
    expect(origin.count('/collapse.m4s')).toBe(1);
    const after = await edge.status();
    expect(Number(after['requests']) - Number(before['requests'])).toBe(200);
    expect(Number(after['hits']) + Number(after['misses']) - Number(before['hits']) - Number(before['misses'])).toBe(200);
  });

  test('a client that goes away does not take the fill with it', async () => {
    const gate = Promise.withResolvers<void>();
    origin.on('/abort.m4s', async ({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ncontent-length: 200000\r\n\r\n' + 'a'.repeat(100_000));
      await gate.promise;
      socket.write('b'.repeat(100_000));
    });
    const started = await sendRaw(edge.port, 'GET /abort.m4s HTTP/1.1\r\nHost: a\r\n\r\n', /aaa/);
    expect(started).toContain('200 OK');
    gate.resolve();
    const other = await edge.get('/abort.m4s');
    expect([other.status, other.body.length, other.broken]).toEqual([200, 200_000, false]);
    expect(origin.count('/abort.m4s')).toBe(1);
  });

  test('followers read the object while it grows', async () => {
    const gate = Promise.withResolvers<void>();
    origin.on('/grow.m4s', async ({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ncontent-length: 200000\r\n\r\n' + 'a'.repeat(100_000));
      await gate.promise;
      socket.write('b'.repeat(100_000));
    });
    const leader = edge.get('/grow.m4s');
    await until(() => origin.count('/grow.m4s') > 0);
    const firstBytes = await sendRaw(edge.port, 'GET /grow.m4s HTTP/1.1\r\nHost: a\r\n\r\n', /aaa/);
    expect(firstBytes).toContain('collapsed');
    const part = edge.get('/grow.m4s', { range: 'bytes=99998-100001' });
    gate.resolve();
    expect(await part).toMatchObject({ status: 206, body: 'aabb' });
    expect((await leader).body.length).toBe(200_000);
    expect(origin.count('/grow.m4s')).toBe(1);
  });

  test('ranges', async () => {
    origin.says('/range.m4s', '200 OK\r\ncache-control: max-age=60\r\netag: "r"', '0123456789');
    const ask = (range: string, more = {}) => edge.get('/range.m4s', { range, ...more });
    const first = await ask('bytes=2-4');
    expect(first).toMatchObject({ status: 206, body: '234' });
    expect(first.headers).toMatchObject({ 'content-range': 'bytes 2-4/10', 'content-length': '3' });
    expect(await ask('bytes=-3')).toMatchObject({ status: 206, body: '789' });
    expect(await ask('bytes=8-')).toMatchObject({ status: 206, body: '89' });
    expect(await ask('bytes=0-1,5-6')).toMatchObject({ status: 200, body: '0123456789' });
    expect(await ask('bytes=0-4,5-6')).toMatchObject({ status: 206, body: '0123456' });
    expect(await ask('bytes=x')).toMatchObject({ status: 200 });
    expect(await ask('bytes=0-1', { 'if-range': '"r"' })).toMatchObject({ status: 206 });
    expect(await ask('bytes=0-1', { 'if-range': '"old"' })).toMatchObject({ status: 200 });
    const beyond = await ask('bytes=10-');
    expect([beyond.status, beyond.headers['content-range'], beyond.body]).toEqual([416, 'bytes */10', '']);
    expect(origin.count('/range.m4s')).toBe(1);
    expect(origin.seen.find((request) => request.path === '/range.m4s')?.head).not.toContain('range:');
  });

  test('conditions of the client are answered here', async () => {
    origin.says(
      '/cond.m4s',
      '200 OK\r\ncache-control: max-age=60\r\netag: "c"\r\nlast-modified: Sun, 06 Nov 1994 08:49:37 GMT\r\ncontent-type: video/mp4',
      'body',
    );
    expect(await edge.get('/cond.m4s', { 'if-none-match': '"c"' })).toMatchObject({ status: 304, body: '' });
    expect(await edge.get('/cond.m4s', { 'if-none-match': 'W/"c", "x"' })).toMatchObject({ status: 304, body: '' });
    expect(await edge.get('/cond.m4s', { 'if-none-match': '"x"' })).toMatchObject({ status: 200, body: 'body' });
    expect(await edge.get('/cond.m4s', { 'if-modified-since': 'Sun, 06 Nov 1994 08:49:37 GMT' })).toMatchObject({ status: 304 });
    expect(origin.count('/cond.m4s')).toBe(1);
  });

  test('HEAD is answered from a stored GET, and passed on otherwise', async () => {
    origin.says('/head.m4s', '200 OK\r\ncache-control: max-age=60', 'body');
    await edge.get('/head.m4s');
    const head = await edge.get('/head.m4s', {}, 'HEAD');
    expect([head.status, head.body, head.headers['content-length']]).toEqual([200, '', '4']);
    expect(origin.count('/head.m4s')).toBe(1);
    origin.on('/head2.m4s', ({ socket, method }) => void socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 9\r\nx-method: ${method}\r\n\r\n`));
    expect((await edge.get('/head2.m4s', {}, 'HEAD')).headers).toMatchObject({ 'x-method': 'HEAD', 'content-length': '9' });
  });

  test('what is not there is remembered, a playlist shortly', async () => {
    await edge.get('/gone.m4s');
    const again = await edge.get('/gone.m4s');
    expect([again.status, again.headers['cache-status']]).toEqual([404, expect.stringMatching(/^edge-1; hit; ttl=(59|60)$/)]);
    expect(origin.count('/gone.m4s')).toBe(1);
    await edge.get('/live/soon.m3u8');
    origin.says('/live/soon.m3u8', '200 OK', '#EXTM3U');
    await until(async () => (await edge.get('/live/soon.m3u8')).status === 200);
  });

  test('variants are kept apart by what the origin says it chose by', async () => {
    origin.on('/vary.css', ({ socket, head }) => {
      const language = /accept-language: (.*)\r/.exec(`${head}\r`)?.[1] ?? 'none';
      socket.write(`HTTP/1.1 200 OK\r\nvary: accept-language\r\ncache-control: max-age=60\r\ncontent-length: ${language.length}\r\n\r\n${language}`);
    });
    for (let round = 0; round < 2; round++) {
      expect((await edge.get('/vary.css', { 'accept-language': 'de' })).body).toBe('de');
      expect((await edge.get('/vary.css', { 'accept-language': 'en' })).body).toBe('en');
      expect((await edge.get('/vary.css')).body).toBe('none');
    }
    expect(origin.count('/vary.css')).toBe(3);
  });

  test("variants asked for at once do not get each other's", async () => {
    origin.on('/vary2.css', async ({ socket, head }) => {
      await pause(20);
      const coding = /accept-encoding: (.*)\r/.exec(`${head}\r`)?.[1] ?? '';
      socket.write(`HTTP/1.1 200 OK\r\nvary: Accept-Encoding\r\ncache-control: max-age=60\r\ncontent-length: ${coding.length}\r\n\r\n${coding}`);
    });
    const asked = ['gzip', 'br', 'gzip, deflate', 'identity', 'br;q=0.5', 'gzip'];
    const got = await Promise.all(asked.map((coding) => edge.get('/vary2.css', { 'accept-encoding': coding })));
    expect(got.map((answer) => answer.body)).toEqual(['gzip', 'br', 'gzip', 'identity', 'br', 'gzip']);
    expect(origin.count('/vary2.css')).toBe(3);
  });

  test.each([
    ['no-store', 'cache-control: no-store'],
    ['private', 'cache-control: private, max-age=60'],
    ['Set-Cookie', 'cache-control: max-age=60\r\nset-cookie: a=b'],
    ['Vary: *', 'cache-control: max-age=60\r\nvary: *'],
  ])('%s is for one client only', async (name, fields) => {
    const path = `/own/${name.length}.m4s`;
    let count = 0;
    origin.on(path, ({ socket }) => void socket.write(`HTTP/1.1 200 OK\r\n${fields}\r\ncontent-length: 1\r\n\r\n${++count}`));
    const bodies = [(await edge.get(path)).body, (await edge.get(path)).body];
    const together = await Promise.all([edge.get(path), edge.get(path), edge.get(path)]);
    expect(new Set([...bodies, ...together.map((answer) => answer.body)]).size).toBe(5);
  });

  test('credentials: stored only where the origin allows it', async () => {
    let count = 0;
    origin.on('/auth.m4s', ({ socket }) => void socket.write(`HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ncontent-length: 1\r\n\r\n${++count}`));
    expect((await edge.get('/auth.m4s', { authorization: 'a' })).body).toBe('1');
    expect((await edge.get('/auth.m4s', { authorization: 'b' })).body).toBe('2');
    origin.says('/auth2.m4s', '200 OK\r\ncache-control: public, max-age=60', 'all');
    await edge.get('/auth2.m4s', { authorization: 'a' });
    await edge.get('/auth2.m4s', { authorization: 'b' });
    expect(origin.count('/auth2.m4s')).toBe(1);
  });

  test('a stale object is revalidated, and a 304 renews it', async () => {
    let count = 0;
    origin.on('/reval.m4s', ({ socket, head }) => {
      count++;
      if (head.includes('if-none-match: "v"')) socket.write('HTTP/1.1 304 Not Modified\r\netag: "v"\r\ncache-control: max-age=60\r\nx-round: 2\r\n\r\n');
      else socket.write('HTTP/1.1 200 OK\r\netag: "v"\r\ncache-control: max-age=0\r\ncontent-length: 4\r\n\r\nbody');
    });
    await edge.get('/reval.m4s');
    const renewed = await edge.get('/reval.m4s');
    expect(renewed).toMatchObject({
      status: 200,
      body: 'body',
      headers: { 'x-round': '2', 'cache-status': expect.stringContaining('fwd=stale; fwd-status=304') as never },
    });
    const hit = await edge.get('/reval.m4s');
    expect(hit.headers['cache-status']).toContain('hit');
    expect(count).toBe(2);
  });

  test('stale-while-revalidate answers at once and asks behind it', async () => {
    let count = 0;
    origin.on(
      '/swr.m4s',
      ({ socket }) => void socket.write(`HTTP/1.1 200 OK\r\ncache-control: max-age=0, stale-while-revalidate=60\r\ncontent-length: 1\r\n\r\n${++count}`),
    );
    expect((await edge.get('/swr.m4s')).body).toBe('1');
    const stale = await edge.get('/swr.m4s');
    expect([stale.body, stale.headers['cache-status']]).toEqual(['1', expect.stringMatching(/^edge-1; hit; ttl=-?\d+$/)]);
    await until(async () => (await edge.get('/swr.m4s')).body !== '1');
    expect(count).toBeGreaterThanOrEqual(2);
  });

  test('an unsafe request voids what is stored', async () => {
    let count = 0;
    origin.on('/form.html', ({ socket, method }) => {
      const body = method === 'GET' ? String(++count) : 'ok';
      socket.write(`HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    });
    expect((await edge.get('/form.html')).body).toBe('1');
    expect((await edge.get('/form.html', {}, 'POST', 'x')).body).toBe('ok');
    expect((await edge.get('/form.html')).body).toBe('2');
  });

  test('only-if-cached does not reach the origin', async () => {
    expect(await edge.get('/oic.m4s', { 'cache-control': 'only-if-cached' })).toMatchObject({ status: 504 });
    expect(origin.count('/oic.m4s')).toBe(0);
  });

  test('memory stays within its bound, and an object too large for it is passed on', async () => {
    const small = await temporaryFolder();
    const tiny = await EdgeProcess.start({ runtime, dataDir: small.path, originUrl: origin.url, env: { EDGE_MEMORY_MB: '1' } });
    for (let at = 0; at < 30; at++) {
      origin.says(`/fill/${at}.m4s`, '200 OK\r\ncache-control: max-age=60', 'x'.repeat(100_000));
      expect((await tiny.get(`/fill/${at}.m4s`)).body.length).toBe(100_000);
      expect(Number((await tiny.status())['memoryBytes'])).toBeLessThanOrEqual(0.9 * 1024 * 1024);
    }
    expect(Number((await tiny.status())['objects'])).toBeGreaterThan(5);
    const chunks = Array.from({ length: 20 }, () => `${(100_000).toString(16)}\r\n${'y'.repeat(100_000)}\r\n`).join('');
    origin.on(
      '/huge.m4s',
      ({ socket }) => void socket.write(`HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ntransfer-encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`),
    );
    origin.says('/huge2.m4s', '200 OK\r\ncache-control: max-age=60', 'z'.repeat(2_000_000));
    expect([(await tiny.get('/huge.m4s')).body.length, (await tiny.get('/huge2.m4s')).body.length]).toEqual([2_000_000, 2_000_000]);
    expect(await tiny.get('/huge2.m4s', { range: 'bytes=0-1' })).toMatchObject({ status: 200 });
    expect(Number((await tiny.status())['memoryBytes'])).toBeLessThanOrEqual(0.9 * 1024 * 1024);
    await tiny.kill('SIGTERM');
    await small.remove();
  }, 30_000);
});
