import { describe, expect, test } from '@jest/globals';
import { ClientLoad } from './client-load.ts';
import { isSource, replyHead, type ByteSource, type EdgeReply, type EdgeRequest } from './exchange.ts';
import { paced, SlowBodyError } from './paced-body.ts';

const from = (clientAddress: string, target: string): EdgeRequest => ({ clientAddress, target }) as EdgeRequest;

describe('one client', () => {
  function limited(requestsMax: number) {
    const gate = Promise.withResolvers<void>();
    const pieces: Array<Uint8Array | undefined> = [new Uint8Array(1), undefined];
    const source: ByteSource = { read: async () => pieces.shift(), cancel: () => undefined };
    const whole: EdgeReply = { head: replyHead(200, []), body: null };
    const handler = new ClientLoad({ requestsMax, cacheName: 'e' }).limit((request) => {
      if (request.target === '/hit') return whole;
      return gate.promise.then(() => (request.target === '/stream' ? { head: whole.head, body: source } : whole));
    });
    const status = async (address: string, target: string): Promise<number> => (await handler(from(address, target))).head.status;
    return { gate, handler, status };
  }

  test('may have so many requests under way, and no more until one has ended; others do not notice', async () => {
    const { gate, status } = limited(2);
    const first = [status('a', '/x'), status('a', '/x')];
    expect(await status('a', '/x')).toBe(429);
    expect(await status('b', '/hit')).toBe(200);
    gate.resolve();
    expect(await Promise.all(first)).toEqual([200, 200]);
    expect(await status('a', '/x')).toBe(200);
  });

  test('has an answer under way until its last byte is out, or it has gone', async () => {
    for (const leaves of [false, true]) {
      const { gate, handler, status } = limited(1);
      gate.resolve();
      const { body } = await handler(from('a', '/stream'));
      expect(await status('a', '/hit')).toBe(429);
      if (!isSource(body)) throw new Error('no stream');
      if (leaves) body.cancel();
      else while ((await body.read()) !== undefined);
      expect(await status('a', '/hit')).toBe(200);
    }
  });
});

describe('a request body', () => {
  const pace = { silenceMs: 20, graceMs: 1000, rateMin: 500 };
  const never: ByteSource = { read: () => new Promise(() => undefined), cancel: () => undefined };

  test('that falls silent is given up', async () => {
    let cancelled = false;
    const body = paced({ ...never, cancel: () => (cancelled = true) }, pace, () => 0);
    await expect(body.read()).rejects.toThrow(SlowBodyError);
    expect(cancelled).toBe(true);
  });

  test.each([
    [600, 40],
    [600, 1],
    [100, 40],
    [100, 1],
  ])('that comes every %d ms in pieces of %d bytes is slow: judged after the first second', async (everyMs, size) => {
    let nowMs = 0;
    const source: ByteSource = { read: async () => ((nowMs += everyMs), new Uint8Array(size)), cancel: () => undefined };
    const body = paced(source, { ...pace, silenceMs: 60_000 }, () => nowMs);
    const reads = async (): Promise<number> => {
      for (let count = 1; count < 1000; count++) await body.read();
      return 1000;
    };
    await expect(reads()).rejects.toThrow('Less than 500 bytes a second');
    expect(nowMs).toBeGreaterThan(1000);
    expect(nowMs).toBeLessThan(1000 + 2 * everyMs);
  });

  test('that keeps its pace goes on, and its end is its end', async () => {
    let [nowMs, left] = [0, 100];
    const source: ByteSource = { read: async () => ((nowMs += 100), left-- > 0 ? new Uint8Array(60) : undefined), cancel: () => undefined };
    const body = paced(source, pace, () => nowMs);
    let bytes = 0;
    for (let piece = await body.read(); piece !== undefined; piece = await body.read()) bytes += piece.length;
    expect(bytes).toBe(6000);
  });
});
