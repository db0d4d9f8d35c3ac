import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { purgeRequested } from '#events';
import { EventService } from './grpc/generated/streams/v1/event_service_pb.ts';
import { startGateway, World, type RunningGateway } from './testing/gateway.fixture.ts';
import { GrpcClient, type Ended } from './testing/grpc-client.ts';

const { searchEvents, getCausation } = EventService.method;
let world: World;
let gateway: RunningGateway;
let client: GrpcClient;

beforeAll(async () => {
  world = await World.open();
  gateway = await startGateway(world.engines, world.consolePath);
  client = new GrpcClient(gateway.grpc, (await world.key(['admin'])).authorization);
  const drafts = ['pg-dddddddd', 'pg-eeeeeeee', 'pg-ffffffff'].map((purgeId, n) => purgeRequested.draft({ purgeId, urls: [`/${n}`], reason: `r${n}` }));
  await world.facts.publish('cache', drafts, { producer: { id: 'test', epoch: 1n }, correlationId: 'req-1', causationId: 'req-1' });
  await world.settle();
});

afterAll(async () => {
  client.close();
  await gateway.stop();
  await world.close();
});

const failed = (call: Promise<unknown>): Promise<Ended> =>
  call.then(
    () => Promise.reject(new Error('it was accepted')),
    (ended: Ended) => ended,
  );

describe('SearchEvents', () => {
  test('finds by attributes, a page at a time, and by an expression', async () => {
    const request = { filter: { contexts: ['cache'] }, correlationId: 'req-1', pageSize: 2 };
    const first = await client.unary(searchEvents, request);
    expect(first.events).toHaveLength(2);
    const second = await client.unary(searchEvents, { ...request, pageToken: first.nextPageToken });
    expect([second.events.length, second.nextPageToken]).toEqual([1, '']);
    const sifted = await client.unary(searchEvents, { filter: { contexts: ['cache'] }, where: 'data.reason == "r1"' });
    expect(sifted.events.map(({ type }) => type)).toEqual(['purge.requested']);
    expect(sifted).toMatchObject({ looked: 3, inapplicable: 0, nextPageToken: '' });
  });

  test.each([
    [{ where: 'data.x >' }, 'where'],
    [{ pageSize: 201 }, 'page_size'],
    [{ pageToken: 'x' }, 'page_token'],
    [{ filter: { key: 'k' } }, 'filter.key'],
    [{ filter: { contexts: ['nowhere'] } }, 'filter.contexts[0]'],
    [{ actor: 'x'.repeat(257) }, 'actor'],
  ])('%j is refused at its field', async (request, field) => {
    expect(await failed(client.unary(searchEvents, request))).toMatchObject({ code: 'INVALID_ARGUMENT', fields: [field] });
  });
});

test('GetCausation answers the tree of an event, and nothing for one that is not there', async () => {
  const { events } = await client.unary(searchEvents, { filter: { contexts: ['cache'] } });
  const tree = await client.unary(getCausation, { id: events[0]?.id ?? '' });
  expect([tree.causeId, tree.nodes.length, tree.truncated]).toEqual(['req-1', 3, false]);
  expect(await failed(client.unary(getCausation, { id: 'nothing' }))).toMatchObject({ code: 'NOT_FOUND' });
  expect(await failed(client.unary(getCausation, { id: 'x', nodesMax: 20_001 }))).toMatchObject({ code: 'INVALID_ARGUMENT', fields: ['nodes_max'] });
});
