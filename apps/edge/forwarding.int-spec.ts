import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { EdgeProcess, ScriptedOrigin, sendRaw, temporaryFolder, until, type EdgeRuntime } from './edge.fixture.ts';

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

  test('compressed bytes are not touched', async () => {
    origin.says('/zip.css', '200 OK\r\ncontent-encoding: gzip\r\ncache-control: max-age=60\r\nvary: accept-encoding', 'not really gzip');
    expect(await edge.get('/zip.css', { 'accept-encoding': 'gzip' })).toMatchObject({ body: 'not really gzip', headers: { 'content-encoding': 'gzip' } });
  });

  test.each([
    ['two framings', 'POST /api/x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['two lengths', 'POST /api/x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd'],
    ['a length that is no number', 'POST /api/x HTTP/1.1\r\nHost: a\r\nContent-Length: 3x\r\n\r\nabc'],
    ['a folded field', 'GET /x HTTP/1.1\r\nHost: a\r\nX: 1\r\n folded\r\n\r\n'],
    ['a space before the colon', 'GET /x HTTP/1.1\r\nHost : a\r\n\r\n'],
    ['no Host', 'GET /x HTTP/1.1\r\n\r\n'],
    ['no HTTP', '\x16\x03\x01\x02\x00garbage\r\n\r\n'],
    ['a head without end', `GET /x HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(100_000)}\r\n\r\n`],
  ])('a request with %s is refused and does not reach the origin', async (_name, bytes) => {
    const before = origin.seen.length;
    const answer = await sendRaw(edge.port, bytes, /\r\n\r\n/);
    expect(answer === '' || /^HTTP\/1\.1 (400|431|413|505) /.test(answer)).toBe(true);
    expect(origin.seen.length).toBe(before);
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
