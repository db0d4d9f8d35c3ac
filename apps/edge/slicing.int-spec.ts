import { SqliteEventLog } from '#adapters/sqlite-log';
import { SystemClock, UuidV7IdSource } from '#adapters/system';
import { encodeEvent, purgeRequested, topicPartitions, type PurgeSelector } from '#events';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { EdgeProcess, temporaryFolder, until, type EdgeRuntime } from './edge.fixture.ts';

const mib = 1024 * 1024;
/** With 8 MiB of memory for the edge, no object may take more than one: larger ones are cut into slices of 1 MiB. */
const memory = { EDGE_MEMORY_MB: '8' };
const length = 3 * mib + 12_345;

/** Each version has its own bytes at every place. */
function bodyOf(version: string, bytes = length): Buffer {
  const body = Buffer.alloc(bytes);
  for (let at = 0; at + 16 <= bytes; at += 16) body.write(`${version}${String(at).padStart(15, '0')}`, at, 'latin1');
  return body;
}

/** A file server, as any: ranges, If-Range, validators. */
class FileOrigin {
  version = 'a';
  ranges = true;
  validators: 'etag' | 'weak' | 'date' = 'etag';
  tags = 'film';
  /** What was asked for: `200`, or the range. */
  readonly asked: string[] = [];
  hold: Promise<void> | undefined;
  /** Of a range that it answers with: what it waits for after ten thousand bytes. */
  middle: Promise<void> | undefined;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  static async start(): Promise<FileOrigin> {
    const origin = new FileOrigin();
    origin.#server.listen(0, '127.0.0.1');
    await once(origin.#server, 'listening');
    return origin;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer({ headers, method }: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = bodyOf(this.version);
    const etag = this.validators === 'weak' ? `W/"${this.version}"` : `"${this.version}"`;
    const modified = new Date(Date.UTC(2020, 0, this.version.charCodeAt(0))).toUTCString();
    const validator = this.validators === 'date' ? modified : etag;
    response.setHeader('cache-control', 'max-age=600');
    response.setHeader('content-type', 'video/mp4');
    response.setHeader('cache-tag', this.tags);
    response.setHeader(this.validators === 'date' ? 'last-modified' : 'etag', validator);
    if (this.ranges) response.setHeader('accept-ranges', 'bytes');
    const ifRange = headers['if-range'];
    const range = this.ranges && (ifRange === undefined || ifRange === validator) ? /^bytes=(\d*)-(\d*)$/.exec(headers.range ?? '') : null;
    this.asked.push(range === null ? `${method} 200` : String(headers.range));
    await this.hold;
    if (range === null) {
      response.setHeader('content-length', body.length);
      response.end(method === 'HEAD' ? undefined : body);
      return;
    }
    const first = range[1] === '' ? body.length - Number(range[2]) : Number(range[1]);
    const last = range[1] === '' || range[2] === '' ? body.length - 1 : Math.min(Number(range[2]), body.length - 1);
    response.writeHead(206, { 'content-range': `bytes ${first}-${last}/${body.length}`, 'content-length': last - first + 1 });
    const sent = body.subarray(first, last + 1);
    if (this.middle !== undefined) response.write(sent.subarray(0, 10_000));
    await this.middle;
    response.end(this.middle === undefined ? sent : sent.subarray(10_000));
  }
}

describe.each<EdgeRuntime>(['bun', 'node'])('large objects in slices, served by %s', (runtime) => {
  const ids = new UuidV7IdSource();
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let origin: FileOrigin;
  let log: SqliteEventLog;
  let edge: EdgeProcess;

  beforeEach(async () => {
    folder = await temporaryFolder();
    origin = await FileOrigin.start();
    log = new SqliteEventLog({ path: join(folder.path, 'log', 'events.sqlite') }, { clock: new SystemClock() });
    for (const topic of ['cache', 'edge', 'zone']) await log.ensureTopic(topic, topicPartitions);
  }, 30_000);

  afterEach(async () => {
    await edge.kill();
    await origin.close();
    await log.close();
    await folder.remove();
  });

  const start = async (env: Readonly<Record<string, string>> = {}): Promise<void> => {
    edge = await EdgeProcess.start({ runtime, dataDir: folder.path, originUrl: origin.url, env: { ...memory, ...env } });
  };
  const get = async (range?: string, more: Readonly<Record<string, string>> = {}, method = 'GET') => {
    const answer = await edge.get('/film.mp4', range === undefined ? more : { range: `bytes=${range}`, ...more }, method);
    return { ...answer, bytes: Buffer.from(answer.body, 'latin1'), cache: String(answer.headers['cache-status']) };
  };
  const expected = (first: number, last: number, version = 'a'): Buffer => bodyOf(version).subarray(first, last + 1);
  const purge = async (selectors: readonly PurgeSelector[], urls: readonly string[] = []): Promise<void> => {
    const purgeId = ids.next();
    const { type, version } = purgeRequested;
    const meta = {
      source: '/test',
      subject: purgeId,
      time: Date.now(),
      key: purgeId,
      tenant: 'default',
      correlationId: 'c',
      causationId: 'c',
      traceparent: '',
    };
    const data = { purgeId, urls: [...urls], selectors: [...selectors], reason: 'test' };
    await log.append('cache', [encodeEvent({ ...meta, id: ids.next(), type, version, actor: 'key:test', streamVersion: 1n, producerEpoch: 0n, data })]);
    const [head] = [...(await log.heads('cache'))].filter(({ high }) => high > 0n);
    await until(async () => ((await edge.status()).positions[head?.partition ?? 0] ?? '0') !== '0');
  };

  test('a whole is read in slices, each asked for once; ranges of it, HEAD and conditions need the origin no more', async () => {
    await start();
    const whole = await get();
    expect(whole.broken).toBe(false);
    expect(whole.bytes.equals(bodyOf('a'))).toBe(true);
    expect(origin.asked).toEqual(['GET 200', `bytes=${mib}-${2 * mib - 1}`, `bytes=${2 * mib}-${3 * mib - 1}`, `bytes=${3 * mib}-${length - 1}`]);
    const asked = origin.asked.length;
    for (const [range, first, last] of [
      ['0-99', 0, 99],
      [`${mib - 10}-${mib + 9}`, mib - 10, mib + 9],
      [`${2 * mib}-`, 2 * mib, length - 1],
      ['-100', length - 100, length - 1],
    ] as const) {
      const part = await get(range);
      expect([part.status, part.headers['content-range'], part.cache]).toEqual([206, `bytes ${first}-${last}/${length}`, expect.stringContaining('hit')]);
      expect(part.bytes.equals(expected(first, last))).toBe(true);
    }
    const beyond = await get(`${length}-`);
    expect([beyond.status, beyond.headers['content-range']]).toEqual([416, `bytes */${length}`]);
    expect((await get('0-9', { 'if-range': '"a"' })).status).toBe(206);
    const outdated = await get('0-9', { 'if-range': '"z"' });
    expect([outdated.status, outdated.bytes.length]).toEqual([200, length]);
    expect((await get(undefined, { 'if-none-match': '"a"' })).status).toBe(304);
    const head = await get(undefined, {}, 'HEAD');
    expect([head.status, head.headers['content-length'], head.cache]).toEqual([200, String(length), expect.stringContaining('hit')]);
    expect(origin.asked.length).toBe(asked);
    const { memoryBytes, objects } = await edge.status();
    expect(objects).toBe(5);
    expect(memoryBytes).toBeLessThan(8 * mib);
  }, 30_000);

  test('several ranges that lie apart come as parts of one body', async () => {
    await start();
    const { bytes, headers, status } = await get(`0-9, ${2 * mib - 5}-${2 * mib + 4}, -10`);
    const boundary = /^multipart\/byteranges; boundary=(.+)$/.exec(String(headers['content-type']))?.[1];
    const part = (first: number, last: number): string =>
      `--${boundary}\r\ncontent-type: video/mp4\r\ncontent-range: bytes ${first}-${last}/${length}\r\n\r\n${expected(first, last).toString('latin1')}\r\n`;
    expect(status).toBe(206);
    expect(bytes.toString('latin1')).toBe(`${part(0, 9)}${part(2 * mib - 5, 2 * mib + 4)}${part(length - 10, length - 1)}--${boundary}--\r\n`);
  });

  test('of a range that nobody asked for before, only its slice is fetched; all who want a slice share the fetch', async () => {
    await start();
    const seek = await get(`${2 * mib + 100}-${2 * mib + 199}`);
    expect([seek.status, seek.cache]).toEqual([206, expect.stringContaining('fwd=uri-miss')]);
    expect(seek.bytes.equals(expected(2 * mib + 100, 2 * mib + 199))).toBe(true);
    const slice = `bytes=${2 * mib}-${3 * mib - 1}`;
    expect(origin.asked).toEqual([`bytes=${2 * mib + 100}-${2 * mib + 199}`, slice]);
    const released = Promise.withResolvers<void>();
    origin.hold = released.promise;
    const wanted = Array.from({ length: 50 }, (_, at) => get(`${mib + at * 1000}-${mib + at * 1000 + 499}`));
    await until(() => origin.asked.length === 3);
    released.resolve();
    for (const [at, answer] of (await Promise.all(wanted)).entries()) expect(answer.bytes.equals(expected(mib + at * 1000, mib + at * 1000 + 499))).toBe(true);
    expect(origin.asked).toHaveLength(3);
  });

  test('a few bytes of a slice that comes slowly go out as they come', async () => {
    await start();
    await get('0-9');
    const released = Promise.withResolvers<void>();
    origin.middle = released.promise;
    const headers = { range: `bytes=${mib}-${mib + 29_999}` };
    const request = httpRequest({ host: '127.0.0.1', port: edge.port, path: '/film.mp4', headers, agent: false }).end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    expect([response.statusCode, response.headers['content-range']]).toEqual([206, `bytes ${mib}-${mib + 29_999}/${length}`]);
    let got = Buffer.alloc(0);
    response.on('data', (bytes: Buffer) => (got = Buffer.concat([got, bytes])));
    await until(() => got.length === 10_000);
    released.resolve();
    await once(response, 'end');
    expect(got.equals(expected(mib, mib + 29_999))).toBe(true);
    // Another who wants as few of it finds them there.
    expect((await get(`${mib + 5}-${mib + 9}`)).bytes.equals(expected(mib + 5, mib + 9))).toBe(true);
  });

  test('a version that changes never mixes with the one before: an answer breaks off or begins anew', async () => {
    await start();
    await get('0-9');
    origin.version = 'b';
    // What was begun from a stored slice cannot go on in another version.
    const broken = await get('0-');
    expect([broken.broken, broken.bytes.equals(bodyOf('a').subarray(0, broken.bytes.length))]).toEqual([true, true]);
    const anew = await get();
    expect([anew.status, anew.headers.etag, anew.bytes.equals(bodyOf('b'))]).toEqual([200, '"b"', true]);
    origin.version = 'c';
    await purge([{ kind: 'tag', value: 'film' }]);
    expect((await get('5-9')).bytes.equals(expected(5, 9, 'c'))).toBe(true);
    // Nothing of the answer was sent yet: the client sees the new version and no fault.
    origin.version = 'd';
    const later = await get(`${3 * mib}-${3 * mib + 9}`);
    expect([later.status, later.headers.etag, later.bytes.equals(expected(3 * mib, 3 * mib + 9, 'd'))]).toEqual([206, '"d"', true]);
  }, 30_000);

  test.each<[string, PurgeSelector[], string[]]>([
    ['its URL', [], ['/film.mp4']],
    ['a tag', [{ kind: 'tag', value: 'film' }], []],
    ['a pattern', [{ kind: 'regex', value: '^/film\\.mp4$' }], []],
  ])(
    'a purge of %s hits every slice',
    async (_what, selectors, urls) => {
      await start();
      await get();
      const before = origin.asked.length;
      await purge(selectors, urls);
      await until(async () => (await edge.status())['objects'] === 0);
      expect((await get()).bytes.equals(bodyOf('a'))).toBe(true);
      expect(origin.asked.length).toBe(2 * before);
    },
    30_000,
  );

  test('an origin without ranges, and one whose versions nobody can tell apart, is passed through as it is', async () => {
    await start();
    origin.ranges = false;
    expect((await get()).bytes.equals(bodyOf('a'))).toBe(true);
    origin.ranges = true;
    origin.validators = 'weak';
    expect((await get(`${mib}-${mib + 9}`)).bytes.equals(expected(mib, mib + 9))).toBe(true);
    expect((await edge.status())['objects']).toBe(0);
    await purge([{ kind: 'all', value: '*' }]);
    // A date that is old enough is a strong validator, too.
    origin.validators = 'date';
    expect((await get()).bytes.equals(bodyOf('a'))).toBe(true);
  }, 30_000);

  test('slices come back from the disk after a restart', async () => {
    const disk = { EDGE_DISK_MB: '64' };
    await start(disk);
    for (let round = 0; round < 3; round++) await get();
    await until(async () => ((await edge.status())['disk'] as unknown as { objects: number }).objects === 5);
    await edge.kill('SIGTERM');
    const asked = origin.asked.length;
    await start(disk);
    expect((await get()).bytes.equals(bodyOf('a'))).toBe(true);
    expect((await get(`${mib - 5}-${mib + 4}`)).bytes.equals(expected(mib - 5, mib + 4))).toBe(true);
    expect(origin.asked.length).toBe(asked);
  }, 30_000);
});
