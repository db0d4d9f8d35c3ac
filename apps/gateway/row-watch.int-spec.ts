import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { purgeRequested } from '#events';
import { WebSocket } from 'ws';
import { startGateway, World, type RunningGateway } from './testing/gateway.fixture.ts';
import { ask } from './testing/http-client.ts';
import { SseClient } from './testing/sse-client.ts';

let world: World;
let gateway: RunningGateway;
let headers: { authorization: string };

beforeAll(async () => {
  world = await World.open();
  gateway = await startGateway(world.engines, world.consolePath);
  headers = { authorization: (await world.key(['admin'])).authorization };
});

afterAll(async () => {
  await gateway.stop();
  await world.close();
});

const live = '/api/v1/read-models/purge/live';
let made = 0;

async function purge(times: number): Promise<string[]> {
  const ids = Array.from({ length: times }, () => `pg-${'e'.repeat(8)}${String(made++).padStart(4, '0')}`);
  await world.facts.publish(
    'cache',
    ids.map((purgeId) => purgeRequested.draft({ purgeId, urls: ['/x'], reason: 'because' })),
    { producer: { id: 'test', epoch: 1n } },
  );
  return ids;
}

interface Message {
  readonly token?: string;
  readonly snapshot: boolean;
  readonly rows: ReadonlyArray<Readonly<Record<string, unknown>>>;
}

const messagesOf = (client: SseClient<Message>): Message[] => client.messages.map(({ event }) => event);
const idsOf = (messages: readonly Message[]): unknown[] => messages.flatMap(({ rows }) => rows.map((row) => row['purge_id']));
const idsOfKeys = (messages: readonly Message[]): unknown[] => messages.flatMap(({ rows }) => rows.map((row) => row['key_id']));

/** Reads on until every id was there. */
async function untilSeen(client: SseClient<Message>, ids: readonly string[]): Promise<void> {
  for (let count = 1; !ids.every((id) => idsOf(messagesOf(client)).includes(id)); count++) await client.until(count);
}

/** Messages of a WebSocket until it holds, and how it closes. */
class RowSocket {
  readonly messages: Message[] = [];
  readonly socket: WebSocket;
  readonly closed: Promise<number>;
  readonly opened: Promise<undefined>;
  #waiters: Array<() => void> = [];

  constructor(of: RunningGateway, path: string, authorization = headers.authorization) {
    this.socket = new WebSocket(`${of.url.replace('http', 'ws')}${path}`, { headers: { authorization } });
    this.socket.on('message', (data: Buffer) => {
      this.messages.push(JSON.parse(data.toString()) as Message);
      for (const wake of this.#waiters.splice(0)) wake();
    });
    this.socket.on('error', () => undefined);
    this.opened = new Promise((resolve) => this.socket.on('open', () => resolve(undefined)));
    this.closed = new Promise((resolve) => this.socket.on('close', resolve));
  }

  async until(holds: (messages: readonly Message[]) => boolean): Promise<void> {
    while (!holds(this.messages)) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  refusal(): Promise<number | undefined> {
    return new Promise((resolve) => this.socket.on('unexpected-response', (_request, response) => resolve(response.statusCode)));
  }
}

describe('the rows of a read model, live', () => {
  test('the rows as they are, then those that change, as JSON', async () => {
    const before = await purge(3);
    await world.settle();
    const client = new SseClient<Message>();
    expect(await client.open(gateway.url, live, headers)).toBe(200);
    await untilSeen(client, before);
    const after = await purge(2);
    await untilSeen(client, after);
    client.close();
    const messages = messagesOf(client);
    expect(idsOf(messages.filter(({ snapshot }) => snapshot))).toEqual(expect.arrayContaining(before));
    const changed = messages.filter(({ snapshot }) => !snapshot);
    expect(idsOf(changed).toSorted()).toEqual(after);
    expect(changed[0]?.rows[0]).toEqual(expect.objectContaining({ reason: 'because', urls: ['/x'], tenant: 'default' }));
    expect(typeof changed[0]?.rows[0]?.['requested_at_ms']).toBe('number');
  });

  test('broken off and resumed, by both protocols in turn and on another gateway: every change once, no row again', async () => {
    await using other = await startGateway(world.engines, world.consolePath);
    const client = new SseClient<Message>();
    await client.open(gateway.url, live, headers);
    await untilSeen(client, await purge(1));
    client.close();
    await client.closed;
    const first = await purge(4);
    const socket = new RowSocket(other, `/api/v1/read-models/purge/ws?from=${client.lastId}`);
    await socket.until((messages) => first.every((id) => idsOf(messages).includes(id)));
    expect(idsOf(socket.messages).toSorted()).toEqual(first);
    const token = socket.messages.findLast((message) => message.token !== undefined)?.token as string;
    socket.socket.terminate();
    const second = await purge(4);
    const again = new SseClient<Message>(token);
    await again.open(gateway.url, live, headers);
    await untilSeen(again, second);
    again.close();
    expect(idsOf(messagesOf(again)).toSorted()).toEqual(second);
    expect(messagesOf(again).every(({ snapshot }) => !snapshot)).toBe(true);
  });

  test('one row by its key; a token is for one table and condition', async () => {
    const [one] = await purge(2);
    await world.settle();
    const client = new SseClient<Message>();
    await client.open(gateway.url, `${live}?where=purge_id:${one}`, headers);
    await client.until(1);
    client.close();
    expect(idsOf(messagesOf(client))).toEqual([one]);
    const refused = async (path: string): Promise<unknown[]> => {
      const { status, json } = await ask(gateway.url, `/api/v1/read-models/${path}`, { headers });
      return [status, json.type, json.errors?.map(({ field }: { field: string }) => field)];
    };
    const problem = (code: string): string => `urn:streams:problem:${code}`;
    expect(await refused(`purge/live?from=${client.lastId}`)).toEqual([400, problem('token-of-other-filter'), ['query.from']]);
    expect(await refused(`stream/live?from=${client.lastId}`)).toEqual([400, problem('token-of-other-filter'), ['query.from']]);
    expect(await refused('purge/live?from=AAAA')).toEqual([400, problem('token-invalid'), ['query.from']]);
    expect(await refused('purge/live?where=reason:a')).toEqual([400, problem('invalid-request'), ['query.where']]);
    expect(await refused('purge/live?where=purge_id:%00')).toEqual([400, problem('invalid-request'), ['query.where']]);
    expect(await refused('nothing/live')).toEqual([404, problem('unknown-table'), undefined]);
    expect((await refused('purge/ws'))[0]).toBe(426);
    expect(await new RowSocket(gateway, '/api/v1/read-models/nothing/ws').refusal()).toBe(404);
    expect(await new RowSocket(gateway, '/api/v1/read-models/purge/ws?from=AAAA').refusal()).toBe(400);
    expect(await new RowSocket(gateway, '/api/v1/read-models/purge/ws', 'Bearer nobody').refusal()).toBe(401);
  });

  test('another tenant has its own rows, and no use of a token that is not its own', async () => {
    const mine = await purge(2);
    await world.settle();
    const client = new SseClient<Message>();
    await client.open(gateway.url, live, headers);
    await untilSeen(client, mine);
    client.close();
    const acme = { authorization: (await world.key(['view'], { tenant: 'acme' })).authorization };
    const theirs = new SseClient<Message>();
    expect(await theirs.open(gateway.url, live, acme)).toBe(200);
    await theirs.until(1);
    theirs.close();
    expect(idsOf(messagesOf(theirs))).toEqual([]);
    expect((await ask(gateway.url, `${live}?from=${client.lastId}`, { headers: acme })).status).toBe(400);
    expect((await ask(gateway.url, '/api/v1/read-models/access_key/live', { headers: acme })).status).toBeGreaterThanOrEqual(403);
  });

  /** Purges as heavy as they may be, until a reader that takes nothing is cut off: there is room for one, so the second then gets in. */
  async function purgeUntilFree(other: World, of: RunningGateway, authorization: string): Promise<string[]> {
    const urls = Array.from({ length: 200 }, (_, at) => `/${at}/${'x'.repeat(1000)}`);
    const ids: string[] = [];
    const second = new SseClient<Message>();
    while ((await second.open(of.url, live, { authorization })) !== 200) {
      const id = `pg-${'f'.repeat(8)}${String(made++).padStart(4, '0')}`;
      await other.facts.publish('cache', [purgeRequested.draft({ purgeId: id, urls, reason: '' })], { producer: { id: 'test', epoch: 1n } });
      ids.push(id);
    }
    second.close();
    return ids;
  }

  test("what happens to other tenants' rows is no news, over any protocol", async () => {
    const [acme, globex] = [await world.key(['view', 'admin'], { tenant: 'acme' }), await world.key(['view', 'admin'], { tenant: 'globex' })];
    await using own = await startGateway(world.engines, world.consolePath, { heartbeatMs: 3_600_000 });
    await world.settle();
    const rows = new RowSocket(own, '/api/v1/read-models/api_key/ws', acme.authorization);
    await rows.until((messages) => messages.length > 0);
    const events = new WebSocket(`${own.url.replace('http', 'ws')}/api/v1/events/ws`, { headers: { authorization: acme.authorization } });
    const lines: string[] = [];
    events.on('message', (data: Buffer) => lines.push(data.toString()));
    await new Promise((resolve) => events.once('open', resolve));
    const opening = rows.messages.length;
    const issue = async ({ authorization }: { authorization: string }): Promise<string> =>
      (await ask(own.url, '/api/v1/keys', { method: 'POST', headers: { authorization }, body: { name: 'x', scopes: ['view'] } })).json.id as string;
    for (let times = 0; times < 5; times++) {
      await issue(globex);
      await world.settle();
    }
    const mine = await issue(acme);
    await rows.until((messages) => JSON.stringify(messages).includes(mine));
    while (!lines.some((line) => line.includes(mine))) await new Promise((resolve) => setTimeout(resolve, 5));
    const told = rows.messages.slice(opening);
    expect(idsOfKeys(told)).toEqual([mine]);
    // A token alone every ten seconds at most, however much others do.
    expect(told.filter(({ rows: changed }) => changed.length === 0).length).toBeLessThanOrEqual(1);
    expect(lines.slice(1).map((line) => (JSON.parse(line) as { event?: { subject: string } }).event?.subject)).toEqual([mine]);
    events.terminate();
    rows.socket.terminate();
  });

  test('a reader that takes nothing is cut off by either protocol, and resumes from its last token without a gap', async () => {
    const other = await World.open();
    const { authorization } = await other.key(['admin']);
    await using own = await startGateway(other.engines, other.consolePath, { stallMs: 50, readersMax: 1 });
    const stream = new SseClient<Message>();
    await stream.open(own.url, live, { authorization });
    await stream.begun();
    stream.pause();
    const first = await purgeUntilFree(other, own, authorization);
    stream.resume();
    await stream.closed;
    expect(idsOf(messagesOf(stream)).length).toBeLessThan(first.length);
    const shown = stream.messages.length;
    // On a busy machine it may be cut off again, and comes back again.
    while (!first.every((id) => idsOf(messagesOf(stream)).includes(id))) {
      if ((await stream.open(own.url, live, { authorization })) === 200) await Promise.race([untilSeen(stream, first), stream.closed]);
      else await new Promise((resolve) => setTimeout(resolve, 20));
    }
    stream.close();
    expect(
      messagesOf(stream)
        .slice(shown)
        .every(({ snapshot }) => !snapshot),
    ).toBe(true);

    const path = '/api/v1/read-models/purge/ws';
    let socket = new RowSocket(own, `${path}?from=${stream.lastId}`, authorization);
    while ((await Promise.race([socket.opened, socket.refusal()])) === 503) socket = new RowSocket(own, `${path}?from=${stream.lastId}`, authorization);
    socket.socket.pause();
    const second = await purgeUntilFree(other, own, authorization);
    socket.socket.resume();
    await socket.closed;
    expect(idsOf(socket.messages).length).toBeLessThan(second.length);
    const lastOf = (messages: readonly Message[]): string => messages.findLast(({ token }) => token !== undefined)?.token ?? stream.lastId;
    const seen = [...socket.messages];
    while (!second.every((id) => idsOf(seen).includes(id))) {
      const again = new RowSocket(own, `${path}?from=${lastOf(seen)}`, authorization);
      await Promise.race([again.until((messages) => second.every((id) => idsOf([...seen, ...messages]).includes(id))), again.closed]);
      again.socket.terminate();
      seen.push(...again.messages);
    }
    expect(seen.every(({ snapshot }) => !snapshot)).toBe(true);
    await own.stop();
    await other.close();
  });

  test('a key that is revoked ends it, and a server that stops says so', async () => {
    const own = await startGateway(world.engines, world.consolePath, { checkMs: 20 });
    const key = await world.key(['view']);
    const [revoked, other] = [new RowSocket(own, '/api/v1/read-models/purge/ws', key.authorization), new RowSocket(own, '/api/v1/read-models/purge/ws')];
    await Promise.all([revoked, other].map((one) => one.until((messages) => messages.some(({ token }) => token !== undefined))));
    await ask(gateway.url, `/api/v1/keys/${key.id}`, { method: 'DELETE', headers });
    expect(await revoked.closed).toBe(1008);
    await own.stop();
    expect(await other.closed).toBe(1001);
  });
});
