import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { refusalAggregate } from '#domain/access';
import { streamsProjection } from '#domain/stream';
import { eventParked, topicPartitions } from '#events';
import { partitionOf } from '#kernel';
import { operations } from './openapi/operations.ts';
import { realEngines, startGateway, World, type RunningGateway } from './testing/gateway.fixture.ts';
import { ask, type Answer } from './testing/http-client.ts';
import { SseClient } from './testing/sse-client.ts';

const address = '203.0.113.77';
let world: World;
let gateway: RunningGateway;
let admin: { authorization: string };
let viewer: { authorization: string };

beforeAll(async () => {
  world = await World.open(await realEngines());
  gateway = await startGateway(world.engines, world.consolePath);
  admin = { authorization: (await world.key(['admin'])).authorization };
  viewer = { authorization: (await world.key(['view'])).authorization };
  for (let n = 0; n < 12; n++) await publish(n);
  const command = { address, who: 'anonymous', operation: 'listStreams', reason: 'no-credential', count: 1, firstAtMs: 1, lastAtMs: 2 };
  await world.commands.execute(refusalAggregate, `refusals/${address}`, command, { actor: 'jwt:alice', correlationId: 'req-refused' });
  await world.settle();
});

afterAll(async () => {
  await gateway.stop();
  await world.close();
});

/** Holds a successful answer to what the operation's contract says about it. */
async function get(path: string, headers = viewer): Promise<Answer> {
  const answer = await ask(gateway.url, path, { headers });
  const bare = path.split('?')[0] as string;
  const op = operations.find((each) => each.method === 'GET' && new RegExp(`^${each.path.replace(':id', '[^/]+')}$`).test(bare));
  if (answer.status === 200) expect(op?.answer?.safeParse(answer.json).error?.issues).toBeUndefined();
  return answer;
}

async function publish(n: number): Promise<void> {
  const data = { contentId: `c-${n}`, url: `https://origin.example/${n}`, contentType: n % 2 === 0 ? 'video/mp4' : 'text/html' };
  const body = {
    specversion: '1.0',
    id: `order-${n}`,
    source: '/cms',
    type: 'content.published',
    correlationid: 'req-cms',
    causationid: n === 0 ? 'req-cms' : 'order-0',
    data,
  };
  expect((await ask(gateway.url, '/api/v1/events', { method: 'POST', headers: admin, body })).status).toBe(200);
}

const search = (query: Readonly<Record<string, string>>, headers = viewer): Promise<Answer> =>
  get(`/api/v1/events/search?${new URLSearchParams(query)}`, headers);
const idsOf = ({ json }: Answer): readonly string[] => json.items.map((item: { id: string }) => item.id);

describe('searching', () => {
  test('by attributes, a page at a time, with the data that is on the log', async () => {
    const first = await search({ type: 'content.published', limit: '5' });
    expect(first.json.items[0]).toMatchObject({ type: 'content.published', topic: 'content', data: { contentId: expect.stringMatching(/^c-/) } });
    const second = await search({ type: 'content.published', limit: '100', cursor: first.json.nextCursor ?? '' });
    expect([...idsOf(first), ...idsOf(second)].toSorted()).toEqual(Array.from({ length: 12 }, (_, n) => `order-${n}`).toSorted());
    expect(second.json.nextCursor).toBeNull();
    expect(idsOf(await search({ correlationId: 'req-cms', causationId: 'req-cms' }))).toEqual(['order-0']);
    expect(idsOf(await search({ subject: 'c-7' }))).toEqual(['order-7']);
    expect(idsOf(await search({ actor: 'key:nobody' }))).toEqual([]);
  });

  test('by an expression over the data, and told where it does not apply', async () => {
    const { json } = await search({ context: 'content', where: 'data.contentType == "text/html" && data.contentId in ["c-3", "c-4", "c-5"]' });
    expect(json).toMatchObject({ nextCursor: null, looked: 12, inapplicable: null });
    expect(json.items.map(({ id }: { id: string }) => id).toSorted()).toEqual(['order-3', 'order-5']);
    const none = await search({ context: 'content', where: 'data.size > 1' });
    expect(none.json).toMatchObject({ items: [], inapplicable: { count: 12, problem: 'No such key: size' } });
  });

  test.each([
    [{ where: 'data.x >' }, 400, 'query.where: Unexpected token: EOF at character 9.'],
    [{ where: 'data.x.matches("a")' }, 400, expect.stringContaining('matches() is not available')],
    [{ where: 'x'.repeat(1001) }, 400, expect.stringContaining('query.where')],
    [{ cursor: 'abc' }, 400, 'query.cursor: This is not a cursor of a page before.'],
    [{ limit: '201' }, 400, expect.stringContaining('query.limit')],
    [{ colour: 'red' }, 400, expect.stringContaining('query.colour')],
    [{ actor: 'jwt:alice' }, 400, expect.stringContaining('personal')],
    [{ reveal: 'because' }, 403, expect.stringContaining('scope admin')],
  ])('%j is answered with %d', async (query, status, detail) => {
    const answer = await search(query);
    expect(answer.status).toBe(status);
    expect(answer.json.detail).toEqual(detail);
  });
});

describe('one event', () => {
  test('is shown as stored, with its schema, and as it is read today', async () => {
    const { json } = await get('/api/v1/events/order-3');
    expect(json).toMatchObject({
      event: { id: 'order-3', type: 'content.published' },
      ...{ storedVersion: json.version, open: true, problem: null, personal: [], revealed: false },
      schema: { type: 'object' },
      data: { contentId: 'c-3' },
    });
    expect(json.proof).toMatch(/^\/api\/v1\/ledger\/content\/\d+\/offsets\/\d+\/proof$/);
  });

  test('that is not there, or another tenant’s, is not there', async () => {
    const { authorization } = await world.key(['view'], { tenant: 'acme' });
    for (const [id, headers] of [['nothing', viewer] as const, ['order-3', { authorization }] as const]) {
      expect((await get(`/api/v1/events/${id}`, headers)).status).toBe(404);
      expect((await get(`/api/v1/events/${id}/causation`, headers)).status).toBe(404);
    }
  });

  test('has a tree of causes and effects', async () => {
    const { json } = await get('/api/v1/events/order-5/causation');
    expect(json).toMatchObject({ causeId: 'req-cms', truncated: false });
    expect(json.nodes).toHaveLength(12);
    expect(json.nodes[0]).toMatchObject({ id: 'order-0', depth: 0, parentId: null });
    expect(json.nodes.slice(1).every(({ parentId, depth }) => parentId === 'order-0' && depth === 1)).toBe(true);
  });
});

describe('personal data', () => {
  const type = { type: 'access.refused' };

  test('is masked wherever events are shown', async () => {
    const shown = [
      await search(type),
      await search(type, admin),
      await get('/api/v1/events?type=access.refused'),
      await get('/api/v1/events?type=access.refused', admin),
    ];
    for (const { json, text } of shown) {
      expect(json.items[0]).toMatchObject({ subject: 'refusals/***', actor: 'jwt:***', data: { address: '***' } });
      expect(text).not.toContain(address);
    }
    const [id] = idsOf(shown[0] as Answer);
    expect((await get(`/api/v1/events/${id}`)).text).not.toContain(address);
    expect((await get(`/api/v1/events/${id}/causation`)).text).not.toContain(address);
    const live = new SseClient();
    await live.open(gateway.url, '/api/v1/events/live?type=access.refused&from=beginning', admin);
    await live.until(1);
    expect(live.messages.map((message) => message.event)).toMatchObject([{ subject: 'refusals/***', data: { address: '***' } }]);
    live.close();
  });

  test('cannot be found out by asking for it', async () => {
    for (const query of [{ subject: `refusals/${address}` }, { subjectPrefix: 'refusals/203' }, { ...type, where: `data.address == "${address}"` }])
      expect(idsOf(await search(query))).toEqual([]);
    expect((await get(`/api/v1/events?subject=refusals/${address}`)).json.items).toEqual([]);
    expect((await get(`/api/v1/events?key=${address}`)).json.items).toEqual([]);
    expect(idsOf(await search({ ...type, where: 'data.address == "***"' }))).toHaveLength(1);
  });

  test('is shown to an admin who says why, and that is on record before', async () => {
    const found = await search({ ...type, where: `data.address == "${address}"`, reveal: 'ticket 4711' }, admin);
    expect(found.json.items[0]).toMatchObject({ actor: 'jwt:alice', data: { address } });
    const [id] = idsOf(found);
    expect((await get(`/api/v1/events/${id}?reveal=ticket%204712`, admin)).json).toMatchObject({ revealed: true, data: { address }, personal: ['address'] });
    expect((await get(`/api/v1/events/${id}?reveal=curious`)).status).toBe(403);
    expect(idsOf(await search({ ...type, where: 'data.address == "viewerleak"', subjectPrefix: 'viewerleak', reveal: 'ticket 4713' }, admin))).toEqual([]);
    await world.settle();
    const [newest, ...views] = (await search({ type: 'personal-data.viewed' })).json.items;
    expect(newest).toMatchObject({ data: { query: 'events by subjectPrefix, types, where', count: 0, reason: 'ticket 4713' } });
    const kept = await world.engines.log.read('operation', partitionOf('personal-data', topicPartitions), 0n, {
      recordsMax: 100,
      bytesMax: 1_000_000,
      waitMs: 0,
    });
    expect(kept.records.map(({ value }) => value).join(' ')).toContain('ticket 4713');
    expect(kept.records.map(({ value }) => value).join(' ')).not.toMatch(/viewerleak|203\.0/);
    expect(views.map(({ data, actor }) => [actor.slice(0, 4), data.operation, data.reason, data.eventIds])).toEqual([
      ['key:', 'showEvent', 'ticket 4712', [id]],
      ['key:', 'searchEvents', 'ticket 4711', [id]],
    ]);
  });
});

test('the read models tell their pace, and no error that is over', async () => {
  const streams = async (): Promise<object | undefined> => (await get('/api/v1/projections', admin)).json.items.find(({ name }) => name === 'streams');
  expect(await streams()).toMatchObject({ eventsPerSecond: null, lastError: null });
  const place = {
    topic: 'stream',
    partition: 3,
    offset: '17',
    eventId: 'e-17',
    eventType: 'stream.started',
    field: '',
    recordedAtMs: 1,
    attempts: 3,
    stack: '',
  };
  const parked = eventParked.draft({ ...place, code: 'PROJECTION_FAILED', message: 'cannot count', consumer: 'streams@' + streamsProjection.version });
  await world.facts.publish('operation', [parked], { producer: { id: 'test', epoch: 1n } });
  await world.settle();
  await new Promise((resolve) => setTimeout(resolve, 600));
  // It is on record that one was parked; none stands.
  expect(await streams()).toMatchObject({ eventsPerSecond: expect.any(Number), lastError: null });
});

test('a command’s events are found by its request', async () => {
  const started = await ask(gateway.url, '/api/v1/stream/start', { method: 'POST', headers: { ...admin, 'x-request-id': 'req-start' }, body: { name: 'x' } });
  await world.settle();
  const { json } = await search({ correlationId: 'req-start' });
  expect(json.items).toMatchObject([{ type: 'stream.created', subject: started.json.id, causationid: 'req-start' }]);
});
