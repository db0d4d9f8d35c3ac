import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { until, type EdgeRuntime } from '../edge.fixture.ts';
import { frameOf, frameTypes } from '../server/raw-h2.fixture.ts';
import { Http2Site, originCertificate, type OriginCertificate } from './http2-site.fixture.ts';
import { dataOf, headOf, RawH2Origin, streamsAtOnce } from './raw-h2-origin.fixture.ts';

describe.each<EdgeRuntime>(['bun', 'node'])('connections to an origin over HTTP/2, made by %s', (runtime) => {
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

  /** No session of the test before is left. */
  afterEach(async () => {
    Object.assign(origin, { answer: right, settings: frameOf(frameTypes.settings, 0, 0), connectionsMax: Number.POSITIVE_INFINITY });
    for (const socket of origin.sockets) socket.destroy();
    await until(async () => (await site.get('/ready')).body === 'right');
    for (const socket of origin.sockets) socket.destroy();
    await until(() => origin.sockets.size === 0);
  });

  afterAll(async () => {
    await site.close();
    origin.close();
    await certificate.remove();
  });

  test('who finds all streams of the only one that the origin takes in use waits for its turn', async () => {
    Object.assign(origin, { settings: streamsAtOnce(10), connectionsMax: 1 });
    origin.answer = ({ send, stream }) => void setTimeout(() => send(headOf(stream), dataOf(stream, 'right', true)), 30);
    expect((await site.get('/first')).body).toBe('right');
    const answers = await Promise.all(Array.from({ length: 60 }, (_, at) => site.get(`/waits/${at}`)));
    expect(new Set(answers.map(({ body }) => body))).toEqual(new Set(['right']));
    expect(origin.sockets.size).toBe(1);
  });

  test('an origin that takes nothing for now is not asked without end, and is asked again when it takes something', async () => {
    origin.settings = streamsAtOnce(0);
    const before = origin.opened;
    const refused = await site.get('/refused');
    expect([refused.status, refused.headers['proxy-status']]).toEqual([503, expect.stringContaining('connection_limit_reached')]);
    expect(origin.opened - before).toBeLessThan(10);
    const waiting = site.get('/waiting');
    origin.settings = frameOf(frameTypes.settings, 0, 0);
    expect(await waiting).toMatchObject({ status: 200, body: 'right' });
    expect(origin.opened - before).toBeLessThan(10);
  }, 30_000);

  test('what it has said it did not look at goes out again, with its body, and what it may have looked at does not', async () => {
    const leaving = (last: number): Buffer => frameOf(frameTypes.goAway, 0, 0, Buffer.from([0, 0, 0, last, 0, 0, 0, 0]));
    const refusing = (stream: number): Buffer => frameOf(frameTypes.rstStream, 0, stream, Buffer.from([0, 0, 0, 7]));
    const post = { method: 'POST', body: 'x'.repeat(20_000) };
    for (const unseen of [(): Buffer => leaving(0), refusing]) {
      let asked = 0;
      origin.answer = ({ send, stream }) => send(...(asked++ === 0 ? [unseen(stream)] : [headOf(stream), dataOf(stream, 'right', true)]));
      expect([(await site.get('/posted', post)).body, asked]).toEqual(['right', 2]);
    }
    // It looks at none, however often it is asked.
    let refused = 0;
    origin.answer = ({ send, stream }) => (refused++, send(refusing(stream)));
    expect([(await site.get('/posted', post)).status, refused]).toEqual([502, 4]);
    let seen = 0;
    origin.answer = ({ send, stream }) => {
      seen++;
      send(leaving(stream));
      for (const socket of origin.sockets) setTimeout(() => socket.destroy(), 20);
    };
    expect([(await site.get('/posted', post)).status, seen]).toEqual([502, 1]);
  });

  test('one that takes more later says so', async () => {
    origin.settings = streamsAtOnce(0);
    origin.answer = right;
    const waiting = site.get('/later');
    await until(() => origin.sockets.size > 0);
    for (const socket of origin.sockets) socket.write(streamsAtOnce(10));
    expect(await waiting).toMatchObject({ status: 200, body: 'right' });
  });
});

test.each<EdgeRuntime>(['bun', 'node'])(
  'an origin that spoke HTTP/1.1 and then HTTP/2 alone is asked over HTTP/2 by %s',
  async (runtime) => {
    const certificate = await originCertificate();
    const before = createServer(certificate, (_request, response) => void response.setHeader('cache-control', 'no-store').end('by 1.1'));
    before.listen(0, '127.0.0.1');
    await once(before, 'listening');
    const { port } = before.address() as AddressInfo;
    const site = await Http2Site.start(runtime, `https://localhost:${port}`, certificate.cert);
    expect((await site.get('/before')).body).toBe('by 1.1');
    expect((await site.get('/posted', { method: 'POST', body: 'x' })).body).toBe('by 1.1');
    before.close();
    before.closeAllConnections();
    const origin = new RawH2Origin(certificate.key, certificate.cert);
    await origin.listen(port);
    const answers = await Promise.all([site.get('/after'), site.get('/posted', { method: 'POST', body: 'x' })]);
    expect(answers.map(({ body }) => body)).toEqual(['right', 'right']);
    await site.close();
    origin.close();
    await certificate.remove();
  },
  30_000,
);
