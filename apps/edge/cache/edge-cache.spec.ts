import { describe, expect, test } from '@jest/globals';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { EdgeCounters } from '../edge-counters.ts';
import type { OriginClient, OriginRequest, OriginResponse } from '../origin/origin-client.ts';
import { notTunnelled, isSource, type ByteSource, type EdgeReply, type EdgeRequest, type StoredBytes } from '../server/exchange.ts';
import { createEdgeCache } from './edge-cache.ts';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** A body whose pieces come when the test says so. */
class Piped implements ByteSource {
  cancelled = false;
  taken = 0;
  readonly #pieces: Array<Uint8Array | undefined | Error> = [];
  #wake = Promise.withResolvers<void>();

  push(...pieces: Array<Uint8Array | undefined | Error>): this {
    this.#pieces.push(...pieces);
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
    return this;
  }

  async read(): Promise<Uint8Array | undefined> {
    while (this.#pieces.length === 0) await this.#wake.promise;
    this.taken++;
    const piece = this.#pieces.shift();
    if (piece instanceof Error) throw piece;
    return piece;
  }

  cancel(): void {
    this.cancelled = true;
  }
}

function request(target: string, fields: Readonly<Record<string, string>> = {}, method = 'GET'): EdgeRequest {
  return {
    method,
    target,
    field: (name) => ({ host: 'edge.example', ...fields })[name],
    fields: () => Object.entries({ host: 'edge.example', ...fields }),
    contentLength: undefined,
    version: '1.1',
    hasBody: false,
    clientAddress: '127.0.0.1',
    scheme: 'http',
    gone: new AbortController().signal,
    body: () => undefined,
    allowSilence: () => undefined,
    tunnel: async () => notTunnelled,
  };
}

interface Kept extends StoredBytes {
  readonly bytes: Uint8Array;
}

const keep = (bytes: Uint8Array): Kept => ({ bytes, size: bytes.length, slice: (start, end) => keep(bytes.subarray(start, end)) });

function edge(answer: (asked: OriginRequest) => OriginResponse | Promise<OriginResponse>, memoryBytesMax = 1_000_000) {
  const asked: OriginRequest[] = [];
  const client: OriginClient = {
    request: async (one) => {
      asked.push(one);
      return answer(one);
    },
    close: async () => undefined,
  };
  const clock = { nowMs: 1_000_000, purgesKnown: true };
  const counters = new EdgeCounters();
  const errors: unknown[] = [];
  const cache = createEdgeCache(
    { edgeId: 'e', memoryBytesMax, limits: { claimTimeoutMs: 20 } },
    {
      client,
      keep,
      bytesOf: async (stored) => (stored as Kept).bytes,
      counters,
      now: () => clock.nowMs,
      trust: () => ({ purgesKnown: clock.purgesKnown, doubtFreshMs: 2000 }),
      local: () => undefined,
      onError: (error) => errors.push(error),
    },
  );
  const get = async (target: string, fields = {}, method = 'GET'): Promise<EdgeReply> => cache.handler(request(target, fields, method));
  return { asked, cache, clock, counters, errors, get };
}

const status = (reply: EdgeReply): string => String(Object.fromEntries(reply.head.fields)['cache-status']);
const stored = (body: string, control = 'max-age=60'): OriginResponse => ({
  status: 200,
  fields: [
    ['cache-control', control],
    ['etag', '"e"'],
    ['content-length', String(body.length)],
  ],
  body: new Piped().push(text(body), undefined),
});

async function all(source: EdgeReply['body']): Promise<number> {
  if (!isSource(source)) throw new Error('no stream');
  let count = 0;
  for (let bytes = await source.read(); bytes !== undefined; bytes = await source.read()) count += bytes.length;
  return count;
}

describe('the edge cache', () => {
  test('while purges are unknown, what the origin has not confirmed of late is revalidated, each time', async () => {
    const { asked, clock, get } = edge((one) =>
      one.fields.some(([name]) => name === 'if-none-match') ? { status: 304, fields: [], body: null } : stored('body', 'max-age=3600'),
    );
    await get('/a.m4s');
    clock.purgesKnown = false;
    clock.nowMs += 1999;
    expect(status(await get('/a.m4s'))).toContain('hit');
    clock.nowMs += 1;
    expect(status(await get('/a.m4s'))).toContain('fwd=stale; fwd-status=304');
    clock.nowMs += 2000;
    expect(status(await get('/a.m4s'))).toContain('fwd=stale');
    expect(asked.length).toBe(3);
    clock.purgesKnown = true;
    clock.nowMs += 60_000;
    expect(status(await get('/a.m4s'))).toContain('hit');
  });

  test('while purges are unknown, nothing stale covers a failure', async () => {
    let fails = false;
    const { clock, get } = edge(() => {
      if (fails) throw new Error('down');
      return stored('body', 'max-age=1, stale-if-error=600');
    });
    await get('/a.m4s');
    fails = true;
    clock.nowMs += 5000;
    expect((await get('/a.m4s')).head.status).toBe(200);
    clock.purgesKnown = false;
    clock.nowMs += 5000;
    expect((await get('/a.m4s')).head.status).toBe(502);
  });

  test('a failure is remembered for a second, and a purge in between changes nothing about it', async () => {
    const { asked, cache, clock, get } = edge(() => Promise.reject(new Error('down')));
    expect((await get('/a.m4s')).head.status).toBe(502);
    expect((await get('/a.m4s')).head.status).toBe(502);
    cache.purger.apply({ urls: ['/a.m4s'] });
    clock.nowMs += 999;
    await get('/a.m4s');
    expect(asked.length).toBe(1);
    clock.nowMs += 1;
    await get('/a.m4s');
    expect(asked.length).toBe(2);
  });

  test('a thousand misses at once are one fetch', async () => {
    const gate = Promise.withResolvers<void>();
    const { asked, counters, get } = edge(async () => {
      await gate.promise;
      return stored('body');
    });
    const replies = Array.from({ length: 1000 }, () => get('/a.m4s'));
    gate.resolve();
    const got = await Promise.all(replies);
    expect(new Set(got.map((reply) => reply.head.status))).toEqual(new Set([200]));
    expect([asked.length, counters.originFetches, counters.misses, counters.collapsed]).toEqual([1, 1, 1000, 999]);
  });

  test('a body too large to keep goes on as a stream at the pace of its reader, and ends at the origin with its last', async () => {
    const body = new Piped();
    const { asked, cache, get } = edge(() => ({ status: 200, fields: [['cache-control', 'max-age=60']], body }), 400_000);
    const reply = await get('/big.m4s');
    for (let at = 0; at < 100; at++) body.push(new Uint8Array(100_000));
    await new Promise((resolve) => setTimeout(resolve, 5));
    // A megabyte ahead of its reader and no more.
    expect(body.taken).toBeLessThan(14);
    if (!isSource(reply.body)) throw new Error('no stream');
    for (let at = 0; at < 20; at++) await reply.body.read();
    expect(cache.store.size).toBe(0);
    expect(cache.store.bytes).toBeLessThanOrEqual(360_000);
    reply.body.cancel();
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect([body.cancelled, cache.store.bytes, cache.fills.running, asked.length]).toEqual([true, 0, 0, 1]);
  });

  test('a whole stream that was too large arrives whole', async () => {
    const body = new Piped();
    const { get } = edge(() => ({ status: 200, fields: [['cache-control', 'max-age=60']], body }), 400_000);
    const reply = await get('/big.m4s');
    for (let at = 0; at < 30; at++) body.push(new Uint8Array(100_000));
    body.push(undefined);
    expect(await all(reply.body)).toBe(3_000_000);
  });

  test('what nobody may share and nobody claims is given up', async () => {
    const body = new Piped();
    const { get } = edge((one) =>
      one.fields.some(([name]) => name === 'x-forwarded-for')
        ? { status: 206, fields: [], body: null }
        : { status: 200, fields: [['cache-control', 'no-store']], body },
    );
    const reply = await get('/own.m4s', { range: 'bytes=0-1' });
    expect(reply.head.status).toBe(206);
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(body.cancelled).toBe(true);
  });

  test('a length that is not kept is no whole: small, it is a clean error', async () => {
    const { get, cache } = edge(() => ({
      status: 200,
      fields: [
        ['cache-control', 'max-age=60'],
        ['content-length', '9'],
      ],
      body: new Piped().push(text('short'), undefined),
    }));
    expect((await get('/a.m4s')).head.status).toBe(502);
    expect(cache.store.size).toBe(0);
  });

  test('what is remembered of a failure keeps no connection on which it came', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    class Connection {
      fails(): never {
        throw Object.assign(new Error('reset'), { code: 'HTTP2_BROKEN' });
      }
    }
    const connections: Array<WeakRef<Connection>> = [];
    const { get } = edge(() => {
      const connection = new Connection();
      connections.push(new WeakRef(connection));
      return connection.fails();
    });
    for (const target of ['/a.m4s', '/b.m4s', '/c.m4s']) expect((await get(target)).head.status).toBe(502);
    await new Promise((resolve) => setTimeout(resolve, 50));
    collect();
    expect(connections.map((each) => each.deref())).toEqual([undefined, undefined, undefined]);
  });

  test('an error of our own is a clean answer, and told', async () => {
    const { errors, get } = edge(() => stored('x'));
    const bad = {
      ...request('/a.m4s'),
      fields: () => {
        throw new Error('boom');
      },
    };
    void get;
    const { cache, errors: told } = edge(() => stored('x'));
    const reply = await cache.handler(bad as never);
    expect([reply.head.status, told.length, errors.length]).toEqual([500, 1, 0]);
  });
});
