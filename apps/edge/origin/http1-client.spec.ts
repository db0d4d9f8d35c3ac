import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { sourceOfBytes } from '../server/exchange.ts';
import { Cancelling } from './cancelling.ts';
import { Http1Client } from './http1-client.ts';
import type { Wire, WireOwner } from './http1-wire.ts';
import type { OriginRequest, OriginResponse } from './origin-client.ts';

/** What an origin may have sent in answer before anything goes wrong. */
const answer = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

class FakeWire implements Wire {
  isFull = false;
  ended = false;
  written = '';
  readonly owner: WireOwner;

  constructor(owner: WireOwner) {
    this.owner = owner;
  }

  write(bytes: string | Uint8Array): void {
    this.written += typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('latin1');
  }

  pause(): void {}

  resume(): void {}

  terminate(): void {
    this.ended = true;
  }

  says(text: string): void {
    this.owner.received(Buffer.from(text, 'latin1'));
  }
}

const get = (more: Partial<OriginRequest> = {}): OriginRequest => ({ method: 'GET', target: '/', fields: [], cancelling: new Cancelling(), ...more });
const textOf = async ({ body }: OriginResponse): Promise<string> => {
  let text = '';
  for (let bytes = await body?.read(); bytes !== undefined; bytes = await body?.read()) text += Buffer.from(bytes).toString('latin1');
  return text;
};

describe('connections to an origin', () => {
  let wires: FakeWire[];
  let client: Http1Client;

  beforeEach(() => {
    jest.useFakeTimers();
    wires = [];
    const open = async (_target: unknown, owner: WireOwner): Promise<Wire> => {
      wires.push(new FakeWire(owner));
      return wires.at(-1) as FakeWire;
    };
    const target = { hostname: 'a', port: 80, tls: undefined };
    client = new Http1Client({ target, host: 'a', connectTimeoutMs: 3000, connectionsMax: 1024 }, { open, now: () => Date.now() });
  });

  afterEach(async () => {
    await client.close();
    jest.useRealTimers();
  });

  /** Asks, on a connection that is there or on a new one. */
  const ask = async (request = get()): Promise<{ readonly wire: FakeWire; readonly answer: Promise<OriginResponse> }> => {
    const before = wires.map(({ written }) => written.length);
    const asked = client.request(request);
    await jest.advanceTimersByTimeAsync(0);
    const wire = wires.find(({ written }, at) => written.length !== (before[at] ?? 0)) as FakeWire;
    return { wire, answer: asked };
  };

  const answered = async (said = answer): Promise<FakeWire> => {
    const { answer: got, wire } = await ask();
    wire.says(said);
    await got;
    return wire;
  };

  test('one that has just answered is left alone, and used again later', async () => {
    const first = await answered();
    const second = await answered();
    expect(second).not.toBe(first);
    await jest.advanceTimersByTimeAsync(100);
    expect([first, second]).toContain(await answered());
    expect(wires.length).toBe(2);
  });

  test.each(['POST', 'GET'])(
    'one that was not used for four seconds takes nothing that cannot be asked twice (%s with a body), and is ended after half a minute',
    async (method) => {
      const wire = await answered();
      await jest.advanceTimersByTimeAsync(6000);
      const { answer: posted, wire: other } = await ask(get({ method, body: sourceOfBytes(Buffer.from('x')) }));
      other.says(answer);
      await posted;
      expect([other === wire, wire.ended]).toEqual([false, false]);
      await jest.advanceTimersByTimeAsync(40_000);
      expect([wire.ended, other.ended]).toEqual([true, true]);
    },
  );

  test.each([
    ['at once', `${answer}HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil`, 0],
    ['a moment later', answer, 1],
    ['while it is idle', answer, 500],
  ])('after bytes that nobody asked for, %s, the origin is asked on connections of their own, for ten minutes', async (_name, said, lateMs) => {
    const other = await answered();
    await jest.advanceTimersByTimeAsync(100);
    const { answer: busy, wire: stillBusy } = await ask();
    expect(stillBusy).toBe(other);
    const wire = await answered(said);
    await jest.advanceTimersByTimeAsync(lateMs);
    if (lateMs > 0) wire.says('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil');
    expect(wire.ended).toBe(true);
    // What was under way is no worse for it.
    other.says(answer);
    expect(await textOf(await busy)).toBe('ok');
    expect(other.ended).toBe(true);
    const alone = await answered();
    expect(alone.ended).toBe(true);
    await jest.advanceTimersByTimeAsync(600_000);
    const again = await answered();
    await jest.advanceTimersByTimeAsync(100);
    expect(await answered()).toBe(again);
  });

  test.each([
    ['a GET', {}, true],
    ['what cannot be asked twice', { method: 'POST' }, false],
  ])('goodbye to a connection that was used before, as it is used again, is no answer to %s', async (_what, more, isLost) => {
    const wire = await answered();
    await jest.advanceTimersByTimeAsync(100);
    const goodbye = 'HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n';
    const { answer: got, wire: again } = await ask(get(more));
    expect(again).toBe(wire);
    wire.says(goodbye);
    if (isLost) await expect(got).rejects.toMatchObject({ code: 'ECONNRESET' });
    else expect((await got).status).toBe(408);
    expect(wire.ended).toBe(true);
    const { answer: first, wire: other } = await ask(get());
    other.says(goodbye);
    expect((await first).status).toBe(408);
  });

  test('a server that says before it closes that it was asked for nothing is not mistrusted', async () => {
    const wire = await answered();
    await jest.advanceTimersByTimeAsync(100);
    wire.says('HTTP/1.1 408 Request Timeout\r\nconnection: close\r\n\r\n');
    expect(wire.ended).toBe(true);
    const next = await answered();
    await jest.advanceTimersByTimeAsync(100);
    expect(await answered()).toBe(next);
  });

  test.each([
    ['HEAD', { method: 'HEAD' }, 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n'],
    ['a length beside 204', {}, 'HTTP/1.1 204 No Content\r\ncontent-length: 9\r\n\r\n'],
    ['a length beside chunks', {}, 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
  ])('%s ends its connection, and the origin is trusted as before', async (_name, more, said) => {
    const { answer: got, wire } = await ask(get(more));
    wire.says(said);
    await got;
    expect(wire.ended).toBe(true);
    const next = await answered();
    await jest.advanceTimersByTimeAsync(100);
    expect(await answered()).toBe(next);
  });

  test('bytes that come when nobody wants the answer any more are no sign of anything', async () => {
    const cancelling = new Cancelling();
    const { answer: got, wire } = await ask(get({ cancelling }));
    cancelling.abort();
    await expect(got).rejects.toThrow();
    wire.says(answer);
    const next = await answered();
    await jest.advanceTimersByTimeAsync(100);
    expect(await answered()).toBe(next);
  });

  test('one that is used all the time is ended between two answers after a minute, and not all at once', async () => {
    const askTwo = async (): Promise<readonly FakeWire[]> => {
      const two = [await ask(), await ask()];
      for (const { answer: got, wire } of two) {
        wire.says(answer);
        await got;
      }
      return two.map(({ wire }) => wire);
    };
    const { answer: long, wire: busy } = await ask();
    const pair = await askTwo();
    const endedAt: number[] = [];
    for (let second = 1; second <= 76; second++) {
      await jest.advanceTimersByTimeAsync(1000);
      for (const wire of await askTwo()) expect(wire).not.toBe(busy);
      for (const { ended } of pair) if (ended && endedAt.length < pair.filter((wire) => wire.ended).length) endedAt.push(second);
    }
    expect(endedAt).toEqual([61, 62]);
    expect([wires.length, busy.ended]).toEqual([5, false]);
    busy.says(answer);
    expect([await textOf(await long), busy.ended]).toEqual(['ok', true]);
  });

  test('an origin that takes no connection in time is given up', async () => {
    client = new Http1Client(
      { target: { hostname: 'a', port: 80, tls: undefined }, host: 'a', connectTimeoutMs: 3000, connectionsMax: 1024 },
      { open: () => new Promise(() => undefined), now: () => Date.now() },
    );
    const asked = expect(client.request(get())).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    await jest.advanceTimersByTimeAsync(3000);
    await asked;
  });

  test.each(['the time to connect is over', 'nobody wants it any more'])('a connection that is not open yet is ended when %s', async (when) => {
    const opened: Cancelling[] = [];
    client = new Http1Client(
      { target: { hostname: 'a', port: 80, tls: undefined }, host: 'a', connectTimeoutMs: 3000, connectionsMax: 1024 },
      {
        open: (_target, _owner, opening) => {
          opened.push(opening);
          return new Promise((_, reject) => opening.tell(() => reject(new Error('Ended.'))));
        },
        now: () => Date.now(),
      },
    );
    const cancelling = new Cancelling();
    const asked = expect(client.request(get({ cancelling }))).rejects.toThrow();
    await jest.advanceTimersByTimeAsync(2999);
    expect(opened.map(({ aborted }) => aborted)).toEqual([false]);
    if (when === 'nobody wants it any more') {
      cancelling.abort();
      await client.close();
    } else await jest.advanceTimersByTimeAsync(1);
    expect(opened.map(({ aborted }) => aborted)).toEqual([true]);
    await asked;
  });

  test('what is asked again because its connection was lost takes one that nobody has used', async () => {
    const old = await answered();
    await jest.advanceTimersByTimeAsync(100);
    const { answer: got, wire } = await ask(get({ anew: true }));
    expect(wire).not.toBe(old);
    wire.says(answer);
    await got;
    expect(await answered()).toBe(old);
  });

  test('where all connections are taken one that nobody uses gives way to it', async () => {
    const two = { target: { hostname: 'a', port: 80, tls: undefined }, host: 'a', connectTimeoutMs: 3000, connectionsMax: 2 };
    client = new Http1Client(two, {
      open: async (_target, owner) => {
        wires.push(new FakeWire(owner));
        return wires.at(-1) as FakeWire;
      },
      now: () => Date.now(),
    });
    const [first, second] = [await ask(), await ask()];
    first.wire.says(answer);
    await first.answer;
    await jest.advanceTimersByTimeAsync(100);
    const again = client.request(get({ anew: true }));
    await jest.advanceTimersByTimeAsync(0);
    expect([first.wire.ended, wires.length]).toEqual([true, 3]);
    const later = client.request(get({ anew: true }));
    second.wire.says(answer);
    wires[2]?.says(answer);
    expect(await textOf(await again)).toBe('ok');
    await jest.advanceTimersByTimeAsync(100);
    expect([second.wire.ended || wires[2]?.ended, wires.length]).toEqual([true, 4]);
    wires[3]?.says(answer);
    expect(await textOf(await later)).toBe('ok');
  });

  test('what finds all connections taken hears so, and not that the origin is late', async () => {
    const taken = Array.from({ length: 1024 }, () => client.request(get()));
    void Promise.allSettled(taken);
    const inTime = client.request(get());
    const late = expect(client.request(get())).rejects.toMatchObject({ code: 'ORIGIN_BUSY', status: 503, proxyError: 'connection_limit_reached' });
    await jest.advanceTimersByTimeAsync(2990);
    expect(wires.length).toBe(1024);
    wires[0]?.owner.closed();
    await jest.advanceTimersByTimeAsync(10);
    wires[1024]?.says(answer);
    await late;
    expect((await inTime).status).toBe(200);
  });

  test('connections that were given up and are not gone yet are counted with the others', async () => {
    let opened = 0;
    client = new Http1Client(
      { target: { hostname: 'a', port: 80, tls: undefined }, host: 'a', connectTimeoutMs: 3000, connectionsMax: 1024 },
      {
        open: () => {
          opened++;
          return new Promise(() => undefined);
        },
        now: () => Date.now(),
      },
    );
    const askMany = (): Promise<unknown> => Promise.allSettled(Array.from({ length: 600 }, () => client.request(get())));
    void askMany();
    await jest.advanceTimersByTimeAsync(3000);
    void askMany();
    await jest.advanceTimersByTimeAsync(1000);
    expect(opened).toBe(1024);
  });

  test.each([
    ['a body', answer, 60],
    ['no body', 'HTTP/1.1 204 No Content\r\n\r\n', 130],
  ])('after an answer with %s a connection rests long enough for what comes behind it', async (_name, said, ms) => {
    const first = await answered(said);
    await jest.advanceTimersByTimeAsync(ms / 2 - 6);
    const second = await answered(said);
    expect(second).not.toBe(first);
    await jest.advanceTimersByTimeAsync(ms * 2);
    expect([first, second]).toContain(await answered(said));
  });

  describe('the body of a request', () => {
    const bytes = Buffer.from('hello');
    const post = (fields: OriginRequest['fields'], body = sourceOfBytes(bytes)): OriginRequest => get({ method: 'POST', fields, body });

    test.each([
      ['in chunks', [], 'transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'],
      ['by its length', [['content-length', '5']], 'content-length: 5\r\nhost: a\r\n\r\nhello'],
    ] as const)('goes %s, and the connection on', async (_name, fields, written) => {
      const { answer: got, wire } = await ask(post(fields));
      expect(wire.written.endsWith(written)).toBe(true);
      wire.says(answer);
      expect(await textOf(await got)).toBe('ok');
      expect(wire.ended).toBe(false);
    });

    test.each(['4', '6', 'x'])('that has not the length that it says (%s) is not sent as a whole one', async (length) => {
      const asked = client.request(post([['content-length', length]]));
      await expect(asked).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
      expect(wires[0]?.ended).toBe(true);
    });

    test('waits while the connection takes no more', async () => {
      const pieces = ['a', 'b', 'c'];
      let read = 0;
      const body = { read: async () => (read < pieces.length ? Buffer.from(pieces[read++] as string) : undefined), cancel: () => undefined };
      const asked = client.request(post([], body));
      await Promise.resolve();
      (wires[0] as FakeWire).isFull = true;
      await jest.advanceTimersByTimeAsync(10);
      expect(read).toBe(1);
      (wires[0] as FakeWire).isFull = false;
      wires[0]?.owner.drained();
      await jest.advanceTimersByTimeAsync(10);
      expect([read, wires[0]?.written.endsWith('1\r\nc\r\n0\r\n\r\n')]).toEqual([3, true]);
      wires[0]?.says(answer);
      await asked;
    });

    test('is given up when the answer comes before its end, and the connection with it', async () => {
      let cancelled = false;
      const body = { read: () => new Promise<undefined>(() => undefined), cancel: () => void (cancelled = true) };
      const { answer: got, wire } = await ask(post([], body));
      wire.says(answer);
      expect([await textOf(await got), cancelled, wire.ended]).toEqual(['ok', true, true]);
    });
  });
});
