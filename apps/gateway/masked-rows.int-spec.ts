import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { refusalAggregate } from '#domain/access';
import { QueryService } from './grpc/generated/streams/v1/query_service_pb.ts';
import { WatchService } from './grpc/generated/streams/v1/watch_service_pb.ts';
import { startGateway, World, type RunningGateway } from './testing/gateway.fixture.ts';
import { GrpcClient, type Ended } from './testing/grpc-client.ts';
import { ask, type Answer } from './testing/http-client.ts';
import { SseClient } from './testing/sse-client.ts';

const address = '203.0.113.77';
const viewer = 'v-Ada.Lovelace-4711';
const player = 'hls.js on the telephone of Ada';
const secrets = [address, viewer, player];
const masked = /^\*\*\*[\da-f]{12}$/;

let world: World;
let gateway: RunningGateway;
let [admin, looker] = ['', ''];

interface Message {
  readonly rows: ReadonlyArray<Readonly<Record<string, unknown>>>;
}

const get = (path: string, authorization = looker): Promise<Answer> => ask(gateway.url, path, { headers: { authorization } });

const failed = (call: Promise<unknown>): Promise<Ended> =>
  call.then(
    () => Promise.reject(new Error('it was accepted')),
    (ended: Ended) => ended,
  );

async function refuse(operation: string, from = address): Promise<void> {
  const refusals = { address: from, who: 'anonymous', operation, reason: 'no-credential', count: 1, firstAtMs: 1, lastAtMs: 2 };
  await world.commands.execute(refusalAggregate, `refusals/${from}`, refusals, { actor: 'anonymous', correlationId: 'req-refused' });
}

function expectNothingIn(shown: unknown): void {
  const text = JSON.stringify(shown, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
  for (const secret of secrets) expect(text).not.toContain(secret);
}

beforeAll(async () => {
  world = await World.open();
  gateway = await startGateway(world.engines, world.consolePath);
  [admin, looker] = [(await world.key(['admin'])).authorization, (await world.key(['view'])).authorization];
  const data = { sessionId: 'ps-1', assetKind: 'stream', assetId: 'st-1', startupMs: 800, player, viewer };
  const event = { specversion: '1.0', id: 'e-1', source: '/player', type: 'playback.started', data };
  expect((await ask(gateway.url, '/api/v1/events', { method: 'POST', headers: { authorization: admin }, body: event })).status).toBe(200);
  await refuse('listStreams');
  await world.settle();
});
afterAll(async () => {
  await gateway.stop();
  await world.close();
});

describe('rows', () => {
  test('are masked by REST, for everybody', async () => {
    for (const authorization of [looker, admin]) {
      const [playbacks, refusals] = [await get('/api/v1/playbacks', authorization), await get('/api/v1/refusals', authorization)];
      expect(playbacks.json.items).toMatchObject([{ id: 'ps-1', viewer: '***', player: '***', assetId: 'st-1' }]);
      expect(refusals.json.items).toContainEqual(expect.objectContaining({ operation: 'listStreams', address: expect.stringMatching(masked) }));
      const sessions = await get('/api/v1/read-models/playback_session/rows', authorization);
      expect(sessions.json.rows).toMatchObject([{ session_id: 'ps-1', viewer: '***', player: '***' }]);
      expectNothingIn([playbacks.text, refusals.text, sessions.text]);
    }
  });

  test('are masked by gRPC, for everybody', async () => {
    for (const authorization of [looker, admin]) {
      const client = new GrpcClient(gateway.grpc, authorization);
      const { playbackSessions } = await client.unary(QueryService.method.listPlaybackSessions, {});
      // Refusals are open by gRPC to who administers keys.
      const { refusals } = authorization === admin ? await client.unary(QueryService.method.listRefusals, {}) : { refusals: [] };
      expect(playbackSessions).toMatchObject([{ sessionId: 'ps-1', viewer: '***', player: '***' }]);
      for (const { address: shown } of refusals) expect(shown).toMatch(masked);
      expect(refusals).toHaveLength(authorization === admin ? 1 : 0);
      expectNothingIn([playbackSessions, refusals]);
      client.close();
    }
  });

  test('are masked when they are followed, from the first and as they change, and are told apart by their keys', async () => {
    const client = new GrpcClient(gateway.grpc, admin);
    const watching = client.serverStream(WatchService.method.watch, { where: { row: { case: 'refusal', value: {} } } });
    const live = new SseClient<Message>();
    await live.open(gateway.url, '/api/v1/read-models/refusal/live', { authorization: admin });
    await live.until(1);
    await refuse('listEdges');
    await refuse('listEdges', '203.0.113.78');
    const rowsOf = (): Message['rows'] => live.messages.flatMap(({ event }) => event.rows);
    const addressesOf = (operation: string): Set<unknown> => new Set(rowsOf().flatMap((row) => (row['operation'] === operation ? [row['address']] : [])));
    for (let count = 1; addressesOf('listEdges').size < 2; count++) await live.until(count);
    expect(addressesOf('listEdges')).toContainEqual([...addressesOf('listStreams')][0]);
    for (const one of addressesOf('listEdges')) expect(one).toMatch(masked);
    while (!JSON.stringify(watching.messages, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)).includes('listEdges'))
      await new Promise((resolve) => setTimeout(resolve, 10));
    expectNothingIn([live.messages, watching.messages]);
    live.close();
    client.close();
  });

  test('are not found by what is masked', async () => {
    const asked = await get(`/api/v1/playbacks?viewer=${viewer}`);
    expect([asked.status, asked.json.type, asked.json.errors[0]?.field]).toEqual([400, 'urn:streams:problem:personal-data', 'query.viewer']);
    const client = new GrpcClient(gateway.grpc, admin);
    const byViewer = await failed(client.unary(QueryService.method.listPlaybackSessions, { where: { viewer } }));
    expect([byViewer.code, byViewer.reason, byViewer.fields]).toEqual(['INVALID_ARGUMENT', 'PERSONAL_DATA', ['where.viewer']]);
    const key = { address, who: 'anonymous', operation: 'listStreams', reason: 'no-credential' };
    expect((await failed(client.unary(QueryService.method.getRefusal, key))).reason).toBe('PERSONAL_DATA');
    expect((await get(`/api/v1/read-models/refusal/live?where=address:${address}`, admin)).json.type).toBe('urn:streams:problem:personal-data');
    expect((await get(`/api/v1/read-models/refusal/rows?where=address:${address}`, admin)).json.type).toBe('urn:streams:problem:personal-data');
    client.close();
  });

  test('are shown to an admin who says why, and that is on record, without what was asked by', async () => {
    expect((await get('/api/v1/playbacks?reveal=curious')).status).toBe(403);
    const found = await get(`/api/v1/playbacks?viewer=${viewer}&reveal=ticket+4711`, admin);
    expect(found.json.items).toMatchObject([{ id: 'ps-1', viewer, player }]);
    expect((await get('/api/v1/refusals?reveal=ticket+4712', admin)).json.items).toContainEqual(expect.objectContaining({ address }));
    await world.settle();
    const views = (await get('/api/v1/events?type=personal-data.viewed', admin)).json.items;
    expect(views.map(({ data }: { data: object }) => data)).toMatchObject([
      { operation: 'listRefusals', query: 'refusal by time', reason: 'ticket 4712' },
      { operation: 'listPlaybacks', query: 'playback_session by viewer', count: 1, reason: 'ticket 4711' },
    ]);
    expectNothingIn(views);
  });
});
