import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { encodeEvent, warmRequested } from '#events';
import { once } from 'node:events';
import { get as httpGet, type IncomingMessage } from 'node:http';
import { brotliDecompressSync, constants, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { ScriptedOrigin, temporaryFolder, until, type Answer, type EdgeProcess, type EdgeRuntime } from '../edge.fixture.ts';
import { ZoneLog } from './zones.fixture.ts';

const text = 'lorem ipsum dolor sit amet '.repeat(200);

/** As much as there is to be had of it, whole or not. */
function unpacked(coding: string, bytes: Buffer): string {
  if (coding === 'br') return brotliDecompressSync(bytes, { finishFlush: constants.BROTLI_OPERATION_FLUSH }).toString();
  if (coding === 'zstd') return zstdDecompressSync(bytes, { finishFlush: constants.ZSTD_e_flush }).toString();
  return coding === 'gzip' ? gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH }).toString() : bytes.toString();
}

const status = (answer: Answer): string => String(answer.headers['cache-status']);

describe.each<EdgeRuntime>(['bun', 'node'])('a zone with compression, served by %s', (runtime) => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let a: ScriptedOrigin;
  let zones: ZoneLog;
  let edge: EdgeProcess;
  const host = 'www.coded.example';
  const get = (path: string, headers: Record<string, string> = {}): Promise<Answer> => edge.get(path, { host, ...headers });

  beforeAll(async () => {
    folder = await temporaryFolder();
    a = await ScriptedOrigin.start();
    zones = await ZoneLog.open(folder.path);
    edge = await zones.edge(runtime, a.url);
    await zones.configure('zn-coded', { hosts: [host], origins: [{ url: a.url }], compression: {} }, [edge]);
  }, 30_000);

  afterAll(async () => {
    await zones.close();
    await a.close();
    await folder.remove();
  });

  test('who gets the same coding gets the same object: one fetch for each, also while the first is under way', async () => {
    a.says('/spelt', '200 OK\r\ncontent-type: text/html\r\ncache-control: max-age=60', text);
    const spellings = [
      'gzip, deflate, br, zstd',
      'gzip, deflate, br',
      'br',
      'br;q=0.5, gzip',
      '*',
      'zstd, gzip',
      'zstd',
      'gzip',
      'x-gzip, deflate',
      'br;q=0, gzip',
    ];
    const codings: unknown[] = [];
    for (const spelling of [...spellings, 'deflate', 'identity', ''])
      codings.push((await get('/spelt', { 'accept-encoding': spelling })).headers['content-encoding']);
    codings.push((await get('/spelt')).headers['content-encoding']);
    expect(codings).toEqual(['br', 'br', 'br', 'br', 'br', 'zstd', 'zstd', 'gzip', 'gzip', 'gzip', undefined, undefined, undefined, undefined]);
    expect(a.count('/spelt')).toBe(4);

    // The origin itself varies by something else, too.
    a.says('/both', '200 OK\r\ncontent-type: text/html\r\ncache-control: max-age=60\r\nvary: accept-language', text);
    for (const language of ['de', 'en', 'de'])
      for (const coding of ['br', 'gzip, br']) await get('/both', { 'accept-encoding': coding, 'accept-language': language });
    expect(a.count('/both')).toBe(2);

    const gate = Promise.withResolvers<void>();
    a.on('/slow', async ({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncache-control: max-age=60\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n');
      await gate.promise;
      socket.write('4\r\nlast\r\n0\r\n\r\n');
    });
    const asked: Promise<Answer>[] = [];
    for (let at = 1; at <= 6; at++) {
      asked.push(get('/slow', { 'accept-encoding': at % 2 === 0 ? 'gzip' : 'gzip, deflate' }));
      // The head has been here for long when the next one comes.
      await until(() => a.count('/slow') > 0);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    gate.resolve();
    for (const { body } of await Promise.all(asked)) expect(gunzipSync(Buffer.from(body, 'latin1')).toString()).toBe('firstlast');
    expect(a.count('/slow')).toBe(1);
  });

  test('a warming brings each variant that is served, and what does not vary once', async () => {
    a.says('/warm', '200 OK\r\ncontent-type: text/html\r\ncache-control: max-age=60', text);
    a.says('/warm.jpg', '200 OK\r\ncontent-type: image/jpeg\r\ncache-control: max-age=60', text);
    const data = { warmId: `wm-${host}`, sitemaps: [], regions: [], edges: [], perSecond: 1000, dryRun: false, part: 0, parts: 1, total: 2, reason: '' };
    const about = {
      id: `e-${host}`,
      type: warmRequested.type,
      version: 1,
      source: '/test',
      subject: data.warmId,
      key: data.warmId,
      tenant: 'acme',
      actor: 'a',
    };
    const trace = { correlationId: 'c', causationId: 'c', traceparent: '', streamVersion: 1n, producerEpoch: 0n, time: Date.now() };
    await zones.log.append('cache', [encodeEvent({ ...about, ...trace, data: { ...data, urls: [`http://${host}/warm`, `http://${host}/warm.jpg`] } })]);
    await until(() => a.count('/warm') === 4 && a.count('/warm.jpg') === 1);
    for (const accepted of ['gzip, deflate, br, zstd', 'gzip, deflate, br', 'zstd', 'gzip, deflate', 'identity'])
      for (const path of ['/warm', '/warm.jpg']) await until(async () => /hit/.test(status(await get(path, { 'accept-encoding': accepted }))));
    expect([a.count('/warm'), a.count('/warm.jpg')]).toEqual([4, 1]);
  });

  test('what a slow origin has sent goes out before it sends more, short and compressed too', async () => {
    const plain = '200 OK\r\ncontent-type: application/octet-stream\r\ncache-control: max-age=60\r\ncontent-length: 10';
    const chunked = '200 OK\r\ncontent-type: text/plain\r\ncache-control: max-age=60\r\ntransfer-encoding: chunked';
    for (const [coding, head, first, last] of [
      ['identity', plain, 'first', 'final'],
      ...['br', 'zstd', 'gzip'].map((each) => [each, chunked, '5\r\nfirst\r\n', '5\r\nfinal\r\n0\r\n\r\n'] as const),
    ] as const) {
      const path = `/slow-${coding}`;
      const seen = Promise.withResolvers<void>();
      a.on(path, async ({ socket }) => {
        socket.write(`HTTP/1.1 ${head}\r\n\r\n${first}`);
        // The rest comes when the client has the beginning.
        await seen.promise;
        socket.write(last);
      });
      const leader = httpGet({ host: '127.0.0.1', port: edge.port, path, headers: { host, 'accept-encoding': coding }, agent: false });
      const [response] = (await once(leader, 'response')) as [IncomingMessage];
      const chunks: Buffer[] = [];
      response.on('data', (bytes: Buffer) => {
        chunks.push(bytes);
        if (unpacked(coding, Buffer.concat(chunks)).includes('first')) seen.resolve();
      });
      await once(response, 'end');
      expect([coding, unpacked(coding, Buffer.concat(chunks)), a.count(path)]).toEqual([coding, 'firstfinal', 1]);
    }
  });
});
