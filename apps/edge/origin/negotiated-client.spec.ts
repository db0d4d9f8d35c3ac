import { beforeEach, describe, expect, test } from '@jest/globals';
import { sourceOfBytes } from '../server/exchange.ts';
import { Cancelling } from './cancelling.ts';
import { NotConnected } from './http1-client.ts';
import { failure } from './http1-request.codec.ts';
import { Http2Unsupported } from './http2-wire.adapter.ts';
import { NegotiatedClient } from './negotiated-client.ts';
import type { OriginClient, OriginRequest } from './origin-client.ts';

describe('what an origin agrees on', () => {
  let nowMs: number;
  let asked: string[];
  /** Why an origin is not to be had by it. */
  let without: { http1?: Error | undefined; http2?: Error | undefined };
  let client: NegotiatedClient;

  const over = (name: 'http1' | 'http2'): OriginClient => ({
    request: async ({ body }) => {
      asked.push(name);
      const error = without[name];
      if (error !== undefined) throw error;
      const bytes = await body?.read();
      return { status: 200, fields: [['sent', Buffer.from(bytes ?? []).toString()]], body: null };
    },
    close: async () => undefined,
  });

  beforeEach(() => {
    [nowMs, asked, without] = [0, [], {}];
    client = new NegotiatedClient({ http1: over('http1'), http2: over('http2'), now: () => nowMs });
  });

  const post = (): OriginRequest => ({ method: 'POST', target: '/', fields: [], cancelling: new Cancelling(), body: sourceOfBytes(Buffer.from('all of it')) });
  const turnedAway = (code: string): Error => new NotConnected(Object.assign(new Error(code), { code }));

  test('is HTTP/1.1 for a minute where it is not HTTP/2', async () => {
    without.http2 = new Http2Unsupported('no');
    expect((await client.request(post())).fields).toEqual([['sent', 'all of it']]);
    nowMs = 59_999;
    await client.request(post());
    without.http2 = undefined;
    nowMs = 60_000;
    await client.request(post());
    await client.request(post());
    expect(asked).toEqual(['http2', 'http1', 'http1', 'http2', 'http2']);
  });

  test.each(['EPROTO', 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL', 'ECONNRESET'])(
    'is found out at once where TLS turns HTTP/1.1 away (%s)',
    async (code) => {
      without.http2 = new Http2Unsupported('no');
      await client.request(post());
      without = { http1: turnedAway(code) };
      expect((await client.request(post())).fields).toEqual([['sent', 'all of it']]);
      await client.request(post());
      expect(asked).toEqual(['http2', 'http1', 'http1', 'http2', 'http2']);
    },
  );

  test('is asked once more where it has not looked at it, with all of the body, and three times at most', async () => {
    without.http2 = failure('HTTP2_UNSEEN', 'not looked at');
    await expect(client.request(post())).rejects.toMatchObject({ code: 'HTTP2_UNSEEN' });
    expect(asked).toEqual(Array(4).fill('http2'));
    const cancelled = post();
    cancelled.cancelling.abort();
    await expect(client.request(cancelled)).rejects.toMatchObject({ code: 'HTTP2_UNSEEN' });
    without.http2 = failure('HTTP2_BROKEN', 'looked at, perhaps');
    await expect(client.request(post())).rejects.toMatchObject({ code: 'HTTP2_BROKEN' });
    expect(asked).toHaveLength(6);
  });

  test.each(['ECONNREFUSED', 'ETIMEDOUT'])('is not asked for where nobody is there (%s)', async (code) => {
    without.http2 = new Http2Unsupported('no');
    await client.request(post());
    without.http1 = turnedAway(code);
    await expect(client.request(post())).rejects.toMatchObject({ code });
    expect(asked).toEqual(['http2', 'http1', 'http1']);
  });
});
