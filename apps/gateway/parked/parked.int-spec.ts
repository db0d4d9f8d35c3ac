import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { edgesProjection } from '#domain/edge';
import { edgeReported, encodeEvent, eventParked, topicPartitions } from '#events';
import { partitionOf } from '#kernel';
import { memoryEngines, startGateway, World, type RunningGateway } from '../testing/gateway.fixture.ts';
import { ask, type Answer } from '../testing/http-client.ts';

const key = 'edge-poisoned';
const at = { topic: 'edge', partition: partitionOf(key, topicPartitions) };
const consumer = `${edgesProjection.name}@${edgesProjection.version}`;
const failure = { code: 'PROJECTION_FAILED', message: 'cannot', stack: 'RangeError: cannot' };
const id = `pk-edge-${at.partition}-0-${consumer.replace('@', '-')}`;
const unreadable = 'pk-content-3-9-all';

let world: World;
let gateway: RunningGateway;
let admin: Record<string, string>;
let operator: Record<string, string>;

beforeAll(async () => {
  world = await World.open(memoryEngines());
  gateway = await startGateway(world.engines, world.consolePath);
  admin = { authorization: (await world.key(['admin'])).authorization };
  operator = { authorization: (await world.key(['operate'])).authorization };
  const envelope = { source: '/t', time: 1, tenant: 'default', correlationId: 'c', causationId: 'c', traceparent: '', actor: 'system:t', producerEpoch: 1n };
  const about = { type: edgeReported.type, version: edgeReported.version, subject: key, key, data: edgeReported.samples.at(-1) };
  const records = Array.from({ length: 3 }, (_, n) => encodeEvent({ ...envelope, ...about, id: `id-${n}`, streamVersion: BigInt(n) }));
  // Another tenant has the same key: it does not wait.
  records.splice(1, 0, encodeEvent({ ...envelope, ...about, id: 'id-other', tenant: 'other', streamVersion: 9n }));
  await world.engines.log.append('edge', records);
  await world.settle();
  // As the host would have parked the first of them, had it failed.
  const parked = { offset: 0n, key, tenant: 'default', eventId: 'id-0', eventType: edgeReported.type, recordedAtMs: 1, failure, attempts: 5 };
  const holds = { parked: [parked], held: [{ key, tenant: 'default', count: 2, last: 3n }], released: [] };
  await world.engines.projections.commit({ projection: edgesProjection, at, from: 4n, to: 4n, epoch: 1_000n, changes: [], holds });
  const told = { eventId: 'id-0', eventType: edgeReported.type, field: '', ...failure, attempts: 5, recordedAtMs: 1 };
  const facts = [
    eventParked.draft({ ...at, offset: '0', consumer, ...told }),
    // Its read model was built anew since: nothing of it waits.
    eventParked.draft({ ...at, offset: '1', consumer, ...told, eventId: 'id-1', recordedAtMs: 2 }),
    eventParked.draft({ topic: 'content', partition: 3, offset: '9', consumer: '*', ...told, code: 'EVENT_TYPE_UNKNOWN', attempts: 1, stack: '' }),
  ];
  await world.facts.publish('operation', facts, { producer: { id: 'test:parked', epoch: 1n } });
  await world.settle();
});

afterAll(async () => {
  await gateway.stop();
  await world.close();
});

const get = (path: string, headers = operator): Promise<Answer> => ask(gateway.url, `/api/v1/events/parked${path}`, { headers });
const post = (path: string, body: unknown): Promise<Answer> => ask(gateway.url, `/api/v1/events/parked${path}`, { method: 'POST', body, headers: operator });

describe('parked events over REST', () => {
  test.each([
    ['', 3],
    [`?consumer=${consumer}`, 2],
    ['?consumer=*&code=EVENT_TYPE_UNKNOWN', 1],
    ['?topic=stream', 0],
    ['?state=redriven', 0],
    // What is gone waits for nobody.
    ['?state=parked&type=edge.reported', 2],
    [`?state=parked&consumer=${consumer}&limit=1`, 1],
  ])('are listed by %j: %i', async (query, count) => {
    const { status, json } = await get(query);
    expect([status, (json.items as unknown[]).length]).toEqual([200, count]);
  });

  test('are shown with what waits behind them; the record itself to admins alone', async () => {
    const { json } = await get(`/${id}`);
    expect(json).toMatchObject({
      id,
      state: 'parked',
      consumer,
      attempts: 5,
      held: 2,
      key,
      tenant: 'default',
      next: '0',
      stack: 'RangeError: cannot',
      record: null,
    });
    expect(json.waiting).toEqual([1, 2].map((n) => ({ offset: String(n + 1), eventId: `id-${n}`, eventType: edgeReported.type })));
    expect((await get(`/${id}`, admin)).json.record).toMatchObject({ key, headers: { ce_id: 'id-0' } });
  });

  test('are asked for, once at a time', async () => {
    expect(await post(`/${id}/retry`, { reason: 'mended' })).toMatchObject({ status: 202, json: { id, state: 'retrying' } });
    await world.settle();
    expect((await get(`/${id}`)).json).toMatchObject({ state: 'retrying', stateNote: 'mended' });
    expect((await post(`/${id}/retry`, {})).status).toBe(202);
    expect(await post(`/${id}/discard`, { reason: 'a test' })).toMatchObject({ status: 409 });
    expect(await post('/retry', { consumer: '*' })).toMatchObject({ status: 202, json: { ids: [unreadable], more: false } });
  });

  test.each([
    ['a discard without a reason', `/${id}/discard`, {}, 400],
    ['an id that is none', '/pk-nothing/retry', {}, 400],
    ['one that never was', '/pk-edge-0-77-all/retry', {}, 404],
    ['a filter that there is not', '/retry', { colour: 'red' }, 400],
  ])('%s is refused', async (_what, path, body, status) => expect((await post(path, body)).status).toBe(status));

  test('are the last error of their read model until they are dealt with', async () => {
    const lastError = async (): Promise<unknown> => {
      const { json } = await ask(gateway.url, '/api/v1/projections', { headers: operator });
      const items = json.items as readonly object[] as readonly { readonly name: string; readonly lastError: unknown }[];
      return items.find(({ name }) => name === edgesProjection.name)?.lastError;
    };
    const place = `edge/${at.partition}/0`;
    expect(await lastError()).toEqual({ code: 'PROJECTION_FAILED', message: 'cannot', place, eventId: 'id-0', at: expect.any(String) });
    const redriven = { projection: edgesProjection, at, epoch: 1_000n, offset: 0n, from: 0n, to: 4n, applied: 3, changes: [] };
    await world.engines.projections.redrive({ ...redriven, outcome: { kind: 'taken' } });
    expect(await lastError()).toBeNull();
  });

  test('are gone when the read model was built anew', async () => {
    await world.engines.projections.reset(edgesProjection);
    expect((await get(`/${id}`)).json).toMatchObject({ held: 0, key: null, tenant: null, waiting: [] });
  });
});
