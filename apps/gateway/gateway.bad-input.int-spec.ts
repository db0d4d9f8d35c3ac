import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { OperatingError } from '#kernel';
import type { BlobStore, EventLog } from '#ports';
import { connect } from 'node:net';
import { startGateway, World, type RunningGateway, type WorldEngines } from './testing/gateway.fixture.ts';
import { ask, type Answer, type Ask } from './testing/http-client.ts';

let world: World;
let gateway: RunningGateway;
let admin: { authorization: string };
let viewer: { authorization: string };

beforeAll(async () => {
  world = await World.open();
  gateway = await startGateway(world.engines, world.consolePath);
  admin = { authorization: (await world.key(['admin'])).authorization };
  viewer = { authorization: (await world.key(['view'])).authorization };
});

afterAll(async () => {
  await gateway.stop();
  await world.close();
});

function expectProblem(answer: Answer, status: number, code: string): void {
  expect({ status: answer.status, type: answer.json?.type }).toEqual({ status, type: `urn:streams:problem:${code}` });
  expect(answer.headers['content-type']).toContain('application/problem+json');
  expect(answer.json).toEqual(expect.objectContaining({ title: expect.any(String), status, detail: expect.any(String), instance: expect.any(String) }));
  expect(answer.headers['x-request-id']).toBeDefined();
}

const start = '/api/v1/stream/start';
const purge = '/api/v1/cdn/cache/purge';
const rung = { name: '720p', height: 720, videoBitrate: 2_500_000 };
const post = (body: unknown, headers: Record<string, string> = {}): Ask => ({ method: 'POST', body, headers });

describe('what is wrong is named', () => {
  test.each<[string, string, Ask, string, string]>([
    ['no name', start, post({}), 'invalid-request', 'body.name'],
    ['an empty name', start, post({ name: '  ' }), 'invalid-request', 'body.name'],
    ['a name that is too long', start, post({ name: 'x'.repeat(201) }), 'invalid-request', 'body.name'],
    ['a name with U+0000', start, post({ name: 'a\0b' }), 'invalid-request', 'body.name'],
    ['a name with a tab in it', start, post({ name: 'a\tb' }), 'invalid-request', 'body.name'],
    ['half of a surrogate pair in a name', start, post('{"name":"\\ud800"}'), 'invalid-request', 'body.name'],
    ['half of a surrogate pair in a list', purge, post('{"urls":["/a\\udc00"]}'), 'invalid-request', 'body.urls.0'],
    ['a number for a name', start, post({ name: 7 }), 'invalid-request', 'body.name'],
    ['a field that does not exist', start, post({ name: 'a', grace: 1 }), 'invalid-request', 'body.grace'],
    ['a list for a body', start, post([]), 'invalid-request', 'body'],
    ['null for a body', start, post('null'), 'invalid-request', 'body'],
    ['a name in Latin-1', start, post(Buffer.from('{"name":"Z\u00fcrich"}', 'latin1')), 'malformed-body', 'body'],
    ['a URL cut in the middle of a letter', purge, post(Buffer.from('{"urls":["/\u00fc"]}').fill(0x20, 11, 12)), 'malformed-body', 'body'],
    ['an empty ladder', start, post({ name: 'a', ladder: [] }), 'invalid-request', 'body.ladder'],
    ['a rung without a height', start, post({ name: 'a', ladder: [{ name: 'x', videoBitrate: 90_000 }] }), 'invalid-request', 'body.ladder.0.height'],
    ['too long a grace period', start, post({ name: 'a', graceSeconds: 86_401 }), 'invalid-request', 'body.graceSeconds'],
    ['half a second', start, post({ name: 'a', segmentDurationSeconds: 1.5 }), 'invalid-request', 'body.segmentDurationSeconds'],
    ['an idempotency key with a space', start, post({ name: 'a' }, { 'idempotency-key': 'a b' }), 'invalid-request', 'headers.idempotency-key'],
    ['no URLs', purge, post({ urls: [] }), 'invalid-urls', 'body.urls'],
    ['a relative URL', purge, post({ urls: ['/ok', 'live/x'] }), 'invalid-urls', 'body.urls.1'],
    ['a broken stream id to stop', '/api/v1/stream/stop', post({ id: '../x' }), 'invalid-request', 'body.id'],
    ['a broken stream id to show', '/api/v1/streams/nonsense', {}, 'invalid-request', 'params.id'],
    ['a limit that is no number', '/api/v1/streams?limit=many', {}, 'invalid-request', 'query.limit'],
    ['a limit of zero', '/api/v1/streams?limit=0', {}, 'invalid-request', 'query.limit'],
    ['an unknown status', '/api/v1/streams?status=dead', {}, 'invalid-request', 'query.status'],
    ['a cursor that is none', '/api/v1/streams?cursor=zzz', {}, 'invalid-request', 'query.cursor'],
    ['an unknown event type', '/api/v1/events?type=stream.eaten', {}, 'invalid-request', 'query.type.0'],
    ['a time that is none', '/api/v1/events?since=noon', {}, 'invalid-request', 'query.since'],
    ['an unknown order', '/api/v1/events?order=random', {}, 'invalid-request', 'query.order'],
    ['a broken events cursor', '/api/v1/events?cursor=AQID', {}, 'token-invalid', 'query.cursor'],
    ['a broken live token', '/api/v1/events/live?from=soon', {}, 'token-invalid', 'query.from'],
    ['a broken Last-Event-ID', '/api/v1/events/live', { headers: { 'last-event-id': 'AQID' } }, 'token-invalid', 'headers.last-event-id'],
    ['an edge without a URL', '/api/v1/cdn/edge/register', post({ id: 'edge-9' }), 'invalid-request', 'body.url'],
    ['an edge of another protocol', '/api/v1/cdn/edge/register', post({ id: 'edge-9', url: 'ftp://x' }), 'invalid-request', 'body.url'],
    ['a key without scopes', '/api/v1/keys', post({ name: 'x', scopes: [] }), 'invalid-request', 'body.scopes'],
    ['a key with a scope that does not exist', '/api/v1/keys', post({ name: 'x', scopes: ['root'] }), 'invalid-request', 'body.scopes.0'],
  ])('%s', async (_what, path, request, code, field) => {
    const answer = await ask(gateway.url, path, { ...request, headers: { ...admin, ...request.headers } });
    expectProblem(answer, 400, code);
    expect(answer.json.errors).toEqual(expect.arrayContaining([expect.objectContaining({ field })]));
    // Sentences for people, not a schema's wording.
    expect(answer.json.detail).not.toMatch(/expected (string|number|object|array)|Invalid|Too (small|big)|Unrecognized/);
  });

  test('a rule of the stream refuses what its schema cannot know', async () => {
    const answer = await ask(gateway.url, start, { ...post({ name: 'a', ladder: [rung, rung] }), headers: admin });
    expectProblem(answer, 400, 'invalid-setting');
    expect(answer.json.detail).toBe('body.ladder.1.name: The name "720p" is used twice.');
  });

  test('nothing of all this left an event behind', async () => {
    const events = await ask(gateway.url, '/api/v1/events?context=stream', { headers: admin });
    expect(events.json.items).toEqual([]);
  });
});

describe('what is not a request for anything here', () => {
  test.each<[string, string, Ask, number, string]>([
    ['an unknown path of the API', '/api/v1/nope', {}, 404, 'no-route'],
    ['an unknown method and path', '/nope', { method: 'PUT' }, 404, 'no-route'],
    ['malformed JSON', start, post('{"name":'), 400, 'malformed-json'],
    ['an empty JSON body', start, post(''), 400, 'malformed-json'],
    ['a prototype in the JSON', start, post('{"name":"a","__proto__":{"x":1}}'), 400, 'malformed-json'],
    ['text instead of JSON', start, { method: 'POST', body: 'hello', headers: { 'content-type': 'text/plain' } }, 415, 'unsupported-media-type'],
    ['a body that is too large', start, post({ name: 'x'.repeat(1_100_000) }), 413, 'body-too-large'],
    ['a path that is not UTF-8', '/api/v1/streams/%ff%fe', {}, 400, 'malformed-url'],
    ['a path parameter without end', `/api/v1/streams/${'a'.repeat(600)}`, {}, 404, 'no-route'],
    ['a purge nobody asked for', '/api/v1/cdn/purges/pg-aaaaaaaaaaaaaaaa', {}, 404, 'unknown-purge'],
    ['a stream that is not there', '/api/v1/streams/st-aaaaaaaaaaaaaaaa', {}, 404, 'unknown-stream'],
    ['stopping a stream that is not there', '/api/v1/stream/stop', post({ id: 'st-aaaaaaaaaaaaaaaa' }), 404, 'unknown-stream'],
    ['revoking a key that is not there', '/api/v1/keys/k-none', { method: 'DELETE' }, 404, 'unknown-key'],
    ['a playlist of no stream', '/live/st-aaaaaaaaaaaaaaaa/master.m3u8', {}, 404, 'unknown-stream'],
    ['a playlist with a broken stream id', '/live/..%2fx/master.m3u8', {}, 404, 'unknown-stream'],
    ['media that is not there', `/media/b${'a'.repeat(58)}.m4s`, {}, 404, 'unknown-media'],
    ['media with a broken name', '/media/..%2f..%2fetc%2fpasswd', {}, 404, 'unknown-media'],
  ])('%s', async (_what, path, request, status, code) => {
    const answer = await ask(gateway.url, path, { ...request, headers: { ...admin, ...request.headers } });
    expectProblem(answer, status, code);
  });

  test.each([
    ['DELETE', '/api/v1/streams', 'GET, HEAD'],
    ['GET', start, 'POST'],
    ['POST', '/live/st-aaaaaaaaaaaaaaaa/master.m3u8', 'GET, HEAD, OPTIONS'],
  ])('%s %s is not possible, and Allow says what is', async (method, path, allow) => {
    const answer = await ask(gateway.url, path, { method, headers: admin });
    expectProblem(answer, 405, 'method-not-allowed');
    expect(answer.headers.allow).toBe(allow);
  });

  test.each([
    ['what is not HTTP', '\x16\x03\x01 hello\r\n\r\n', /^HTTP\/1\.1 400 [^]*urn:streams:problem:malformed-request/],
    [
      'an address without end',
      `GET /api/v1/events/search?where=${'x'.repeat(20_000)} HTTP/1.1\r\nHost: a\r\n\r\n`,
      /^HTTP\/1\.1 431 [^]*request-too-long[^]*16 KB/,
    ],
  ])('%s', async (_what, sent, answer) => {
    const { port } = new URL(gateway.url);
    const text = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(port), '127.0.0.1', () => socket.write(sent));
      let received = '';
      socket.setEncoding('utf8').on('data', (chunk: string) => (received += chunk));
      socket.on('close', () => resolve(received)).on('error', reject);
    });
    expect(text).toMatch(answer);
  });
});

describe('when an engine is away', () => {
  const away = (): Promise<never> => Promise.reject(new OperatingError('The database is away.', { code: 'DATABASE_UNAVAILABLE', retryable: true }));

  test.each<[string, Partial<WorldEngines>, string, Ask]>([
    ['read models', { reads: { select: away, snapshot: away } }, '/api/v1/streams', {}],
    ['read models, for a player', { reads: { select: away, snapshot: away } }, '/live/st-aaaaaaaaaaaaaaaa/master.m3u8', {}],
    [
      'commands',
      { aggregates: { load: away, commit: away, find: away, restore: away, restoredPartitions: away, markRestored: away } },
      start,
      post({ name: 'a' }),
    ],
    ['the log', { log: Object.assign(Object.create(null), { heads: away, identity: async () => 'away' }) as EventLog }, '/api/v1/events', {}],
    [
      'the log, for a live feed',
      { log: Object.assign(Object.create(null), { heads: away, identity: async () => 'away' }) as EventLog },
      '/api/v1/events/live',
      {},
    ],
    ['blobs', { blobs: { stat: away, read: away, put: away, delete: away } as Partial<BlobStore> as BlobStore }, `/media/b${'a'.repeat(58)}.m4s`, {}],
  ])('%s: 503, and when to come back', async (_what, broken, path, request) => {
    await using half = await startGateway({ ...world.engines, ...broken }, world.consolePath);
    const answer = await ask(half.url, path, { ...request, headers: admin });
    expectProblem(answer, 503, 'unavailable');
    expect([answer.headers['retry-after'], answer.headers['cache-control']]).toEqual(['2', 'no-store']);
  });
});

describe('who may not', () => {
  test.each([
    ['nothing', undefined],
    ['another scheme', 'Basic YTpi'],
    ['a key of another shape', 'Bearer sk_x'],
    ['an unknown key', `Bearer sk_k-aaaaaaaa_${'a'.repeat(52)}`],
  ])('%s is not a key', async (_what, authorization) => {
    const answer = await ask(gateway.url, '/api/v1/streams', { headers: authorization === undefined ? {} : { authorization } });
    expectProblem(answer, 401, 'unauthenticated');
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer realm="streams"/);
  });

  test('the right id with a wrong secret is unknown', async () => {
    const answer = await ask(gateway.url, '/api/v1/streams', { headers: { authorization: viewer.authorization.slice(0, -4) + 'aaaa' } });
    expectProblem(answer, 401, 'unauthenticated');
  });

  test('a key without the scope is told which one, before its body is judged', async () => {
    const answer = await ask(gateway.url, start, { ...post({}), headers: viewer });
    expectProblem(answer, 403, 'missing-scope');
    expect(answer.headers['www-authenticate']).toContain('scope="publish"');
  });

  test('an expired key is no key', async () => {
    const { authorization } = await world.key(['view'], { expiresAtMs: 1 });
    expectProblem(await ask(gateway.url, '/api/v1/streams', { headers: { authorization } }), 401, 'unauthenticated');
  });

  test('a revoked key is no key, here at once', async () => {
    const issued = await ask(gateway.url, '/api/v1/keys', { ...post({ name: 'short', scopes: ['view'] }), headers: admin });
    const headers = { authorization: `Bearer ${issued.json.key}` };
    expect((await ask(gateway.url, '/api/v1/streams', { headers })).status).toBe(200);
    expect(
      (await ask(gateway.url, `/api/v1/keys/${issued.json.id}`, { method: 'DELETE', headers: { ...admin, 'content-type': 'application/json' } })).status,
    ).toBe(204);
    expectProblem(await ask(gateway.url, '/api/v1/streams', { headers }), 401, 'unauthenticated');
  });
});
