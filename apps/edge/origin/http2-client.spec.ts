import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { EventEmitter } from 'node:events';
import type { ClientHttp2Session, OutgoingHttpHeaders } from 'node:http2';
import { sourceOfBytes } from '../server/exchange.ts';
import { Cancelling } from './cancelling.ts';
import { Http2Client } from './http2-client.ts';
import type { Http2Wire } from './http2-wire.adapter.ts';
import type { OriginRequest, OriginResponse } from './origin-client.ts';

class FakeStream extends EventEmitter {
  readonly id: number;
  readonly path: string;
  closed = false;
  destroyed = false;
  rstCode = 0;

  constructor(id: number, path: string) {
    super();
    this.id = id;
    this.path = path;
  }

  push(): boolean {
    return true;
  }

  pause(): void {}

  resume(): void {}

  write(): boolean {
    return true;
  }

  end(): void {}

  close(code: number): void {
    this.rstCode = code;
    this.closed = true;
    this.emit('close');
  }

  begins(): void {
    this.emit('response', { ':status': 200 }, 0, [':status', '200']);
  }

  ends(): void {
    (this as unknown as { push(chunk: unknown): void }).push(null);
    this.emit('end');
    this.close(0);
  }
}

class FakeSession extends EventEmitter {
  readonly streams: FakeStream[] = [];
  pings = 0;
  /** Its origin has gone without a sign. */
  isMute = false;
  remoteSettings: { maxConcurrentStreams: number };
  closed = false;
  destroyed = false;
  ended = false;

  constructor(streams: number) {
    super();
    this.remoteSettings = { maxConcurrentStreams: streams };
  }

  request(headers: OutgoingHttpHeaders): FakeStream {
    const stream = new FakeStream(this.streams.length * 2 + 1, String(headers[':path']));
    this.streams.push(stream);
    return stream;
  }

  ping(heard: (error: null) => void): void {
    this.pings++;
    if (!this.isMute) heard(null);
  }

  allows(streams: number): void {
    this.remoteSettings = { maxConcurrentStreams: streams };
    this.emit('remoteSettings', this.remoteSettings);
  }

  get paths(): string[] {
    return this.streams.filter(({ closed }) => !closed).map(({ path }) => path);
  }

  get wire(): Http2Wire {
    return { session: this as unknown as ClientHttp2Session, terminate: () => (this.ended = true) };
  }
}

const get = (target: string, more: Partial<OriginRequest> = {}): OriginRequest => ({
  method: 'GET',
  target,
  fields: [],
  cancelling: new Cancelling(),
  ...more,
});
const post = (target: string): OriginRequest => get(target, { method: 'POST', body: sourceOfBytes(Buffer.from('x')) });
const refused = (): Error => Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });

describe('sessions to an origin', () => {
  let sessions: FakeSession[];
  let streamsEach: number;
  /** How the next connections go; the usual way when there are none. */
  let turns: Array<() => Promise<Http2Wire>>;
  let client: Http2Client;

  const clientOf = (sessionsMax: number): Http2Client => {
    const open = async (): Promise<Http2Wire> => {
      const turn = turns.shift();
      if (turn !== undefined) return turn();
      const session = new FakeSession(streamsEach);
      sessions.push(session);
      return session.wire;
    };
    const target = { hostname: 'a', port: 443, tls: { serverName: 'a' } };
    return new Http2Client({ target, host: 'a', connectTimeoutMs: 3000, sessionsMax }, { open, now: () => Date.now() });
  };

  beforeEach(() => {
    jest.useFakeTimers();
    [sessions, turns, streamsEach] = [[], [], 100];
    client = clientOf(1024);
  });

  afterEach(async () => {
    await client.close();
    jest.useRealTimers();
  });

  const passes = (ms: number): Promise<void> => jest.advanceTimersByTimeAsync(ms);

  /** What comes of it is seen later. */
  const ask = async (request: OriginRequest): Promise<{ readonly answer: Promise<OriginResponse> }> => {
    const answer = client.request(request);
    answer.catch(() => undefined);
    await passes(0);
    return { answer };
  };
  const paths = (): string[][] => sessions.map((session) => session.paths);

  test('an answer of which the body, and the end, is told before its head is whole', async () => {
    const { answer } = await ask(get('/'));
    const stream = sessions[0]?.streams[0];
    stream?.emit('data', Buffer.from('body'));
    (stream as unknown as { push(chunk: null): void }).push(null);
    stream?.emit('end');
    stream?.begins();
    stream?.close(0);
    const { body, status } = await answer;
    expect([status, Buffer.from((await body?.read()) ?? []).toString(), await body?.read()]).toEqual([200, 'body', undefined]);
  });

  test('one past its age takes nothing new, and ends with what is on it', async () => {
    await ask(get('/events'));
    sessions[0]?.streams[0]?.begins();
    await passes(80_000);
    await ask(get('/next'));
    expect(paths()).toEqual([['/events'], ['/next']]);
    sessions[0]?.streams[0]?.ends();
    expect(sessions.map(({ ended }) => ended)).toEqual([true, false]);
  });

  test('one past its age goes on where there may be no other, until nothing is on it any more', async () => {
    client = clientOf(1);
    await ask(get('/events'));
    sessions[0]?.streams[0]?.begins();
    await passes(80_000);
    const { answer } = await ask(get('/next'));
    await ask(post('/posted'));
    expect(paths()).toEqual([['/events', '/next', '/posted']]);
    sessions[0]?.streams[1]?.begins();
    expect((await answer).status).toBe(200);
    for (const stream of sessions[0]?.streams ?? []) stream.ends();
    expect(sessions[0]?.ended).toBe(true);
    await ask(get('/new'));
    expect(paths()).toEqual([[], ['/new']]);
  });

  test('where there may be no other, one that was not used for a while makes room for what cannot be asked twice', async () => {
    client = clientOf(1);
    await ask(get('/first'));
    sessions[0]?.streams[0]?.begins();
    sessions[0]?.streams[0]?.ends();
    await passes(10_000);
    await ask(post('/posted'));
    expect([sessions[0]?.ended, paths()]).toEqual([true, [[], ['/posted']]]);
  });

  test('one on which nothing comes is asked whether it is there, and left by what is new, then by what may be asked twice', async () => {
    await ask(get('/got'));
    await ask(post('/posted'));
    Object.assign(sessions[0] as FakeSession, { isMute: true });
    await passes(2000);
    expect(sessions[0]?.pings).toBe(1);
    await passes(1500);
    await ask(get('/next'));
    expect(paths()).toEqual([['/got', '/posted'], ['/next']]);
    sessions[1]?.streams[0]?.begins();
    await passes(2000);
    expect(paths()).toEqual([['/posted'], ['/next', '/got']]);
  });

  test('one that says that it is there goes on, however long its answers take', async () => {
    await ask(get('/slow'));
    await passes(20_000);
    await ask(get('/next'));
    expect(paths()).toEqual([['/slow', '/next']]);
  });

  test('who waits goes on where one more is refused, and it is tried again a little later', async () => {
    streamsEach = 2;
    for (const path of ['/1', '/2']) await ask(get(path));
    turns.push(async () => Promise.reject(refused()));
    const { answer } = await ask(get('/3'));
    await ask(post('/4'));
    sessions[0]?.streams[0]?.begins();
    sessions[0]?.streams[0]?.ends();
    expect(paths()).toEqual([['/2', '/3']]);
    sessions[0]?.streams[2]?.begins();
    expect((await answer).status).toBe(200);
    expect(turns).toEqual([]);
    await passes(1000);
    expect(paths()).toEqual([['/2', '/3'], ['/4']]);
  });

  test('who waits is told when the last connection that could be had is refused, and who waits too long that it is too much', async () => {
    turns.push(async () => Promise.reject(refused()));
    await expect(client.request(get('/1'))).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    streamsEach = 1;
    await ask(get('/held'));
    turns.push(async () => Promise.reject(refused()));
    const { answer } = await ask(get('/2'));
    turns.push(...Array.from({ length: 5 }, () => async () => Promise.reject(refused())));
    await passes(3000);
    await expect(answer).rejects.toMatchObject({ code: 'ORIGIN_BUSY' });
    // Once a second, and no more.
    expect(turns.length).toBeGreaterThan(1);
  });

  test('one that hangs holds up nobody whom another one takes', async () => {
    streamsEach = 1;
    await ask(get('/held'));
    turns.push(() => new Promise(() => undefined));
    const { answer } = await ask(get('/1'));
    const { answer: other } = await ask(get('/2'));
    expect(paths()).toEqual([['/held'], ['/1']]);
    for (const asked of [answer, other]) {
      sessions[1]?.streams.at(-1)?.begins();
      sessions[1]?.streams.at(-1)?.ends();
      expect((await asked).status).toBe(200);
    }
  });

  test('one that hangs ends who waits for it alone, when its time is over', async () => {
    turns.push(() => new Promise(() => undefined));
    const { answer } = await ask(get('/1'));
    await passes(3000);
    await expect(answer).rejects.toMatchObject({ code: 'ETIMEDOUT' });
  });

  test('one that may take nothing is given up after a second, and who waits in vain is told so', async () => {
    streamsEach = 0;
    const { answer } = await ask(get('/1'));
    await passes(3500);
    await expect(answer).rejects.toMatchObject({ code: 'ORIGIN_BUSY' });
    expect(sessions.length).toBeLessThanOrEqual(4);
    expect(sessions[0]?.ended).toBe(true);
    await ask(get('/2'));
    sessions.at(-1)?.allows(5);
    expect(sessions.at(-1)?.paths).toEqual(['/2']);
  });
});
