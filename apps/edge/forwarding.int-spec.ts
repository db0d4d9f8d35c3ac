import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { EdgeProcess, ScriptedOrigin, sendRaw, temporaryFolder, until, type EdgeRuntime } from './edge.fixture.ts';
import { badBodies, smuggledTails, smugglingCases } from './smuggling.cases.ts';

describe.each<EdgeRuntime>(['bun', 'node'])('forwarding, served by %s', (runtime) => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let origin: ScriptedOrigin;
  let edge: EdgeProcess;

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

  test('an event stream passes as it comes, and ends at the origin when the client leaves', async () => {
    let atOrigin = 'open';
    const next = Promise.withResolvers<void>();
    origin.on('/api/v1/events/live', async ({ socket }) => {
      socket.on('close', () => (atOrigin = 'closed'));
      socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-store\r\ntransfer-encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n');
      await next.promise;
      socket.write('9\r\ndata: 2\n\n\r\n');
    });
    const socket = connect(edge.port, '127.0.0.1');
    let got = '';
    socket.on('data', (bytes) => (got += bytes.toString()));
    socket.write('GET /api/v1/events/live HTTP/1.1\r\nHost: a\r\nLast-Event-ID: 7\r\n\r\n');
    await until(() => got.includes('data: 1'));
    expect(got).not.toContain('data: 2');
    next.resolve();
    await until(() => got.includes('data: 2'));
    expect(origin.seen.at(-1)?.head).toContain('last-event-id: 7');
    socket.destroy();
    await until(() => atOrigin === 'closed');
  });

  test.each(['content-length', 'transfer-encoding'])('a request body announced by %s passes through whole', async (by) => {
    const body = 'x'.repeat(1_000_000);
    const digest = createHash('sha256').update(body).digest('hex');
    origin.on('/api/v1/upload', async (request) => {
      const whole = (): string => (by === 'content-length' ? request.body : dechunk(request.body));
      await until(() => (by === 'content-length' ? request.body.length >= body.length : request.body.includes('\r\n0\r\n\r\n')));
      const answer = createHash('sha256').update(whole()).digest('hex');
      request.socket.write(`HTTP/1.1 201 Created\r\ncontent-length: ${answer.length}\r\n\r\n${answer}`);
    });
    const answer = await edge.get(
      '/api/v1/upload',
      by === 'content-length' ? { 'content-length': String(body.length) } : { 'transfer-encoding': 'chunked' },
      'POST',
      body,
    );
    expect(answer).toMatchObject({ status: 201, body: digest });
    expect(answer.headers['cache-status']).toBe('edge-1; fwd=method; fwd-status=201');
  });

  test('who asks whether to go on is told so, and the body follows', async () => {
    origin.on('/api/expects', async (request) => {
      await until(() => request.body.includes('abc'));
      request.socket.write('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\ntaken');
    });
    const socket = connect(edge.port, '127.0.0.1');
    let got = '';
    socket.on('data', (bytes) => (got += bytes.toString()));
    socket.write('POST /api/expects HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n');
    await until(() => got.startsWith('HTTP/1.1 100 Continue\r\n\r\n'));
    socket.write('abc');
    await until(() => got.endsWith('taken'));
    socket.destroy();
    expect(origin.seen.find(({ path }) => path === '/api/expects')?.head).not.toContain('\nexpect:');
  });

  test('fields of the connection stay on it, and nobody claims to be somebody else', async () => {
    const fields = {
      connection: 'x-hop',
      'x-hop': '1',
      'x-forwarded-for': '6.6.6.6',
      'x-forwarded-host': 'evil.example',
      'x-original-url': '/admin',
      'x-streams-edge': 'forged',
      host: 'viewer.example',
      te: 'trailers',
      'proxy-authorization': 'x',
    };
    origin.says('/fill.m4s', '200 OK\r\ncache-control: max-age=60\r\nconnection: x-secret\r\nx-secret: 1', 'x');
    origin.says('/api/own', '200 OK\r\nconnection: x-secret\r\nx-secret: 1', 'x');
    const fill = await edge.get('/fill.m4s', fields);
    const own = await edge.get('/api/own', fields);
    expect([fill.headers['x-secret'], own.headers['x-secret']]).toEqual([undefined, undefined]);
    const [toFill, toOwn] = ['/fill.m4s', '/api/own'].map((path) => origin.seen.find((request) => request.path === path)?.head ?? '');
    for (const head of [toFill, toOwn]) expect(head).not.toMatch(/x-hop|6\.6\.6\.6|evil\.example|x-original-url|proxy-authorization|x-streams-edge/);
    expect(toFill).toContain(`host: 127.0.0.1:${origin.port}`);
    expect(toFill).not.toContain('viewer.example');
    expect(toOwn).toContain('x-forwarded-host: viewer.example');
    expect(toOwn).toMatch(/x-forwarded-for: (::ffff:)?127\.0\.0\.1/);
    expect(toOwn).toContain('via: 1.1 edge-1');
  });

  test('redirects and empty answers pass as they are', async () => {
    origin.says('/api/moved', '302 Found\r\nlocation: /elsewhere');
    origin.on('/api/none', ({ socket }) => void socket.write('HTTP/1.1 204 No Content\r\n\r\n'));
    expect(await edge.get('/api/moved')).toMatchObject({ status: 302, headers: { location: '/elsewhere' } });
    expect(await edge.get('/api/none', {}, 'DELETE')).toMatchObject({ status: 204, body: '', broken: false });
  });

  test.each([
    ['with its body', 0],
    ['before it', 30],
  ])('what is no ASCII in a field goes on byte by byte: a head that comes %s', async (_when, ms) => {
    origin.on('/api/v1/bytes', ({ socket }) => {
      const head = Buffer.from('HTTP/1.1 200 OK\r\nx-latin: caf\u00e9\r\nx-utf: caf\u00c3\u00a9\r\ncontent-length: 2\r\n\r\n', 'latin1');
      if (ms === 0) return void socket.write(Buffer.concat([head, Buffer.from('ok')]));
      socket.write(head);
      setTimeout(() => socket.write('ok'), ms);
    });
    const { headers } = await edge.get('/api/v1/bytes', { 'x-latin': 'th\u00e9' });
    expect([headers['x-latin'], headers['x-utf']]).toEqual(['caf\u00e9', 'caf\u00c3\u00a9']);
    expect(origin.seen.at(-1)?.head).toContain('x-latin: th\u00e9');
  });

  test('compressed bytes are not touched', async () => {
    origin.says('/zip.css', '200 OK\r\ncontent-encoding: gzip\r\ncache-control: max-age=60\r\nvary: accept-encoding', 'not really gzip');
    expect(await edge.get('/zip.css', { 'accept-encoding': 'gzip' })).toMatchObject({ body: 'not really gzip', headers: { 'content-encoding': 'gzip' } });
  });

  test('what two parsers could read differently is refused, and does not reach the origin', async () => {
    const seen = smugglingCases.filter(({ unseenBy }) => unseenBy?.runtime !== runtime);
    const answers = await Promise.all([...seen, ...badBodies].map(async ({ name, bytes }) => [name, await sendRaw(edge.port, bytes, /\r\n\r\n/)] as const));
    const taken = answers.filter(([, answer]) => answer !== '' && !/^HTTP\/1\.[01] (400|413|431|501|505) /.test(answer));
    expect(taken).toEqual([]);
    expect(answers.length).toBeGreaterThan(110);
    expect(origin.seen.filter(({ path }) => path.includes('smuggled')).map(({ head }) => head)).toEqual([]);
    // Of a body that breaks the rules the origin has seen no end: nothing there is a whole request.
    const bodies = origin.seen.filter(({ path }) => path === '/badly-framed').map(({ body }) => body);
    expect(bodies.filter((body) => body.endsWith('0\r\n\r\n'))).toEqual([]);
  });

  test.each([
    ['no HTTP', '\x16\x03\x01\x02\x00garbage\r\n\r\n'],
    ['a head without end', `GET /x HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(100_000)}\r\n\r\n`],
  ])('a request with %s is refused and does not reach the origin', async (_name, bytes) => {
    const before = origin.count('/x');
    const answer = await sendRaw(edge.port, bytes, /\r\n\r\n/);
    expect(answer === '' || /^HTTP\/1\.1 (400|431|413|505) /.test(answer)).toBe(true);
    expect(origin.count('/x')).toBe(before);
  });

  test('trailers are dropped, and what hides behind a body is no request', async () => {
    origin.on('/smuggled', ({ socket }) => void socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'));
    for (const [, bytes] of smuggledTails)
      await sendRaw(
        edge.port,
        `${bytes}GET /hidden HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n`,
        /never/,
      );
    const heads = origin.seen.filter(({ path }) => path === '/smuggled').map(({ head }) => head);
    for (const head of heads) expect(head).not.toMatch(/evil\.example|trailer|content-length: 5/);
    expect(origin.count('/hidden')).toBe(0);
  });

  test('a GET with a body goes to the origin with it, and its answer is stored for nobody; Bun, which keeps the body to itself, refuses it', async () => {
    origin.says('/search.m4s', '200 OK\r\ncache-control: max-age=60', 'found');
    const asks = ['Content-Length: 5\r\n\r\nhello', 'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'];
    for (const framed of asks) {
      const answer = await sendRaw(edge.port, `GET /search.m4s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${framed}`, /never/);
      expect(answer).toMatch(runtime === 'bun' ? /^HTTP\/1\.1 400 [^]*connection: close/i : /^HTTP\/1\.1 200 [^]*fwd=bypass[^]*found/);
    }
    const bodies = origin.seen.filter(({ path }) => path === '/search.m4s').map(({ body }) => body);
    expect(bodies).toEqual(runtime === 'bun' ? [] : [expect.stringContaining('hello'), expect.stringContaining('hello')]);
    // An empty one is none.
    expect(await sendRaw(edge.port, 'GET /search.m4s HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n', /never/)).toMatch(
      /^HTTP\/1\.1 200 /,
    );
  });

  test('fields that only some parsers take for others are not sent on', async () => {
    origin.says('/odd.m4s', '200 OK\r\ncache-control: max-age=60', 'x');
    origin.says('/api/odd', '200 OK', 'x');
    for (const path of ['/odd.m4s', '/api/odd']) {
      await edge.get(path, { transfer_encoding: 'chunked', x_forwarded_for: '6.6.6.6' });
      const head = origin.seen.find((request) => request.path === path)?.head ?? '';
      expect(head).toContain('via: 1.1 edge-1');
      expect(head).not.toMatch(/transfer_encoding|x_forwarded_for|6\.6\.6\.6/);
    }
  });

  test('what goes round is stopped, and an error of the edge is told as its own', async () => {
    const loop = await edge.get('/loop.m4s', { via: '1.1 a, 1.1 edge-1' });
    expect([loop.status, loop.headers['proxy-status']]).toEqual([508, 'edge-1; error=proxy_loop_detected']);
    expect(origin.count('/loop.m4s')).toBe(0);
    origin.on('/garbage.m4s', ({ socket }) => void socket.end('garbage'));
    expect((await edge.get('/garbage.m4s')).headers['proxy-status']).toBe('edge-1; error=http_protocol_error');
  });

  test('interim responses and trailers of the origin are swallowed, and nothing of them is stored', async () => {
    const interim = 'HTTP/1.1 103 Early Hints\r\nlink: </x.css>; rel=preload\r\nx-early: 1\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n';
    const final = 'HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ntrailer: x-late\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-late: 1\r\n\r\n';
    origin.on('/interim.m4s', ({ socket }) => void socket.write(interim + final));
    for (let round = 0; round < 2; round++) {
      const answer = await edge.get('/interim.m4s');
      expect([answer.status, answer.body]).toEqual([200, 'ok']);
      for (const name of ['x-early', 'link', 'x-late', 'trailer']) expect(answer.headers[name]).toBeUndefined();
    }
    expect(origin.count('/interim.m4s')).toBe(1);
  });

  test('an unreasonable target is refused', async () => {
    const answer = await edge.get(`/${'a'.repeat(9000)}`);
    expect([414, 431]).toContain(answer.status);
    expect(await edge.get('/x', {}, 'TRACE')).toMatchObject({ status: expect.any(Number) as never });
  });

  test('health and status', async () => {
    expect(await edge.get('/healthz')).toMatchObject({ status: 200, body: expect.stringContaining('"status":"ok"') as never });
    expect(await edge.get('/readyz')).toMatchObject({ status: 200 });
    expect(await edge.status()).toMatchObject({ edgeId: 'edge-1', purgesKnown: true });
    expect(origin.count('/healthz')).toBe(0);
    // DASH players set their clocks by it: the nearest clock is the best one.
    const time = await edge.get('/live/time');
    expect([time.status, Math.abs(Date.parse(time.body) - Date.now()) < 5000, origin.count('/live/time')]).toEqual([200, true, 0]);
  });
});

function dechunk(text: string): string {
  let out = '';
  for (let at = 0; ;) {
    const end = text.indexOf('\r\n', at);
    const length = Number.parseInt(text.slice(at, end), 16);
    if (!(length > 0)) return out;
    out += text.slice(end + 2, end + 2 + length);
    at = end + 2 + length + 2;
  }
}
