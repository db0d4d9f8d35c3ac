import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { EdgeProcess, ScriptedOrigin, temporaryFolder, until, type EdgeRuntime } from './edge.fixture.ts';

describe.each<EdgeRuntime>(['bun', 'node'])('a bad origin, served by %s', (runtime) => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let origin: ScriptedOrigin;
  let edge: EdgeProcess;
  const failed: string[] = [];

  beforeAll(async () => {
    folder = await temporaryFolder();
    origin = await ScriptedOrigin.start();
    edge = await EdgeProcess.start({ runtime, dataDir: folder.path, originUrl: origin.url });
  }, 30_000);

  afterAll(async () => {
    await edge.kill('SIGTERM');
    await origin.close();
    await folder.remove();
  });

  const ok = 'HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\n';

  test.each([
    ['closes', ''],
    ['talks garbage', 'lalala\r\n\r\n'],
    ['says that nothing has changed, unasked', 'HTTP/1.1 304 Not Modified\r\netag: "1"\r\n\r\n'],
    ['sends a part of it knows what', 'HTTP/1.1 206 Partial Content\r\ncontent-length: 3\r\n\r\nabc'],
    ['sends all of it as a part', 'HTTP/1.1 206 Partial Content\r\ncontent-range: bytes 0-2/3\r\ncontent-length: 3\r\n\r\nabc'],
    ['sends a part that cannot be', 'HTTP/1.1 206 Partial Content\r\ncontent-range: bytes 5-2/10\r\ncontent-length: 3\r\n\r\nabc'],
    ['cuts a small body', `${ok}content-length: 10\r\n\r\nabc`],
    ['has two lengths', `${ok}content-length: 3\r\ncontent-length: 5\r\n\r\nabcde`],
    ['has a length that is no number', `${ok}content-length: abc\r\n\r\nabc`],
    ['answers with fields without end', `${ok}x-long: ${'a'.repeat(300_000)}`],
  ])('that %s is a clean 502, remembered for a moment, never stored', async (name, bytes) => {
    const path = `/bad/${name.replaceAll(' ', '-')}.m4s`;
    origin.on(path, ({ socket }) => void socket.end(bytes));
    const answers = await Promise.all(Array.from({ length: 5 }, () => edge.get(path)));
    for (const answer of answers) {
      expect([answer.status, answer.broken, answer.headers['content-type']]).toEqual([502, false, 'application/problem+json; charset=utf-8']);
      expect(JSON.parse(answer.body)).toEqual({
        type: 'urn:streams:problem:bad-origin',
        title: 'Bad Gateway',
        status: 502,
        detail: expect.any(String),
        instance: path,
      });
    }
    // One try, and one more where a pooled connection may have been lost; and so again a moment later where the origin may have died.
    expect(origin.count(path)).toBeLessThanOrEqual(4);
    failed.push(path);
  });

  test.each([
    ['a length', `${ok}content-length: 300000\r\n\r\n${'a'.repeat(200_000)}`],
    ['chunks', `${ok}transfer-encoding: chunked\r\n\r\n${(200_000).toString(16)}\r\n${'a'.repeat(200_000)}\r\n`],
    ['a chunk that is none', `${ok}transfer-encoding: chunked\r\n\r\n${(200_000).toString(16)}\r\n${'a'.repeat(200_000)}\r\nzz\r\n`],
  ])('that drops a large body with %s breaks the connection: no part looks like the whole', async (name, bytes) => {
    const path = `/drop/${name.replaceAll(' ', '-')}.m4s`;
    origin.on(path, ({ socket }) => {
      socket.write(bytes);
      setTimeout(() => socket.end(), 50);
    });
    const answers = await Promise.all([edge.get(path), edge.get(path)]);
    for (const answer of answers) expect(answer.broken || answer.status === 502).toBe(true);
    failed.push(path);
  });

  test('that breaks off in something in the making is asked again at once, and no more when it does so again', async () => {
    const path = '/live/st-1/grows.m4s';
    origin.on(path, ({ socket }) => {
      socket.write(`${ok}transfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n`);
      setTimeout(() => socket.destroy(), 50);
    });
    for (const asked of [1, 2, 2]) {
      const answer = await edge.get(path);
      expect(answer.broken || answer.status === 502).toBe(true);
      expect(origin.count(path)).toBe(asked);
    }
    // A player on another site can read why.
    expect(await edge.get(path)).toMatchObject({ status: 502, headers: { 'access-control-allow-origin': '*' } });
    failed.push(path);
  });

  test('that ends a body without a length with the connection has sent the whole', async () => {
    origin.on('/ends.m4s', ({ socket }) => {
      socket.write(`${ok}\r\n${'a'.repeat(1000)}`);
      setTimeout(() => socket.end(), 50);
    });
    expect(await edge.get('/ends.m4s')).toMatchObject({ status: 200, broken: false, body: 'a'.repeat(1000) });
  });

  test('that closes each connection after its answer is asked on another one', async () => {
    for (const at of [1, 2, 3, 4, 5]) {
      origin.on(`/closes/${at}.m4s`, ({ socket }) => void socket.end(`${ok}content-length: 3\r\n\r\nabc`));
      expect(await edge.get(`/closes/${at}.m4s`)).toMatchObject({ status: 200, body: 'abc' });
    }
  });

  test('that says something before its answer, in pieces, is understood', async () => {
    const bytes = `HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${ok}transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nx-sum: 1\r\n\r\n`;
    origin.on('/pieces.m4s', async ({ socket }) => {
      for (let at = 0; at < bytes.length; at += 20) {
        socket.write(bytes.slice(at, at + 20));
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    });
    expect(await edge.get('/pieces.m4s')).toMatchObject({ status: 200, broken: false, body: 'abcde' });
    expect(await edge.get('/pieces.m4s', {}, 'HEAD')).toMatchObject({ status: 200, broken: false, body: '' });
  });

  test('an origin that has become well is asked again', async () => {
    expect(failed.length).toBe(14);
    for (const path of failed) origin.says(path, '200 OK\r\ncache-control: max-age=60', 'good');
    for (const path of failed) await until(async () => (await edge.get(path)).body === 'good');
  });

  test('more bytes than promised are not taken for the next answer', async () => {
    origin.on('/more.m4s', ({ socket }) => void socket.write(`${ok}content-length: 3\r\n\r\nabcHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil`));
    origin.says('/after.m4s', '200 OK\r\ncache-control: max-age=60', 'good');
    const [more, after] = [await edge.get('/more.m4s'), await edge.get('/after.m4s')];
    expect(['abc', '']).toContain(more.status === 200 ? more.body : '');
    expect(after.body).toBe('good');
  });

  test('a body of which only the end of its connection says that it is over is not kept: it may be half of one', async () => {
    origin.on('/unframed.m4s', ({ socket }) => {
      socket.write(`${ok}connection: close\r\n\r\nhalf`);
      setTimeout(() => socket.resetAndDestroy(), 50);
    });
    const answer = await edge.get('/unframed.m4s');
    expect([answer.broken || answer.body === 'half', String(answer.headers['cache-status'])]).toEqual([true, expect.not.stringContaining('stored')]);
    origin.says('/unframed.m4s', '200 OK\r\ncache-control: max-age=60', 'all of it');
    await until(async () => (await edge.get('/unframed.m4s')).body === 'all of it');
  });

  test('a server error is remembered for a moment', async () => {
    origin.says('/503.m4s', '503 Service Unavailable\r\ncontent-type: text/plain', 'busy');
    const answers = await Promise.all(Array.from({ length: 20 }, () => edge.get('/503.m4s')));
    expect(new Set(answers.map((answer) => `${answer.status} ${answer.body}`))).toEqual(new Set(['503 busy']));
    expect(origin.count('/503.m4s')).toBeLessThan(20);
    origin.says('/503.m4s', '200 OK\r\ncache-control: max-age=60', 'well');
    await until(async () => (await edge.get('/503.m4s')).body === 'well');
  });

  test('what is stale stands in for an error, unless it must be revalidated', async () => {
    const control = {
      '/sie.m4s': 'max-age=0, stale-if-error=60',
      '/must.m4s': 'max-age=0, must-revalidate',
      '/gone-stale.m4s': 'max-age=0, stale-if-error=60',
      '/cut-stale.m4s': 'max-age=0, stale-if-error=60',
    };
    for (const [path, value] of Object.entries(control)) {
      origin.says(path, `200 OK\r\netag: "e"\r\ncache-control: ${value}`, 'stale');
      await edge.get(path);
    }
    origin.says('/sie.m4s', '500 Oops', 'oops');
    origin.says('/must.m4s', '500 Oops', 'oops');
    origin.on('/gone-stale.m4s', ({ socket }) => void socket.destroy());
    origin.on('/cut-stale.m4s', ({ socket }) => void socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nnew'));
    const covered = await edge.get('/sie.m4s');
    expect([covered.status, covered.body, covered.headers['cache-status']]).toEqual([200, 'stale', expect.stringContaining('fwd=stale; fwd-status=500')]);
    expect(await edge.get('/gone-stale.m4s')).toMatchObject({ status: 200, body: 'stale' });
    expect(await edge.get('/cut-stale.m4s')).toMatchObject({ status: 200, body: 'stale' });
    expect(await edge.get('/cut-stale.m4s')).toMatchObject({ status: 200, body: 'stale' });
    expect(origin.count('/cut-stale.m4s')).toBe(2);
    expect(await edge.get('/must.m4s')).toMatchObject({ status: 500, body: 'oops' });
  });

  test.each([
    ['a length', 'content-length: 300000\r\n\r\n'],
    ['chunks', `transfer-encoding: chunked\r\n\r\n${(300_000).toString(16)}\r\n`],
  ])('what is stale stands in for an answer with %s that broke off when its head had gone out', async (name, framing) => {
    const path = `/broken-stale/${name.replace(' ', '-')}.m4s`;
    origin.says(path, '200 OK\r\netag: "e"\r\ncache-control: max-age=0, stale-if-error=60', 'stale');
    await edge.get(path);
    origin.on(path, ({ socket }) => {
      socket.write(`${ok}${framing}${'a'.repeat(200_000)}`);
      setTimeout(() => socket.end(), 50);
    });
    expect((await edge.get(path)).broken).toBe(true);
    for (let at = 0; at < 2; at++) expect(await edge.get(path)).toMatchObject({ status: 200, body: 'stale' });
    expect(origin.count(path)).toBe(2);
    // Also for who asks for more than that, while the failure is remembered: what was in the making is asked for once more.
    if (name === 'a length') expect(await edge.get(path, { 'cache-control': 'no-cache' })).toMatchObject({ status: 200, body: 'stale' });
    if (name === 'a length') expect((await edge.get(path, { 'cache-control': 'no-cache' }, 'HEAD')).headers['cache-status']).toContain('; hit');
  });

  test('a body whose connection is reset is broken off for the client, too', async () => {
    origin.on('/reset.m4s', ({ socket }) => {
      socket.write(`HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\n\r\n${'x'.repeat(50_000)}`);
      setTimeout(() => socket.resetAndDestroy(), 50);
    });
    // Whoever comes a moment later hears at once that it has failed.
    const answers = [await edge.get('/reset.m4s'), await edge.get('/reset.m4s')];
    expect(answers.map(({ broken, status }) => broken || status === 502)).toEqual([true, true]);
  });

  test('the answer to HEAD says no length that nobody knows', async () => {
    origin.on('/api/v1/unmeasured', ({ socket }) => void socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'));
    expect((await edge.get('/api/v1/unmeasured', {}, 'HEAD')).headers).not.toHaveProperty('content-length');
    origin.says('/api/v1/measured', '200 OK', '');
    expect((await edge.get('/api/v1/measured', {}, 'HEAD')).headers).toMatchObject({ 'content-length': '0' });
  });

  test('a body behind the answer to HEAD is nobody’s answer', async () => {
    const evil = 'HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ncontent-length: 5\r\n\r\nEVIL!';
    for (const path of ['/api/v1/late', '/api/v1/at-once']) {
      origin.on(path, ({ socket }) => {
        const head = `HTTP/1.1 200 OK\r\ncontent-length: ${evil.length}\r\n\r\n`;
        if (path.endsWith('at-once')) return void socket.write(head + evil);
        socket.write(head);
        setTimeout(() => socket.write(evil), 2);
      });
    }
    const asked = Array.from({ length: 20 }, async (_, at) => {
      origin.says(`/own-${at}.m4s`, '200 OK\r\ncache-control: max-age=60', `own ${at}`);
      await edge.get(at % 2 === 0 ? '/api/v1/late' : '/api/v1/at-once', {}, 'HEAD');
      const answers = [await edge.get(`/own-${at}.m4s`), await edge.get(`/own-${at}.m4s`)];
      return answers.map(({ body }) => body);
    });
    expect(await Promise.all(asked)).toEqual(asked.map((_, at) => [`own ${at}`, `own ${at}`]));
  });

  test('an origin that is down: 502, stale where it may be, and well again when it is back', async () => {
    const short = await ScriptedOrigin.start();
    const own = await temporaryFolder();
    const env = { EDGE_ORIGIN_PATIENCE_SECONDS: '0' };
    const lone = await EdgeProcess.start({ runtime, dataDir: own.path, originUrl: short.url, env });
    short.says('/kept.m4s', '200 OK\r\netag: "k"\r\ncache-control: max-age=0, stale-if-error=60', 'kept');
    await lone.get('/kept.m4s');
    const { port } = short;
    await short.close();
    expect(await lone.get('/new.m4s')).toMatchObject({ status: 502, broken: false });
    expect(await lone.get('/kept.m4s')).toMatchObject({ status: 200, body: 'kept' });
    expect(await lone.get('/api/v1/streams', {}, 'POST', '{}')).toMatchObject({ status: 502, broken: false });
    const back = await ScriptedOrigin.start(port);
    back.says('/new.m4s', '200 OK\r\ncache-control: max-age=60', 'new');
    await until(async () => (await lone.get('/new.m4s')).body === 'new');
    await lone.kill('SIGTERM');
    await back.close();
    await own.remove();
  }, 30_000);

  test('an origin that goes away is waited for by what nothing stale can stand in for, also by what it held back', async () => {
    const killed = await ScriptedOrigin.start();
    const own = await temporaryFolder();
    const env = { EDGE_ORIGIN_PATIENCE_SECONDS: '20' };
    const lone = await EdgeProcess.start({ runtime, dataDir: own.path, originUrl: killed.url, env });
    const plain = '/live/st-aaaaaaaa/240p.m3u8';
    const reload = `${plain}?_HLS_msn=7&_HLS_part=1`;
    killed.says(plain, '200 OK\r\netag: "l"\r\ncache-control: max-age=0, stale-if-error=60', 'last');
    killed.on(reload, () => undefined);
    await lone.get(plain);
    const held = lone.get(reload);
    await until(() => killed.count(reload) === 1);
    const { port } = killed;
    await killed.close();
    expect(await lone.get(plain)).toMatchObject({ status: 200, body: 'last' });
    const asked = lone.get('/live/st-aaaaaaaa/480p.m3u8');
    // What passes through, too, whatever it does: nothing of it was sent.
    const listed = lone.get('/api/v1/streams');
    const posted = lone.get('/api/v1/streams', { 'content-type': 'application/json' }, 'POST', '{"name":"Garden"}');
    const ahead = await Promise.race([held, asked, listed, posted, new Promise((resolve) => setTimeout(resolve, 1000))]);
    expect(ahead).toBe(undefined);
    const back = await ScriptedOrigin.start(port);
    back.on('/api/v1/streams', async (request) => {
      const posts = request.head.startsWith('post');
      if (posts) await until(() => request.body.includes('{"name":"Garden"}'));
      request.socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n${posts ? 'posted' : 'listed'}`);
    });
    back.says(reload, '200 OK\r\ncache-control: max-age=2', 'next');
    back.says('/live/st-aaaaaaaa/480p.m3u8', '200 OK\r\ncache-control: max-age=1', 'other');
    expect(await held).toMatchObject({ status: 200, body: 'next' });
    expect(await asked).toMatchObject({ status: 200, body: 'other' });
    expect([(await listed).body, (await posted).body]).toEqual(['listed', 'posted']);
    expect(back.count('/api/v1/streams')).toBe(2);
    await lone.kill('SIGTERM');
    await back.close();
    await own.remove();
  }, 60_000);
});
