import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { EdgeProcess, ScriptedOrigin, sendRaw, temporaryFolder, until, type Answer, type EdgeRuntime, type OriginRequestSeen } from './edge.fixture.ts';

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

  test('a hit of another second says how old it is by then', async () => {
    origin.says('/older.m4s', '200 OK\r\ncontent-type: video/mp4\r\ncache-control: max-age=60\r\nx-origin: 1', 'hello');
    await edge.get('/older.m4s');
    const first = await edge.get('/older.m4s');
    await pause(1100);
    const second = await edge.get('/older.m4s');
    const left = ({ headers }: Answer): number => Number(/^edge-1; hit; ttl=(\d+)$/.exec(String(headers['cache-status']))?.[1]);
    expect(Number(second.headers.age)).toBeGreaterThan(Number(first.headers.age));
    expect(left(second)).toBeLessThan(left(first));
    const { age: _age, 'cache-status': _status, date: _date, ...still } = first.headers;
    expect(second.headers).toMatchObject(still);
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

  test('a reload that the origin holds waits there once for clients of all codings, and each gets what it takes', async () => {
    const path = '/live/st-aaaaaaaa/240p.m3u8?_HLS_msn=3&_HLS_part=1';
    const text = `#EXTM3U\n${'#EXT-X-PART:DURATION=0.5\n'.repeat(40)}`;
    const gate = Promise.withResolvers<void>();
    const kind = 'content-type: application/vnd.apple.mpegurl\r\ncache-control: max-age=60\r\nvary: accept-encoding';
    origin.on(path, async ({ socket }) => {
      await gate.promise;
      socket.write(`HTTP/1.1 200 OK\r\n${kind}\r\netag: "p"\r\ncontent-length: ${text.length}\r\n\r\n${text}`);
    });
    const accepted = ['gzip', 'br, gzip', 'identity', 'gzip, deflate, br, zstd', 'gzip'];
    const waiting = accepted.map((accepts) => edge.get(path, { 'accept-encoding': accepts }));
    await until(() => origin.count(path) > 0);
    // The others are on their way; who comes later is given the same.
    await pause(100);
    gate.resolve();
    const answers = await Promise.all(waiting);
    const codings = answers.map(({ headers }) => headers['content-encoding']);
    expect(codings).toEqual(['gzip', 'br', undefined, 'zstd', 'gzip']);
    const bytes = answers.map(({ body }) => Buffer.from(body, 'latin1')) as [Buffer, Buffer, Buffer, Buffer, Buffer];
    const texts = [gunzipSync(bytes[0]), brotliDecompressSync(bytes[1]), bytes[2], zstdDecompressSync(bytes[3]), gunzipSync(bytes[4])];
    expect(texts.map(String)).toEqual([text, text, text, text, text]);
    expect(new Set(answers.map(({ headers }) => headers.etag))).toEqual(new Set(['"p"', 'W/"p"']));
    const hit = await edge.get(path, { 'accept-encoding': 'br' });
    expect([hit.headers['content-encoding'], hit.headers['cache-status']]).toEqual(['br', expect.any(String)]);
    expect(origin.count(path)).toBe(1);
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
    // The range went along; the origin did not heed it, and its whole answer was taken.
    expect(origin.seen.find((request) => request.path === '/range.m4s')?.head).toContain('range: bytes=2-4');
  });

  test('parts are stored, combined by a strong validator alone, and completed', async () => {
    let etag = '"p"';
    const asked: string[] = [];
    origin.on('/parts.mp4', ({ head, socket }) => {
      const range = /\nrange: bytes=(\d*)-(\d*)/.exec(head);
      asked.push(range === null ? 'whole' : `${range[1]}-${range[2]}`);
      const holds = !head.includes('if-range:') || head.includes(`if-range: ${etag}`);
      const [first, last] = range === null || !holds ? [0, 9] : range[1] === '' ? [10 - Number(range[2]), 9] : [Number(range[1]), Number(range[2] || 9)];
      const status = range === null || !holds ? '200 OK' : `206 Partial Content\r\ncontent-range: bytes ${first}-${last}/10`;
      const body = '0123456789'.slice(first, last + 1);
      socket.write(`HTTP/1.1 ${status}\r\netag: ${etag}\r\ncache-control: max-age=60\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    });
    const part = async (range: string): Promise<string> => {
      const { body, headers, status } = await edge.get('/parts.mp4', { range });
      return `${status} ${headers['content-range']} ${body} ${/hit|fwd=[a-z-]+/.exec(String(headers['cache-status']))?.[0]}`;
    };
    expect(await part('bytes=-3')).toBe('206 bytes 7-9/10 789 fwd=uri-miss');
    expect(await part('bytes=-2')).toBe('206 bytes 8-9/10 89 hit');
    expect(await part('bytes=8-')).toBe('206 bytes 8-9/10 89 hit');
    expect(await part('bytes=12-')).toBe('416 bytes */10  hit');
    expect(await part('bytes=4-7')).toBe('206 bytes 4-7/10 4567 fwd=uri-miss');
    expect(await part('bytes=5-8')).toBe('206 bytes 5-8/10 5678 hit');
    expect((await edge.get('/parts.mp4')).body).toBe('0123456789');
    expect(await part('bytes=1-2')).toBe('206 bytes 1-2/10 12 hit');
    expect(asked).toEqual(['-3', '4-7', '0-3']);
    // What changed in between is not combined with what was.
    await edge.get('/parts.mp4', {}, 'DELETE');
    await part('bytes=4-9');
    etag = '"q"';
    expect((await edge.get('/parts.mp4')).headers['etag']).toBe('"q"');
    expect(asked.slice(-2)).toEqual(['4-9', '0-3']);
    expect(await part('bytes=5-6')).toBe('206 bytes 5-6/10 56 hit');
  });

  test('parts without a strong validator are not combined; many who want one ask once; a purge forgets them', async () => {
    let count = 0;
    const gate = Promise.withResolvers<void>();
    origin.on('/weak.mp4', async ({ head, socket }) => {
      count++;
      await gate.promise;
      const [first = 0, last = 9] = (/\nrange: bytes=(\d+)-(\d+)/.exec(head) ?? []).slice(1).map(Number);
      const body = '0123456789'.slice(first, last + 1);
      const status = head.includes('\nrange:') ? `206 Partial Content\r\ncontent-range: bytes ${first}-${last}/10` : '200 OK';
      socket.write(`HTTP/1.1 ${status}\r\netag: W/"w"\r\ncache-control: max-age=60\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    });
    const asking = Array.from({ length: 20 }, () => edge.get('/weak.mp4', { range: 'bytes=2-4' }));
    await until(() => count > 0);
    gate.resolve();
    for (const answer of await Promise.all(asking)) expect([answer.status, answer.body]).toEqual([206, '234']);
    expect(count).toBe(1);
    await edge.get('/weak.mp4', { range: 'bytes=5-7' });
    expect((await edge.get('/weak.mp4', { range: 'bytes=4-5' })).headers['cache-status']).toContain('fwd=');
    expect(count).toBe(3);
    await edge.get('/weak.mp4', {}, 'PUT');
    await edge.get('/weak.mp4', { range: 'bytes=4-5' });
    expect(count).toBe(5);
    expect((await edge.get('/weak.mp4')).body).toBe('0123456789');
  });

  test("a part that is not what it says is nobody's but the one's who asked", async () => {
    let count = 0;
    origin.on('/odd.mp4', ({ socket }) => {
      count++;
      socket.write('HTTP/1.1 206 Partial Content\r\ncontent-range: bytes 4-9/10\r\ncache-control: max-age=60\r\ncontent-length: 5\r\n\r\n01234');
    });
    for (let round = 1; round <= 2; round++) {
      expect(await edge.get('/odd.mp4', { range: 'bytes=-5' })).toMatchObject({ status: 206, body: '01234' });
      expect(count).toBe(round);
    }
  });

  test('fields of a qualified no-cache are for the first client alone; a targeted field speaks to the edge', async () => {
    origin.says('/qualified.css', '200 OK\r\ncache-control: max-age=60, no-cache="set-cookie"\r\nset-cookie: a=b', 'x');
    expect((await edge.get('/qualified.css')).headers['set-cookie']).toEqual(['a=b']);
    const hit = await edge.get('/qualified.css');
    expect([hit.headers['set-cookie'], hit.headers['cache-status']]).toEqual([undefined, expect.stringContaining('hit')]);
    origin.says('/targeted.css', '200 OK\r\ncache-control: no-store\r\ncdn-cache-control: max-age=60\r\nexpires: 0', 'x');
    await edge.get('/targeted.css');
    expect((await edge.get('/targeted.css')).headers).toMatchObject({ 'cache-control': 'no-store', 'cdn-cache-control': 'max-age=60' });
    expect(origin.count('/targeted.css')).toBe(1);
  });

  test('what a HEAD says of a stored response renews it, or voids it', async () => {
    const answer =
      (length: number) =>
      ({ method, socket }: OriginRequestSeen) => {
        const body = method === 'HEAD' ? '' : 'body';
        const control = method === 'HEAD' ? 'max-age=60\r\nx-round: 2' : 'max-age=0';
        socket.write(`HTTP/1.1 200 OK\r\netag: "h"\r\ncache-control: ${control}\r\ncontent-length: ${method === 'HEAD' ? length : 4}\r\n\r\n${body}`);
      };
    origin.on('/headed.css', answer(4));
    await edge.get('/headed.css');
    await edge.get('/headed.css', {}, 'HEAD');
    expect(await edge.get('/headed.css')).toMatchObject({ body: 'body', headers: { 'x-round': '2', 'cache-status': expect.stringContaining('hit') as never } });
    expect(origin.count('/headed.css')).toBe(2);
    origin.on('/grown.css', answer(5));
    await edge.get('/grown.css');
    await edge.get('/grown.css', {}, 'HEAD');
    expect((await edge.get('/grown.css')).headers['cache-status']).toContain('fwd=uri-miss');
  });

  test('a page under the name of an asset is not stored: it may be about the one who asked', async () => {
    let count = 0;
    const page = (control: string) => `HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncache-control: ${control}\r\ncontent-length: 1\r\n\r\n`;
    origin.on('/account/x.css', ({ socket }) => void socket.write(`${page('max-age=60')}${++count}`));
    expect([(await edge.get('/account/x.css')).body, (await edge.get('/account/x.css')).body]).toEqual(['1', '2']);
    origin.on('/spa/x.css', ({ socket }) => void socket.write(`${page('public, max-age=60')}${++count}`));
    expect([(await edge.get('/spa/x.css')).body, (await edge.get('/spa/x.css')).body]).toEqual(['3', '3']);
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
