import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createSecureServer, type Http2SecureServer, type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { request as ask } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Cancelling } from './cancelling.ts';
import { Http2Client } from './http2-client.ts';
import { openHttp2 } from './http2-wire.adapter.ts';
import { until, type Ask, type EdgeRuntime } from '../edge.fixture.ts';
import { Http2Site, originCertificate, type OriginCertificate } from './http2-site.fixture.ts';
import { fieldBlock, flags, frameOf, frameTypes } from '../server/raw-h2.fixture.ts';
import { dataOf, headOf, RawH2Origin } from './raw-h2-origin.fixture.ts';

const bigBytes = 3_000_000;

/** An origin that speaks HTTP/2 alone. */
class Http2Origin {
  readonly server: Http2SecureServer;
  readonly sessions = new Set<ServerHttp2Session>();
  readonly codes: number[] = [];
  opened = 0;
  open = 0;
  calm: unknown;

  constructor(key: string, cert: string) {
    this.server = createSecureServer({ key, cert, maxSessionMemory: 1000 });
    this.server.on('session', (session) => {
      this.opened++;
      this.sessions.add(session);
      session.on('error', () => undefined).on('close', () => this.sessions.delete(session));
    });
    this.server.on('stream', (stream, headers) => this.#stream(stream, headers));
  }

  #stream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    this.open++;
    stream.on('error', () => undefined);
    stream.on('close', () => (this.open--, this.codes.push(stream.rstCode)));
    const path = String(headers[':path']);
    const [, kind = ''] = path.split('/');
    if (this.calm !== undefined && stream.session === this.calm) return stream.close(11);
    if (kind === 'calm') {
      this.calm = stream.session;
      return stream.close(11);
    }
    const length = kind === 'short' ? { 'content-length': '20' } : {};
    stream.respond({
      ':status': 200,
      'cache-control': 'no-store',
      'x-echo': headers['x-echo'],
      'x-constructor': String(headers['constructor'] ?? ''),
      'set-cookie': ['a=1', 'b=2'],
      ...length,
    });
    if (kind === 'big' || kind === 'slow') stream.end(Buffer.alloc(bigBytes, 'x'));
    else if (kind === 'cut') stream.write('half', () => setTimeout(() => stream.destroy(), 20));
    else if (kind === 'leave') stream.end('left', () => stream.session?.goaway(0));
    else this.#repeat(stream, path);
  }

  #repeat(stream: ServerHttp2Stream, path: string): void {
    let bytes = 0;
    stream.on('data', (chunk: Buffer) => (bytes += chunk.length));
    stream.on('end', () => stream.end(`${path} ${bytes}`));
  }
}

describe.each<EdgeRuntime>(['bun', 'node'])('an origin over HTTP/2, asked by %s', (runtime) => {
  let certificate: OriginCertificate;
  let origin: Http2Origin;
  let site: Http2Site;

  beforeAll(async () => {
    certificate = await originCertificate();
    origin = new Http2Origin(certificate.key, certificate.cert);
    origin.server.listen(0, '127.0.0.1');
    await once(origin.server, 'listening');
    site = await Http2Site.start(runtime, `https://localhost:${(origin.server.address() as AddressInfo).port}`, certificate.cert);
  }, 30_000);

  beforeEach(async () => {
    await get('/ready');
    await until(() => origin.open === 0);
    origin.codes.splice(0);
  });

  afterAll(async () => {
    await site.close();
    for (const session of origin.sessions) session.destroy();
    origin.server.close();
    await certificate.remove();
  });

  const get = (path: string, more?: Partial<Ask>) => site.get(path, more);

  /** Leaves when it has the beginning. */
  const leave = (path: string): Promise<void> =>
    new Promise((resolve) => {
      const asked = ask({ port: site.port, path, headers: { host: 'a.test' } }, (answer) => answer.once('data', () => asked.destroy()));
      asked.on('error', () => undefined).on('close', resolve);
      asked.end();
    });

  test('gets a field by any name', async () => {
    expect((await get('/named', { headers: { constructor: 'mine' } })).headers['x-constructor']).toBe('mine');
  });

  test('gets requests with a body, and fields as they are', async () => {
    const posted = await get('/post', { method: 'POST', body: 'x'.repeat(200_000) });
    expect([posted.status, posted.body, posted.headers['set-cookie']]).toEqual([200, '/post 200000', ['a=1', 'b=2']]);
    expect((await get('/get', { headers: { 'x-echo': 'a, th\u00e9' } })).headers['x-echo']).toBe('a, th\u00e9');
    expect((await get('/head', { method: 'HEAD' })).status).toBe(200);
  });

  test('what nobody wants any more is cancelled, and its session goes on', async () => {
    const before = origin.opened;
    for (let round = 0; round < 20; round++) await Promise.all([leave(`/big/${round}`), leave(`/big/${round}-2`)]);
    await until(() => origin.open === 0);
    expect(origin.codes.filter((code) => code !== 0 && code !== 8)).toEqual([]);
    expect(origin.codes).toContain(8);
    expect((await get('/well')).body).toBe('/well 0');
    expect(origin.opened).toBe(before);
  });

  test('a session that was calmed down is given up, and one that says goodbye is closed', async () => {
    const before = origin.opened;
    await get('/calm');
    origin.calm = undefined;
    const answers = await Promise.all(Array.from({ length: 10 }, (_, at) => get(`/leave/${at}`)));
    expect(answers.map(({ body }) => body)).toEqual(Array.from({ length: 10 }, () => 'left'));
    expect((await get('/well')).body).toBe('/well 0');
    expect(origin.opened).toBeGreaterThan(before + 1);
  });

  test('what is cut off without a word, or has not its length, is not taken for whole', async () => {
    for (const path of ['/cut', '/short']) expect(await get(path)).toMatchObject({ broken: true });
    expect((await get('/well')).body).toBe('/well 0');
  });

  test('who reads slowly holds up nobody, and gets all of it', async () => {
    const slow = new Promise<number>((resolve, reject) => {
      const asked = ask({ port: site.port, path: '/slow', headers: { host: 'a.test' } }, (answer) => {
        let bytes = 0;
        answer.once('data', () => {
          answer.pause();
          void Promise.all(Array.from({ length: 8 }, (_, at) => get(`/big/${at}`))).then((others) => {
            for (const { body } of others) if (body.length !== bigBytes) reject(new Error('held up'));
            answer.resume();
          }, reject);
        });
        answer.on('data', (chunk: Buffer) => (bytes += chunk.length));
        answer.on('end', () => resolve(bytes)).on('error', reject);
      });
      asked.on('error', reject).end();
    });
    expect(await slow).toBe(bigBytes);
  });
});

test('an origin that takes nothing for now is waited for on one connection', async () => {
  const { cert, key, remove } = await originCertificate();
  const server = createSecureServer({ key, cert, settings: { maxConcurrentStreams: 0 } });
  const sessions: ServerHttp2Session[] = [];
  server.on('session', (session) => void sessions.push(session));
  server.on('stream', (stream) => {
    stream.respond({ ':status': 200 });
    stream.end('here');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const target = { hostname: 'localhost', port: (server.address() as AddressInfo).port, tls: { serverName: 'localhost', ca: cert } };
  const client = new Http2Client({ target, host: 'a.test', connectTimeoutMs: 3000, sessionsMax: 64 }, { open: openHttp2, now: () => Date.now() });
  const asked = Array.from({ length: 20 }, (_, at) => client.request({ method: 'GET', target: `/${at}`, fields: [], cancelling: new Cancelling() }));
  await until(() => sessions.length > 0);
  await new Promise((resolve) => setTimeout(resolve, 300));
  // All of them can be on their way before the first has said what it takes.
  const before = sessions.length;
  expect(before).toBeLessThanOrEqual(20);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(sessions.length).toBe(before);
  for (const session of sessions) session.settings({ maxConcurrentStreams: 10 });
  expect((await Promise.all(asked)).map(({ status }) => status)).toEqual(asked.map(() => 200));
  await client.close();
  for (const session of sessions) session.destroy();
  server.close();
  await remove();
});

/** Frames that no origin may send: a push, and a stream of its own with what ends its session. */
const pushes: Readonly<Record<string, (stream: number) => Buffer[]>> = {
  push: (stream) => [pushOf(stream, 2), headOf(stream), dataOf(stream, 'right', true)],
  'a stream and a push': (stream) => [headOf(2), pushOf(stream, 4)],
  'a stream that it resets': (stream) => [headOf(2), frameOf(frameTypes.rstStream, 0, 2, u32(1)), headOf(stream), dataOf(stream, 'right', true)],
  'a stream, and it leaves': (stream) => [headOf(2), frameOf(frameTypes.goAway, 0, 0, Buffer.concat([u32(stream), u32(1)]))],
  'a stream, and noise': () => [headOf(2), Buffer.from('no frame, no frame, no frame')],
};

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function pushOf(stream: number, promised: number): Buffer {
  const fields = fieldBlock([
    [':method', 'GET'],
    [':scheme', 'https'],
    [':authority', 'a.test'],
    [':path', '/pushed'],
  ]);
  return frameOf(5, flags.endHeaders, stream, Buffer.concat([u32(promised), fields]));
}

describe.each<EdgeRuntime>(['bun', 'node'])('an origin over HTTP/2 that errs, asked by %s', (runtime) => {
  let certificate: OriginCertificate;
  let origin: RawH2Origin;
  let right: RawH2Origin['answer'];
  let site: Http2Site;

  beforeAll(async () => {
    certificate = await originCertificate();
    origin = new RawH2Origin(certificate.key, certificate.cert);
    right = origin.answer;
    site = await Http2Site.start(runtime, await origin.listen(), certificate.cert);
  }, 30_000);

  beforeEach(async () => {
    origin.answer = right;
    expect((await get('/ready')).body).toBe('right');
  });

  afterAll(async () => {
    await site.close();
    origin.close();
    await certificate.remove();
  });

  const get = (path: string) => site.get(path);

  test.each(Object.keys(pushes))('the edge outlives %s', async (kind) => {
    origin.answer = ({ send, stream }) => send(...(pushes[kind]?.(stream) ?? []));
    const { body, status } = await get(`/${kind.replaceAll(' ', '-')}`);
    // Bun takes a stream that is over for none.
    expect(['right', 502]).toContain(status === 200 ? body : status);
    origin.answer = right;
    expect((await get('/well')).body).toBe('right');
    expect(site.edge.exitCode).toBeNull();
  });
});
