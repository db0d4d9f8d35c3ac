import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { purgeRequested } from '#events';
import { request } from 'node:http';
import { WebSocket } from 'ws';
import { startGateway, World, type RunningGateway } from './testing/gateway.fixture.ts';
import type { EventBody } from './testing/answer-body.ts';
import { ask } from './testing/http-client.ts';
import { SseClient } from './testing/sse-client.ts';

let world: World;
let key: { id: string; authorization: string };

beforeAll(async () => {
  world = await World.open();
  key = await world.key(['admin']);
});

afterAll(() => world.close());

interface Line {
  readonly token: string;
  readonly live?: boolean;
  readonly event?: EventBody;
}

let made = 0;

async function publish(times: number): Promise<string[]> {
  const ids = Array.from({ length: times }, () => `pg-${'a'.repeat(8)}${made++}`);
  await world.facts.publish(
    'cache',
    ids.map((purgeId) => purgeRequested.draft({ purgeId, urls: ['/x'], reason: '' })),
    { producer: { id: 'test', epoch: 1n } },
  );
  return ids;
}

/** Reads lines of JSON until it has seen so many events, then breaks the line. */
function readLines(gateway: RunningGateway, query: string, enough: number): Promise<Line[]> {
  const lines: Line[] = [];
  return new Promise((resolve, reject) => {
    const outgoing = request(`${gateway.url}/api/v1/events/stream?${query}`, { headers: { authorization: key.authorization } }, (response) => {
      let rest = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        const parts = (rest + chunk).split('\n');
        rest = parts.pop() as string;
        for (const part of response.statusCode === 200 ? parts : [])
          if (lines.filter(({ event }) => event !== undefined).length < enough) lines.push(JSON.parse(part) as Line);
        if (lines.filter(({ event }) => event !== undefined).length >= enough) outgoing.destroy();
      });
      response.on('close', () => resolve(response.statusCode === 200 ? lines : []));
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

/** The same, as often as it takes: there may be no room yet, and this reader may be cut off too. */
async function readOn(gateway: RunningGateway, query: string, token: string, enough: number): Promise<Line[]> {
  const lines: Line[] = [];
  for (let last = token; idsOf(lines).length < enough; last = lines.at(-1)?.token ?? token)
    lines.push(...(await readLines(gateway, `${query}&from=${last}`, enough - idsOf(lines).length)));
  return lines;
}

class SocketClient {
  readonly lines: Line[] = [];
  readonly socket: WebSocket;
  readonly closed: Promise<number>;
  #waiters: Array<() => void> = [];

  constructor(gateway: RunningGateway, query: string, protocols: string[] = [], headers: Record<string, string> = { authorization: key.authorization }) {
    this.socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/api/v1/events/ws?${query}`, protocols, { headers });
    this.socket.on('message', (data: Buffer) => {
      this.lines.push(JSON.parse(data.toString()) as Line);
      for (const wake of this.#waiters.splice(0)) wake();
    });
    this.closed = new Promise((resolve) => this.socket.on('close', resolve));
  }

  get events(): Line[] {
    return this.lines.filter(({ event }) => event !== undefined);
  }

  async until(count: number): Promise<void> {
    while (this.events.length < count) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  async refusal(): Promise<number> {
    return new Promise((resolve) => {
      this.socket.on('unexpected-response', (_request, response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      this.socket.on('error', () => undefined);
    });
  }
}

const idsOf = (lines: readonly Line[]): string[] => lines.flatMap(({ event }) => (event === undefined ? [] : [event.partitionkey as string]));

describe('one cursor for every protocol', () => {
  test('a token of one protocol goes on in another, on another gateway', async () => {
    await using gateway = await startGateway(world.engines, world.consolePath);
    await using other = await startGateway(world.engines, world.consolePath);
    const ids = await publish(30);
    const lines = await readLines(gateway, 'context=cache&from=beginning', 10);
    const client = new SocketClient(other, `context=cache&from=${lines.at(-1)?.token}`);
    await client.until(5);
    client.socket.terminate();
    const rest = await readLines(gateway, `context=cache&from=${client.events[4]?.token}`, 15);
    const seen = idsOf([...lines, ...client.events.slice(0, 5), ...rest]);
    expect(seen.sort()).toEqual(ids.sort());
  });

  test('history says that it is history; what comes says that it is new', async () => {
    await using gateway = await startGateway(world.engines, world.consolePath);
    const since = Date.now();
    await publish(3);
    const client = new SocketClient(gateway, `type=purge.requested&since=${since}`);
    await client.until(3);
    await new Promise((resolve) => setImmediate(resolve));
    await publish(2);
    await client.until(5);
    client.socket.close();
    expect(client.events.map(({ live }) => live)).toEqual([false, false, false, true, true]);
  });

  test('a token for another filter is refused, and so is one that was changed', async () => {
    await using gateway = await startGateway(world.engines, world.consolePath);
    const [first] = await readLines(gateway, 'context=cache&from=beginning', 1);
    const token = first?.token as string;
    const answers = await Promise.all(
      [`context=stream&from=${token}`, `context=cache&from=${token.slice(0, 20)}A${token.slice(21)}`, `context=cache&from=${token}&since=1`].map((query) =>
        ask(gateway.url, `/api/v1/events/stream?${query}`, { headers: { authorization: key.authorization } }),
      ),
    );
    expect(answers.map(({ status, json }) => [status, json.type])).toEqual([
      [400, 'urn:streams:problem:token-of-other-filter'],
      [400, 'urn:streams:problem:token-invalid'],
      [400, 'urn:streams:problem:invalid-request'],
    ]);
  });

  test('a filter that nothing fits moves its token on', async () => {
    await using gateway = await startGateway(world.engines, world.consolePath, { heartbeatMs: 20 });
    const client = new SocketClient(gateway, 'type=purge.requested&key=nobody');
    while (client.lines.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const [first] = client.lines;
    const partition = await world.engines.log.heads('cache');
    while (client.lines.at(-1)?.token === first?.token) {
      await publish(12);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(client.events).toEqual([]);
    expect(partition).toHaveLength(12);
    client.socket.close();
  });
});

describe('one tenant of many', () => {
  /** Reads until it has heard of this key; answers whose events came. */
  async function tenantsUntil(client: SocketClient, id: string): Promise<Set<string>> {
    for (let count = 1; !client.events.some(({ event }) => event?.subject === id); count++) await client.until(count);
    return new Set(client.events.map(({ event }) => event?.tenant ?? ''));
  }

  test("comes alone when asked for, over every protocol; a tenant that is not one's own has nothing", async () => {
    await using gateway = await startGateway(world.engines, world.consolePath, { heartbeatMs: 20 });
    const acme = await world.key(['view'], { tenant: 'acme' });
    const globex = await world.key(['view'], { tenant: 'globex' });
    const query = 'tenant=acme&from=beginning';
    const client = new SocketClient(gateway, query);
    const foreign = new SocketClient(gateway, query, [], { authorization: globex.authorization });
    const own = new SocketClient(gateway, query, [], { authorization: acme.authorization });
    const last = (await world.key(['view'], { tenant: 'acme' })).id;
    await world.settle();
    for (const one of [client, own]) expect(await tenantsUntil(one, last)).toEqual(new Set(['acme']));
    const seen = client.events.length;
    expect((await readLines(gateway, query, seen)).flatMap(({ event }) => event?.tenant ?? [])).toEqual(client.events.map(() => 'acme'));
    const feed = new SseClient();
    await feed.open(gateway.url, `/api/v1/events/live?${query}`, { authorization: key.authorization });
    await feed.until(seen);
    feed.close();
    expect(new Set(feed.messages.map(({ event }) => event.tenant))).toEqual(new Set(['acme']));
    while (foreign.lines.length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(foreign.events).toEqual([]);
    for (const { socket } of [client, foreign, own]) socket.terminate();
  });
});

describe('the WebSocket', () => {
  test('takes the key as a subprotocol, as browsers have to send it', async () => {
    await using gateway = await startGateway(world.engines, world.consolePath);
    const client = new SocketClient(gateway, 'from=beginning', ['streams.v1', `bearer.${key.authorization.slice('Bearer '.length)}`], {});
    await client.until(1);
    expect(client.socket.protocol).toBe('streams.v1');
    client.socket.close();
  });

  test('refuses before the upgrade: no key, a wrong one, one that may not, bad queries, other paths', async () => {
    await using gateway = await startGateway(world.engines, world.consolePath);
    const publisher = await world.key(['publish']);
    const refused = (query: string, headers: Record<string, string>): Promise<number> => new SocketClient(gateway, query, [], headers).refusal();
    expect(await refused('', {})).toBe(401);
    expect(await refused('', { authorization: 'Bearer sk_k-nobody_abcdefghijklmnopqrstuvwxyz' })).toBe(401);
    expect(await refused('', { authorization: publisher.authorization })).toBe(403);
    expect(await refused('context=nowhere', { authorization: key.authorization })).toBe(400);
    expect(await refused('from=AQ', { authorization: key.authorization })).toBe(400);
    const elsewhere = new WebSocket(`${gateway.url.replace('http', 'ws')}/elsewhere`);
    expect(
      await new Promise((resolve) => elsewhere.on('error', () => undefined).on('unexpected-response', (_, response) => resolve(response.statusCode))),
    ).toBe(404);
    expect((await ask(gateway.url, '/api/v1/events/ws', { headers: { authorization: key.authorization } })).status).toBe(426);
  });

  test('says by its close code why it ends, and gives the token before', async () => {
    const gateway = await startGateway(world.engines, world.consolePath, { checkMs: 20 });
    const own = await world.key(['view']);
    const client = new SocketClient(gateway, 'from=now', [], { authorization: own.authorization });
    const other = new SocketClient(gateway, 'from=now');
    while (client.lines.length === 0 || other.lines.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await ask(gateway.url, `/api/v1/keys/${own.id}`, { method: 'DELETE', headers: { authorization: key.authorization } });
    expect(await client.closed).toBe(1008);
    await gateway.stop();
    expect(await other.closed).toBe(1001);
    expect([client, other].map(({ lines }) => typeof lines.at(-1)?.token)).toEqual(['string', 'string']);
  });

  test('a reader that takes nothing is cut off; its last token brings it back without gap or double', async () => {
    await using gateway = await startGateway(world.engines, world.consolePath, { stallMs: 50, readersMax: 1 });
    const client = new SocketClient(gateway, 'type=purge.requested&from=now');
    while (client.lines.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    client.socket.pause();
    const ids: string[] = [];
    const wide = Array.from({ length: 300 }, (_, at) => `/${at}/${'x'.repeat(1000)}`);
    for (let at = 0; at < 60; at++) {
      ids.push(`pg-${'b'.repeat(8)}${made++}`);
      await world.facts.publish('cache', [purgeRequested.draft({ purgeId: ids.at(-1) as string, urls: wide, reason: '' })], {
        producer: { id: 'test', epoch: 1n },
      });
    }
    // There is room for one reader: the second gets in when the first was cut off.
    for (let free = false; !free;) {
      const second = new SocketClient(gateway, 'from=now');
      free = await Promise.race([second.refusal().then(() => false), new Promise<boolean>((resolve) => second.socket.on('open', () => resolve(true)))]);
      second.socket.terminate();
    }
    expect(client.socket.isPaused).toBe(true);
    client.socket.resume();
    await client.closed;
    const rest = await readOn(gateway, 'type=purge.requested', client.lines.at(-1)?.token as string, ids.length - client.events.length);
    expect(client.events.length).toBeLessThan(ids.length);
    expect(idsOf([...client.lines, ...rest])).toHaveLength(ids.length);
    expect(idsOf([...client.lines, ...rest]).sort()).toEqual(ids.sort());
  });
});
