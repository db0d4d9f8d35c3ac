import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { contentPublished, contentWithdrawn, playbackStarted, topicPartitions } from '#events';
import { OperatingError } from '#kernel';
import { intakeLimits } from '#runtime';
import { startGateway, World, type RunningGateway } from './testing/gateway.fixture.ts';
import type { EventBody } from './testing/answer-body.ts';
import { ask, type Answer } from './testing/http-client.ts';

let world: World;
let gateway: RunningGateway;
let publisher: { authorization: string };
let viewer: { authorization: string };

beforeAll(async () => {
  world = await World.open();
  gateway = await startGateway(world.engines, world.consolePath);
  publisher = { authorization: (await world.key(['publish'])).authorization };
  viewer = { authorization: (await world.key(['view'])).authorization };
});

afterAll(async () => {
  await gateway.stop();
  await world.close();
});

const path = '/api/v1/events';
const sample = contentPublished.samples[0] as Record<string, unknown>;

function event(id: string, data: object = {}, attributes: object = {}): Record<string, unknown> {
  return { specversion: '1.0', id, type: contentPublished.type, source: '/cms', ...attributes, data: { ...sample, contentId: id, ...data } };
}

function send(body: unknown, type = 'application/cloudevents+json', headers: Record<string, string> = publisher): Promise<Answer> {
  return ask(gateway.url, path, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { ...headers, 'content-type': type },
  });
}

async function countOf(topic: string): Promise<number> {
  const heads = await world.engines.log.heads(topic);
  return heads.reduce((sum, { high }) => sum + Number(high), 0);
}

describe('events are published', () => {
  test('one, and it is a row of the read model', async () => {
    const answer = await send(event('one', { title: 'First' }, { time: '2026-11-01T10:00:00Z', region: 'eu' }));
    expect({ status: answer.status, json: answer.json }).toEqual({
      status: 200,
      json: { events: [{ id: 'one', topic: 'content', partition: expect.any(Number), offset: expect.any(String), duplicate: false }] },
    });
    await world.settle();
    const shown = await ask(gateway.url, '/api/v1/contents/one', { headers: viewer });
    expect(shown.json).toMatchObject({
      id: 'one',
      status: 'published',
      title: 'First',
      url: sample['url'],
      tags: sample['tags'],
      publishedBy: expect.stringMatching(/^key:k-/),
    });
    expect(shown.json.firstPublishedAt).toBe('2026-11-01T10:00:00.000Z');
  });

  test('again: the same place, and no second record', async () => {
    const first = await send(event('twice'));
    const before = await countOf('content');
    const again = await send(event('twice'));
    expect(again.json.events).toEqual([{ ...first.json.events[0], duplicate: true }]);
    expect(await countOf('content')).toBe(before);
  });

  test('a batch, over two topics', async () => {
    const batch = [event('b-1'), { ...event('b-2'), type: playbackStarted.type, data: playbackStarted.samples[0] }, event('b-3')];
    const answer = await send(batch, 'application/cloudevents-batch+json; charset=utf-8');
    expect(answer.json.events.map((each: { id: string; topic: string }) => [each.id, each.topic])).toEqual([
      ['b-1', 'content'],
      ['b-2', 'playback'],
      ['b-3', 'content'],
    ]);
    expect((await send([], 'application/cloudevents-batch+json')).json).toEqual({ events: [] });
  });

  test('lines of JSON, plain JSON, base64', async () => {
    const lines = await send(`${JSON.stringify(event('l-1'))}\n${JSON.stringify(event('l-2'))}\n`, 'application/x-ndjson');
    expect(lines.json.events).toHaveLength(2);
    expect((await send(event('p-1'), 'application/json')).json.events).toHaveLength(1);
    expect((await send([event('p-2')], 'application/json')).json.events).toHaveLength(1);
    const { data, ...rest } = event('p-3');
    const base64 = { ...rest, data_base64: Buffer.from(JSON.stringify(data)).toString('base64') };
    expect((await send(base64)).json.events).toHaveLength(1);
  });

  test('attributes as headers, the data as the body', async () => {
    const attributes = { 'ce-specversion': '1.0', 'ce-id': 'h-1', 'ce-type': contentWithdrawn.type, 'ce-source': '/caf%C3%A9', 'ce-shop': 'caf%C3%A9' };
    const answer = await send({ contentId: 'one', reason: 'gone' }, 'application/json', { ...publisher, ...attributes });
    expect(answer.json.events).toMatchObject([{ id: 'h-1', topic: 'content' }]);
    const { partition, offset } = answer.json.events[0] as EventBody;
    const { records } = await world.engines.log.read('content', partition, BigInt(offset), { recordsMax: 1, bytesMax: 1e6, waitMs: 0 });
    expect(records[0]?.headers).toMatchObject({ ce_source: '/café', ce_shop: 'café', ce_subject: 'one' });
    await world.settle();
    const listed = await ask(gateway.url, '/api/v1/contents?status=withdrawn', { headers: viewer });
    expect(listed.json).toEqual({ items: [expect.objectContaining({ id: 'one', statusReason: 'gone', title: 'First' })], nextAfter: null });
  });

  test('content is listed by pages', async () => {
    await world.settle();
    const first = await ask(gateway.url, '/api/v1/contents?limit=2', { headers: viewer });
    expect(first.json.items).toHaveLength(2);
    const rest = await ask(gateway.url, `/api/v1/contents?after=${first.json.nextAfter}`, { headers: viewer });
    expect((rest.json.items[0]?.id ?? '') > first.json.nextAfter).toBe(true);
    expect((await ask(gateway.url, '/api/v1/contents/none', { headers: viewer })).status).toBe(404);
  });
});

describe('what is refused is named, and leaves nothing behind', () => {
  test.each<[string, () => Promise<Answer>, number, string, string | undefined]>([
    ['no key', () => send(event('x'), undefined, {}), 401, 'unauthenticated', undefined],
    ['a key that may only view', () => send(event('x'), undefined, viewer), 403, 'missing-scope', undefined],
    ['a decision of the platform', () => send(event('x', {}, { type: 'stream.stopped' })), 403, 'event-not-open', 'body.type'],
    ['another tenant', () => send(event('x', {}, { tenant: 'other' })), 403, 'event-tenant-forbidden', 'body.tenant'],
    ['an unknown type', () => send(event('x', {}, { type: 'content.eaten' })), 400, 'event-type-unknown', 'body.type'],
    ['an unknown version', () => send(event('x', {}, { dataversion: 7 })), 400, 'event-version-unknown', 'body.dataversion'],
    ['wrong data', () => send(event('x', { sizeBytes: -1 })), 400, 'event-data-invalid', 'body.data.sizeBytes'],
    [
      'wrong data in the middle',
      () => send([event('x'), event('y', { url: '' })], 'application/cloudevents-batch+json'),
      400,
      'event-data-invalid',
      'body.1.data.url',
    ],
    ['30 February', () => send(event('x', {}, { time: '2026-02-30T00:00:00Z' })), 400, 'event-attribute-invalid', 'body.time'],
    ['data twice', () => send(event('x', {}, { data_base64: 'e30=' })), 400, 'event-data-invalid', 'body.data_base64'],
    ['bytes that are no text', () => send({ ...event('x'), data: undefined, data_base64: 'eyJhIjoi//8ifQ==' }), 400, 'event-data-invalid', 'body.data_base64'],
    ['an actor', () => send(event('x', {}, { actor: 'system' })), 400, 'event-attribute-reserved', 'body.actor'],
    ['no event', () => send('7'), 400, 'event-attribute-invalid', 'body.specversion'],
    ['null', () => send('null'), 400, 'event-attribute-invalid', 'body.specversion'],
    ['nonsense in a batch', () => send('[7, null, "x", []]', 'application/cloudevents-batch+json'), 400, 'event-attribute-invalid', 'body.0.specversion'],
    ['an event of two megabytes', () => send(event('x', { title: 'x'.repeat(2 ** 21) })), 400, 'event-data-invalid', 'body.data.title'],
    [
      'data with a megabyte of spaces',
      () => send({ ...event('x'), data: undefined, data_base64: Buffer.from(JSON.stringify(sample) + ' '.repeat(2 ** 20)).toString('base64') }),
      413,
      'event-too-large',
      'body.data',
    ],
    [
      'too many events',
      () =>
        send(
          Array.from({ length: intakeLimits.eventsMax + 1 }, (_, at) => event(`n-${at}`)),
          'application/cloudevents-batch+json',
        ),
      413,
      'too-many-events',
      undefined,
    ],
    ['a body of five megabytes', () => send(' '.repeat(5 * 2 ** 20)), 413, 'body-too-large', undefined],
    ['no JSON', () => send('{'), 400, 'malformed-json', undefined],
    ['half a line', () => send(`${JSON.stringify(event('x'))}\n{`, 'application/x-ndjson'), 400, 'malformed-json', undefined],
    ['an empty body', () => send(''), 400, 'malformed-json', undefined],
    ['XML', () => send('<a/>', 'application/xml'), 415, 'unsupported-media-type', undefined],
    ['a broken header', () => send({}, 'application/json', { ...publisher, 'ce-specversion': '1.0', 'ce-id': '%zz' }), 400, 'invalid-request', 'headers.ce-id'],
  ])('%s', async (_what, request, status, code, field) => {
    const before = [await countOf('content'), await countOf('playback')];
    const answer = await request();
    expect({ status: answer.status, type: answer.json?.type }).toEqual({ status, type: `urn:streams:problem:${code}` });
    expect(answer.headers['content-type']).toContain('application/problem+json');
    if (code === 'body-too-large') expect(answer.json.detail).toContain('4 MiB');
    if (code === 'unsupported-media-type') expect(answer.json.detail).toContain('application/cloudevents-batch+json');
    if (field !== undefined) expect(answer.json.errors).toContainEqual(expect.objectContaining({ field }));
    expect([await countOf('content'), await countOf('playback')]).toEqual(before);
  });

  test('an id of other content is a conflict, and its batch is not written', async () => {
    await send(event('taken'));
    const before = await countOf('content');
    const answer = await send([event('free'), event('taken', { title: 'Other' })], 'application/cloudevents-batch+json');
    expect(answer.status).toBe(409);
    expect(answer.json.events).toEqual([{ index: 1, id: 'taken', code: 'EVENT_ID_CONFLICT', field: 'id', message: expect.any(String) }]);
    expect(await countOf('content')).toBe(before);
    expect((await send(event('free'))).json.events).toMatchObject([{ duplicate: false }]);
  });
});

describe('the catalogue', () => {
  test('lists what may be published, and shows every version with its schema and a sample', async () => {
    const open = await ask(gateway.url, '/api/v1/catalogue?open=true', { headers: publisher });
    expect(open.json.items.map((each: { type: string }) => each.type)).toContain(contentPublished.type);
    expect(open.json.items.map((each: { type: string }) => each.type)).not.toContain('stream.stopped');
    const shown = await ask(gateway.url, '/api/v1/catalogue/key.issued', { headers: viewer });
    expect(shown.json).toMatchObject({ type: 'key.issued', version: 3, open: false, context: 'access' });
    expect(shown.json.versions.map((each) => [each.version, each.schema.$id])).toEqual([
      [1, 'urn:streams:event:key.issued:1'],
      [2, 'urn:streams:event:key.issued:2'],
      [3, 'urn:streams:event:key.issued:3'],
    ]);
    expect((await ask(gateway.url, '/api/v1/catalogue/nonsense', { headers: viewer })).status).toBe(404);
  });
});

describe('what came past the door', () => {
  test('is parked, and everybody who reads the log goes on', async () => {
    const operator = { authorization: (await world.key(['operate'])).authorization };
    await send(event('before'));
    await world.engines.log.append('content', [
      { key: 'x', headers: {}, value: 'nonsense' },
      { key: 'x', headers: { ce_type: contentPublished.type, ce_id: 'half', ce_tenant: 'default' }, value: '{"contentId":7}' },
    ]);
    await send(event('after'));
    await world.settle();
    const parked = await ask(gateway.url, '/api/v1/events/parked?topic=content', { headers: operator });
    expect(parked.json.items.map((each: { code: string; field: string; eventId: string }) => [each.code, each.field, each.eventId]).sort()).toEqual([
      ['EVENT_ATTRIBUTE_INVALID', 'time', 'half'],
      ['EVENT_TYPE_UNKNOWN', 'type', ''],
    ]);
    expect((await ask(gateway.url, '/api/v1/contents/after', { headers: viewer })).status).toBe(200);
    const listed = await ask(gateway.url, '/api/v1/events?context=content&limit=1000', { headers: operator });
    const ids = listed.json.items.map((each: { id: string }) => each.id);
    expect(ids).toEqual(expect.arrayContaining(['before', 'after']));
    expect(ids).not.toContain('half');
    expect((await ask(gateway.url, '/api/v1/events/parked', { headers: publisher })).status).toBe(403);
  });
});

describe('engines', () => {
  test('away: nothing is acknowledged, and the caller is told when to come back', async () => {
    const { log } = world.engines;
    const append = log.append.bind(log);
    log.append = () => Promise.reject(new OperatingError('The log is away.', { code: 'LOG_CLOSED', retryable: false }));
    const refused = await send(event('storm'));
    expect([refused.status, refused.headers['retry-after']]).toEqual([503, '2']);
    log.append = append;
    expect((await send(event('storm'))).json.events).toMatchObject([{ id: 'storm', duplicate: false }]);
  });

  test('every partition of the topic is used', async () => {
    await send(
      Array.from({ length: 200 }, (_, at) => event(`spread-${at}`)),
      'application/cloudevents-batch+json',
    );
    const heads = await world.engines.log.heads('content');
    expect(heads.filter(({ high }) => high > 0n)).toHaveLength(topicPartitions);
  });
});
