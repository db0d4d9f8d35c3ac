import { describe, expect, test } from '@jest/globals';
import { EdgeCounters } from '../edge-counters.ts';
import type { ByteSource } from '../server/exchange.ts';
import { GuardedOrigin, type GuardedRequest } from './guarded-origin.ts';
import type { OriginClient, OriginRequest, OriginResponse } from './origin-client.ts';

const limits = { headTimeoutMs: 30, waitTimeoutMs: 120, silenceTimeoutMs: 30, downMs: 1000, refusedMs: 50, headBytesMax: 100 };
const get: GuardedRequest = { method: 'GET', target: '/a', fields: [] };

/** A client that plays what it is told, one response or error per request. */
class PlayedClient implements OriginClient {
  readonly asked: OriginRequest[] = [];
  readonly #plays: Array<OriginResponse | Error | 'silence'>;

  constructor(...plays: Array<OriginResponse | Error | 'silence'>) {
    this.#plays = plays;
  }

  async request(request: OriginRequest): Promise<OriginResponse> {
    this.asked.push(request);
    const play = this.#plays.shift() ?? new Error('nothing left to play');
    if (play === 'silence') return new Promise((_, reject) => request.cancelling.signal.addEventListener('abort', () => reject(new Error('aborted'))));
    if (play instanceof Error) throw play;
    return play;
  }

  async close(): Promise<void> {}
}

const coded = (code: string): Error => Object.assign(new Error(code), { code });
const ok: OriginResponse = { status: 200, fields: [['etag', '"a"']], body: null };

function guard(...plays: Array<OriginResponse | Error | 'silence'>) {
  const client = new PlayedClient(...plays);
  const counters = new EdgeCounters();
  const clock = { nowMs: 0 };
  return { client, counters, clock, origin: new GuardedOrigin(client, limits, counters, () => clock.nowMs) };
}

describe('the guarded origin', () => {
  test('what was lost with its connection is asked once more, over a new one', async () => {
    const { client, origin } = guard(coded('ECONNRESET'), ok);
    expect((await origin.request(get)).status).toBe(200);
    expect(client.asked.map(({ anew }) => anew)).toEqual([false, true]);
  });

  test.each([
    ['ECONNREFUSED', 502, 50],
    ['ConnectionRefused', 502, 50],
    ['ENOTFOUND', 502, 1000],
    ['UND_ERR_CONNECT_TIMEOUT', 504, 1000],
    ['ETIMEDOUT', 504, 1000],
  ])('leaves an origin in peace for a while when there is no connection: %s', async (code, status, restMs) => {
    const { client, clock, counters, origin } = guard(coded(code), ok);
    await expect(origin.request(get)).rejects.toMatchObject({ code: 'ORIGIN_UNREACHABLE', status });
    clock.nowMs = restMs - 1;
    await expect(origin.request(get)).rejects.toMatchObject({ code: 'ORIGIN_UNREACHABLE', status });
    expect([client.asked.length, counters.originErrors]).toEqual([1, 1]);
    clock.nowMs = restMs;
    expect((await origin.request(get)).status).toBe(200);
  });

  test('an unsafe request is tried whatever was before, and once', async () => {
    const { client, origin } = guard(coded('ECONNREFUSED'), coded('ECONNRESET'));
    await expect(origin.request(get)).rejects.toMatchObject({ code: 'ORIGIN_UNREACHABLE' });
    await expect(origin.request({ ...get, method: 'POST' })).rejects.toMatchObject({ code: 'ORIGIN_INVALID' });
    expect(client.asked.length).toBe(2);
  });

  test.each([
    ['/live/st/720p.m3u8?_HLS_msn=7&_HLS_part=2', 120],
    ['/live/st/720p/7.2.a1b2.m4s', 120],
    ['/live/st/720p/7.m4s', 120],
    ['/live/st/720p/p3-7.m4s', 120],
    ['/live/st/720p/init.m4s', 30],
  ])('what the origin holds back on purpose is waited for longer: %s', async (target, ms) => {
    await expect(guard('silence').origin.request({ ...get, target })).rejects.toMatchObject({
      code: 'ORIGIN_TIMEOUT',
      message: `The origin did not answer within ${ms} ms.`,
    });
  });

  test('a lost connection is tried once more', async () => {
    const { client, origin } = guard(coded('ECONNRESET'), ok);
    expect((await origin.request(get)).status).toBe(200);
    expect(client.asked.length).toBe(2);
  });

  test.each(['GET', 'HEAD'])('a %s with a body is not asked again without it', async (method) => {
    const { client, origin } = guard(coded('ECONNRESET'), ok);
    const body: ByteSource = { read: async () => undefined, cancel: () => undefined };
    await expect(origin.request({ ...get, method, body })).rejects.toMatchObject({ code: 'ORIGIN_INVALID' });
    expect(client.asked.length).toBe(1);
  });

  test('no answer in time is a timeout', async () => {
    const { origin } = guard('silence');
    await expect(origin.request(get)).rejects.toMatchObject({ code: 'ORIGIN_TIMEOUT', status: 504 });
  });

  test('a slow upload is no slow answer', async () => {
    const pieces = [new Uint8Array(1), new Uint8Array(1), undefined];
    const body: ByteSource = { read: () => new Promise((resolve) => setTimeout(() => resolve(pieces.shift()), 20)), cancel: () => undefined };
    const client: OriginClient = {
      request: async (request) => {
        while ((await request.body?.read()) !== undefined);
        return ok;
      },
      close: async () => undefined,
    };
    const origin = new GuardedOrigin(client, limits, new EdgeCounters(), () => 0);
    expect((await origin.request({ ...get, method: 'POST', body })).status).toBe(200);
    const stuck = new GuardedOrigin(new PlayedClient('silence'), limits, new EdgeCounters(), () => 0);
    await expect(stuck.request(get)).rejects.toMatchObject({ code: 'ORIGIN_TIMEOUT' });
  });

  test.each([
    ['a status out of range', { ...ok, status: 99 }],
    ['too many bytes of fields', { ...ok, fields: [['x', 'y'.repeat(100)]] as const }],
  ])('%s is no answer', async (_name, response) => {
    const { counters, origin } = guard(response);
    await expect(origin.request(get)).rejects.toMatchObject({ code: 'ORIGIN_INVALID' });
    expect(counters.originErrors).toBe(1);
  });

  test('a body that falls silent is broken off, unless it may be silent', async () => {
    const silent = (signal: () => AbortSignal): ByteSource => ({
      read: () => new Promise((_, reject) => signal().addEventListener('abort', () => reject(new Error('aborted')))),
      cancel: () => undefined,
    });
    const played: { signal?: AbortSignal } = {};
    const client: OriginClient = {
      request: async (request) => {
        played.signal = request.cancelling.signal;
        return { ...ok, body: silent(() => request.cancelling.signal) };
      },
      close: async () => undefined,
    };
    const origin = new GuardedOrigin(client, limits, new EdgeCounters(), () => 0);
    const response = await origin.request(get);
    await expect(response.body?.read()).rejects.toMatchObject({ code: 'ORIGIN_TIMEOUT' });
    const patient = await origin.request({ ...get, mayBeSilent: true });
    let broken = false;
    void patient.body?.read().catch(() => (broken = true));
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(broken).toBe(false);
    patient.body?.cancel();
    expect(played.signal?.aborted).toBe(true);
  });

  test('bytes are counted, and a break names itself', async () => {
    const pieces: Array<Uint8Array | Error> = [new Uint8Array(5), new Error('cut')];
    const body: ByteSource = {
      read: async () => {
        const piece = pieces.shift();
        if (piece instanceof Error) throw piece;
        return piece;
      },
      cancel: () => undefined,
    };
    const { counters, origin } = guard({ ...ok, body });
    const response = await origin.request(get);
    expect((await response.body?.read())?.length).toBe(5);
    await expect(response.body?.read()).rejects.toMatchObject({ code: 'ORIGIN_BROKEN' });
    expect([counters.bytesFromOrigin, counters.originErrors, counters.originFetches]).toEqual([5, 1, 1]);
  });
});
