import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { purgeRequested } from '#events';
import { SecretStore } from '#ports';
import { WebSocket } from 'ws';
import { EventService, type SubscribeResponse } from './grpc/generated/streams/v1/event_service_pb.ts';
import { WatchService, type WatchResponse } from './grpc/generated/streams/v1/watch_service_pb.ts';
import { memoryEngines, startGateway, World, type RunningGateway } from './testing/gateway.fixture.ts';
import { GrpcClient } from './testing/grpc-client.ts';
import { ask } from './testing/http-client.ts';
import { SseClient } from './testing/sse-client.ts';

/** A platform with a log of its own and as many events as the other, so that no place of one lies beyond the end of the other. */
interface Platform {
  readonly world: World;
  readonly gateway: RunningGateway;
  readonly headers: { readonly authorization: string };
  readonly grpc: GrpcClient;
}

const purges = 30;

async function open(secrets: SecretStore): Promise<Platform> {
  const world = await World.open({ ...memoryEngines(), secrets });
  const gateway = await startGateway(world.engines, world.consolePath);
  const headers = { authorization: (await world.key(['admin'])).authorization };
  const facts = Array.from({ length: purges }, (_, at) => purgeRequested.draft({ purgeId: `pg-${'d'.repeat(8)}${at}`, urls: ['/x'], reason: '' }));
  await world.facts.publish('cache', facts, { producer: { id: 'test', epoch: 1n } });
  await world.settle();
  return { world, gateway, headers, grpc: new GrpcClient(gateway.grpc, headers.authorization) };
}

async function close({ world, gateway, grpc }: Platform): Promise<void> {
  grpc.close();
  await gateway.stop();
  await world.close();
}

/** Tokens that a platform gave, one of each kind. */
interface Tokens {
  readonly history: string;
  readonly events: string;
  readonly rows: string;
}

async function tokensOf({ gateway, headers, grpc }: Platform): Promise<Tokens> {
  const page = await ask(gateway.url, '/api/v1/events?context=cache&limit=5', { headers });
  const reading = grpc.serverStream(EventService.method.subscribe, { filter: { contexts: ['cache'] } });
  await reading.until((messages) => messages.length > 0);
  reading.cancel();
  const watch = grpc.serverStream(WatchService.method.watch, { where: { row: { case: 'purge', value: {} } } });
  await watch.until((messages) => messages.some(({ token }) => token !== ''));
  watch.cancel();
  return {
    history: page.json.nextCursor ?? '',
    events: (reading.messages[0] as SubscribeResponse).token,
    rows: (watch.messages as WatchResponse[]).find(({ token }) => token !== '')?.token ?? '',
  };
}

/** What a WebSocket is refused with. */
function socketRefusal({ gateway, headers }: Platform, path: string): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}${path}`, { headers });
    socket.on('open', () => reject(new Error('it was taken')));
    socket.on('error', () => undefined);
    socket.on('unexpected-response', (_request, response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve([response.statusCode, JSON.parse(text).type]));
    });
  });
}

const problem = 'urn:streams:problem:token-of-another-log';

async function expectRefused(platform: Platform, { history, events, rows }: Tokens): Promise<void> {
  const { gateway, headers, grpc } = platform;
  const paths: ReadonlyArray<readonly [string, string]> = [
    [`/api/v1/events?context=cache&limit=5&cursor=${history}`, 'query.cursor'],
    [`/api/v1/events/live?context=cache&from=${events}`, 'query.from'],
    [`/api/v1/events/stream?context=cache&from=${events}`, 'query.from'],
    [`/api/v1/read-models/purge/live?from=${rows}`, 'query.from'],
  ];
  for (const [path, field] of paths) {
    const { status, json } = await ask(gateway.url, path, { headers });
    expect([path, status, json.type, json.errors]).toEqual([path, 400, problem, [{ field, message: expect.stringContaining('Begin anew') }]]);
  }
  const browser = await ask(gateway.url, '/api/v1/events/live?context=cache', { headers: { ...headers, 'last-event-id': events } });
  expect([browser.status, browser.json.type]).toEqual([400, problem]);
  expect(await socketRefusal(platform, `/api/v1/events/ws?context=cache&from=${events}`)).toEqual([400, problem]);
  expect(await socketRefusal(platform, `/api/v1/read-models/purge/ws?from=${rows}`)).toEqual([400, problem]);

  const credit = grpc.bidi(EventService.method.subscribeWithCredit);
  credit.write({ request: { case: 'begin', value: { filter: { contexts: ['cache'] }, start: { case: 'token', value: events } } } });
  const calls = [
    grpc.serverStream(EventService.method.subscribe, { filter: { contexts: ['cache'] }, start: { case: 'token', value: events } }),
    grpc.serverStream(WatchService.method.watch, { where: { row: { case: 'purge', value: {} } }, token: rows }),
    credit,
  ];
  for (const call of calls) {
    const { code, reason, fields } = await call.ended;
    expect([code, reason, fields]).toEqual(['INVALID_ARGUMENT', 'TOKEN_OF_ANOTHER_LOG', ['token']]);
  }
}

let mine: Platform;
let tokens: Tokens;

beforeAll(async () => {
  mine = await open(memoryEngines().secrets);
  tokens = await tokensOf(mine);
});

afterAll(() => close(mine));

describe('a token of another log', () => {
  test('is good in its own', async () => {
    const { status, json } = await ask(mine.gateway.url, `/api/v1/events?context=cache&limit=5&cursor=${tokens.history}`, { headers: mine.headers });
    expect([status, json.items.length]).toEqual([200, 5]);
    const reading = mine.grpc.serverStream(EventService.method.subscribe, { filter: { contexts: ['cache'] }, start: { case: 'token', value: tokens.events } });
    await reading.until((messages) => messages.length > 0);
    reading.cancel();
    const client = new SseClient(tokens.rows);
    expect(await client.open(mine.gateway.url, '/api/v1/read-models/purge/live', mine.headers)).toBe(200);
    client.close();
  });

  test.each(['the same database, whose log was moved', 'another installation'])('is refused by every protocol, and told what it is: %s', async (of) => {
    const theirs = await open(of === 'another installation' ? memoryEngines().secrets : mine.world.engines.secrets);
    try {
      await expectRefused(theirs, tokens);
    } finally {
      await close(theirs);
    }
  });
});
