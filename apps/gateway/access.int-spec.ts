import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { contentWithdrawn } from '#events';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket } from 'ws';
import { ManualClock } from '#adapters/memory';
import { EventService, StartAt } from './grpc/generated/streams/v1/event_service_pb.ts';
import { GrpcClient } from './testing/grpc-client.ts';
import { memoryEngines, startGateway, World, type RunningGateway } from './testing/gateway.fixture.ts';
import { ask, type Answer } from './testing/http-client.ts';
import { SseClient } from './testing/sse-client.ts';

const issuer = 'https://id.example';
const audience = 'streams';

/** An identity provider's key set, served for real. */
class Provider {
  readonly keys = new Map<string, { readonly jwk: JWK; readonly secret: CryptoKey; readonly alg: string }>();
  asked = 0;
  away = false;
  #server: Server | undefined;

  async open(): Promise<string> {
    this.#server = createServer((_, response) => {
      this.asked++;
      response.writeHead(this.away ? 503 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ keys: [...this.keys.values()].map(({ jwk }) => jwk) }));
    });
    await new Promise<void>((resolve) => this.#server?.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/jwks.json`;
  }

  async add(kid: string, alg: string): Promise<void> {
    const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
    this.keys.set(kid, { jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' }, secret: privateKey, alg });
  }

  close(): Promise<void> {
    this.#server?.closeAllConnections();
    return new Promise((resolve) => this.#server?.close(() => resolve()));
  }
}

describe('JSON Web Tokens', () => {
  let world: World;
  let clock: ManualClock;
  let gateway: RunningGateway;
  let provider: Provider;

  beforeEach(async () => {
    provider = new Provider();
    await provider.add('one', 'ES256');
    const jwksUrl = await provider.open();
    clock = new ManualClock(Date.now());
    world = await World.open(memoryEngines());
    await world.tenant('acme');
    const claims = { scope: 'scope', tenant: 'tenant', contexts: 'contexts' };
    const jwt = { issuer, audience, jwksUrl, cacheMs: 300_000, claims };
    gateway = await startGateway({ ...world.engines, clock }, world.consolePath, {}, 0, { jwt });
  });

  afterEach(async () => {
    await gateway.stop();
    await world.close();
    await provider.close();
  });

  async function tokenOf(kid: string, change: Record<string, unknown> = {}): Promise<string> {
    const { secret, alg } = provider.keys.get(kid) as NonNullable<ReturnType<Provider['keys']['get']>>;
    const now = Math.floor(clock.now() / 1000);
    const payload = { iss: issuer, aud: audience, sub: 'anna', exp: now + 600, scope: 'view admin', tenant: 'acme', ...change };
    return new SignJWT(payload).setProtectedHeader({ alg, kid }).sign(secret);
  }

  const list = async (token: string): Promise<number> => (await ask(gateway.url, '/api/v1/streams', { headers: { authorization: `Bearer ${token}` } })).status;

  test.each([-7_200_000, 7_200_000])('the keys of the provider are asked for again after the clock jumped by %i ms', async (jumpMs) => {
    expect(await list(await tokenOf('one'))).toBe(200);
    clock.advance(jumpMs);
    await provider.add('two', 'ES256');
    expect([await list(await tokenOf('one')), await list(await tokenOf('two'))]).toEqual([200, 200]);
    // The leeway is what it was.
    const now = Math.floor(clock.now() / 1000);
    expect(await list(await tokenOf('two', { exp: now - 20 }))).toBe(200);
    expect(await list(await tokenOf('two', { exp: now - 40 }))).toBe(401);
    expect(await list(await tokenOf('two', { nbf: now + 20 }))).toBe(200);
    expect(await list(await tokenOf('two', { nbf: now + 40 }))).toBe(401);
  });

  test.each(['ES256', 'EdDSA', 'RS256'])('signed with %s let their subject in, as one of its tenant', async (alg) => {
    await provider.add('other', alg);
    const token = await tokenOf('other', { scope: 'publish view' });
    const headers = { authorization: `Bearer ${token}` };
    const { status, json } = await ask(gateway.url, '/api/v1/stream/start', { method: 'POST', headers, body: { name: 'x' } });
    expect(status).toBe(201);
    await world.settle();
    const { json: page } = await ask(gateway.url, `/api/v1/events?subject=${json.id}`, { headers });
    // Of what kind, but not who: the subject of a token is a person.
    expect(page.items).toEqual([expect.objectContaining({ actor: 'jwt:***', tenant: 'acme' })]);
    expect((await ask(gateway.url, '/api/v1/keys', { headers })).status).toBe(403);
  });

  test('make the same stream again under the same Idempotency-Key, whichever token their subject has by then', async () => {
    const start = async (): Promise<Answer> => {
      const token = await tokenOf('one', { scope: 'publish', jti: String(Math.random()) });
      const headers = { authorization: `Bearer ${token}`, 'idempotency-key': 'again' };
      return ask(gateway.url, '/api/v1/stream/start', { method: 'POST', headers, body: { name: 'x' } });
    };
    const [first, second] = [await start(), await start()];
    expect([first.status, second.json.id, second.json.streamKey]).toEqual([201, first.json.id, first.json.streamKey]);
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['of another issuer', { iss: 'https://other.example' }, 'claim iss'],
    ['for another audience', { aud: 'other' }, 'claim aud'],
    ['that have ended', { exp: 1 }, 'has expired'],
    ['that have not begun', { nbf: 99_999_999_999 }, 'not valid yet (claim nbf)'],
    ['without an end', { exp: undefined }, 'claim exp'],
    ['without a subject', { sub: undefined }, 'claim sub'],
    ['without a tenant', { tenant: undefined }, 'claim tenant'],
    ['of a tenant that is not there', { tenant: 'nobody' }, 'no such tenant'],
  ])('%s are refused, and say why', async (_what, change, why) => {
    const answer = await ask(gateway.url, '/api/v1/streams', { headers: { authorization: `Bearer ${await tokenOf('one', change)}` } });
    expect([answer.status, answer.json.detail]).toEqual([401, expect.stringContaining(why)]);
    const { detail } = answer.json as { detail: string };
    expect(answer.headers['www-authenticate']).toBe(`Bearer realm="streams", error="invalid_token", error_description="${detail}"`);
    expect(answer.text).not.toContain(issuer);
  });

  test('of unknown keys hear that, and nothing of their claims', async () => {
    await provider.add('hidden', 'ES256');
    const [unknown, forged] = [await tokenOf('hidden', { aud: 'other' }), `${(await tokenOf('one', { aud: 'other' })).slice(0, -8)}AAAAAAAA`];
    provider.keys.delete('hidden');
    const detail = async (token: string): Promise<string> =>
      (await ask(gateway.url, '/api/v1/streams', { headers: { authorization: `Bearer ${token}` } })).json.detail;
    expect(await detail(unknown)).toBe('This token names a key that the identity provider does not have.');
    expect(await detail(forged)).toBe('This token is not signed in a way that can be verified here.');
  });

  test('that anybody could have made are refused', async () => {
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = part({ iss: issuer, aud: audience, sub: 'anna', exp: 99_999_999_999, scope: 'admin', tenant: '*' });
    expect(await list(`${part({ alg: 'none' })}.${claims}.`)).toBe(401);
    const { jwk } = provider.keys.get('one') as { jwk: JWK };
    const hs = new SignJWT({ scope: 'admin', tenant: '*' }).setProtectedHeader({ alg: 'HS256', kid: 'one' }).setIssuer(issuer).setAudience(audience);
    const forged = await hs
      .setSubject('x')
      .setExpirationTime('1h')
      .sign(Buffer.from(JSON.stringify(jwk)));
    expect(await list(forged)).toBe(401);
    const good = await tokenOf('one');
    expect([await list(good), await list(`${good.slice(0, -6)}AAAAAA`)]).toEqual([200, 401]);
  });

  test('may be half a minute early or late', async () => {
    const now = Math.floor(clock.now() / 1000);
    expect(await list(await tokenOf('one', { exp: now - 20 }))).toBe(200);
    expect(await list(await tokenOf('one', { nbf: now + 20 }))).toBe(200);
    expect(await list(await tokenOf('one', { exp: now - 40 }))).toBe(401);
    const token = await tokenOf('one', { exp: now + 10 });
    expect(await list(token)).toBe(200);
    clock.advance(41_000);
    expect(await list(token)).toBe(401);
  });

  test('of a new key work at once; those of unknown keys cause few questions', async () => {
    expect(await list(await tokenOf('one'))).toBe(200);
    await provider.add('two', 'EdDSA');
    clock.advance(10_000);
    expect(await list(await tokenOf('two'))).toBe(200);
    expect(provider.asked).toBe(2);
    await provider.add('hidden', 'ES256');
    const hidden = await tokenOf('hidden');
    provider.keys.delete('hidden');
    for (let at = 0; at < 20; at++) expect(await list(hidden)).toBe(401);
    expect(provider.asked).toBe(2);
    clock.advance(10_000);
    expect(await list(hidden)).toBe(401);
    expect(provider.asked).toBe(3);
  });

  test('of a key that was taken away end within the cache time; while the provider is away they go on', async () => {
    const token = await tokenOf('one', { exp: Math.floor(clock.now() / 1000) + 90_000 });
    expect(await list(token)).toBe(200);
    provider.away = true;
    clock.advance(3_600_000);
    expect(await list(token)).toBe(200);
    await provider.add('two', 'ES256');
    provider.keys.delete('one');
    expect(await list(token)).toBe(200);
    provider.away = false;
    clock.advance(300_000);
    expect(await list(token)).toBe(401);
    expect(await list(await tokenOf('two'))).toBe(200);
  });
});

describe('API keys', () => {
  let world: World;
  let gateway: RunningGateway;
  let other: RunningGateway;
  let admin: { readonly authorization: string };

  beforeAll(async () => {
    world = await World.open(memoryEngines());
    gateway = await startGateway(world.engines, world.consolePath);
    other = await startGateway(world.engines, world.consolePath);
    admin = { authorization: (await world.key(['admin'])).authorization };
  });

  afterAll(async () => {
    await gateway.stop();
    await other.stop();
    await world.close();
  });

  const as = (headers: Record<string, string>, method: string, path: string, body?: unknown): Promise<Answer> =>
    ask(gateway.url, path, { method, headers, ...(body === undefined ? {} : { body }) });

  test('are rotated with an overlap, and the log says who did it', async () => {
    const issued = (await as(admin, 'POST', '/api/v1/keys', { name: 'CI', scopes: ['view'] })).json;
    const before = { authorization: `Bearer ${issued.key}` };
    const rotated = await as(admin, 'POST', `/api/v1/keys/${issued.id}/rotate`, { overlapSeconds: 60 });
    expect(rotated.json).toEqual({ id: issued.id, key: expect.stringContaining(`sk_${issued.id}_`), previousUntil: expect.stringMatching(/Z$/) });
    const after = { authorization: `Bearer ${rotated.json.key}` };
    expect([(await as(before, 'GET', '/api/v1/streams')).status, (await as(after, 'GET', '/api/v1/streams')).status]).toEqual([200, 200]);
    const last = await as(admin, 'POST', `/api/v1/keys/${issued.id}/rotate`, {});
    expect(last.json.previousUntil).toBeNull();
    expect([(await as(before, 'GET', '/api/v1/streams')).status, (await as(after, 'GET', '/api/v1/streams')).status]).toEqual([401, 401]);
    await world.settle();
    const { items } = (await as(admin, 'GET', `/api/v1/events?key=${issued.id}&order=oldest`)).json;
    expect(items.map(({ type, actor }) => [type, actor.split('-')[0]])).toEqual([
      ['key.issued', 'key:k'],
      ['key.rotated', 'key:k'],
      ['key.rotated', 'key:k'],
    ]);
    expect(JSON.stringify(items)).not.toContain(rotated.json.key.split('_')[2]);
    const listed = (await as(admin, 'GET', '/api/v1/keys')).json.items.find(({ id }: { id: string }) => id === issued.id);
    expect(listed).toMatchObject({ tenant: 'default', contexts: null, ratePerMinute: null, rotatedAt: expect.stringMatching(/Z$/), revokedAt: null });
  });

  test('that are revoked end their open streams on every gateway', async () => {
    const key = await world.key(['view']);
    const sse = new SseClient();
    expect(await sse.open(other.url, '/api/v1/events/live', key)).toBe(200);
    const socket = new WebSocket(`${other.url.replace('http', 'ws')}/api/v1/events/ws`, { headers: { authorization: key.authorization } });
    await new Promise((resolve) => socket.once('open', resolve));
    const closed = new Promise<number>((resolve) => socket.once('close', resolve));
    expect((await as(admin, 'DELETE', `/api/v1/keys/${key.id}?reason=lost%20laptop`)).status).toBe(204);
    await sse.closed;
    expect(await closed).toBe(1008);
    expect((await ask(other.url, '/api/v1/streams', { headers: key })).status).toBe(401);
    await world.settle();
    const { items } = (await as(admin, 'GET', `/api/v1/events?type=key.revoked&subject=${key.id}`)).json;
    expect(items).toEqual([expect.objectContaining({ data: { keyId: key.id, reason: 'lost laptop' } })]);
  });

  test('of a tenant that is suspended open nothing, streams under way included, until it is resumed', async () => {
    const key = await world.key(['view', 'publish'], { tenant: 'initech' });
    const client = new GrpcClient(other.grpc, key.authorization);
    const sse = new SseClient();
    expect(await sse.open(other.url, '/api/v1/events/live', key)).toBe(200);
    const socket = new WebSocket(`${other.url.replace('http', 'ws')}/api/v1/events/ws`, { headers: { authorization: key.authorization } });
    await new Promise((resolve) => socket.once('open', resolve));
    const closed = new Promise<number>((resolve) => socket.once('close', resolve));
    const pushed = client.serverStream(EventService.method.subscribe, { start: { case: 'at', value: StartAt.BEGINNING } });
    await pushed.until((messages) => messages.length > 0);
    const withdrawn = { specVersion: '1.0', source: '/cms', type: contentWithdrawn.type, data: { case: 'textData', value: '{"contentId":"c-1"}' } } as const;
    const published = (id: string) => ({ events: [{ ...withdrawn, id }] });
    const publishing = client.bidi(EventService.method.publishStream);
    publishing.write(published('before'));
    await publishing.until((messages) => messages.length > 0);

    expect((await as(admin, 'POST', '/api/v1/tenants/initech/suspend', { reason: 'unpaid' })).json).toEqual({ id: 'initech', status: 'suspended' });
    await sse.closed;
    expect(await closed).toBe(1008);
    expect(await pushed.ended).toMatchObject({ code: 'UNAUTHENTICATED' });
    await expect(client.unary(EventService.method.getCatalogue, {})).rejects.toMatchObject({ code: 'PERMISSION_DENIED', reason: 'TENANT_SUSPENDED' });
    // Whoever publishes is shut out as well: by a call, and on a stream that was open.
    await expect(client.unary(EventService.method.publish, published('after'))).rejects.toMatchObject({
      code: 'PERMISSION_DENIED',
      reason: 'TENANT_SUSPENDED',
    });
    let isOpen = true;
    const ended = publishing.ended.finally(() => (isOpen = false));
    // The stream is looked at again every so often, and then with the next message.
    for (let at = 0; isOpen; at++) {
      publishing.write(published(`later-${at}`));
      await sleep(50);
    }
    expect((await ended).code).toBe('UNAUTHENTICATED');
    client.close();
    for (const { url } of [gateway, other]) {
      const { status, json } = await ask(url, '/api/v1/streams', { headers: key });
      expect([status, json.type]).toEqual([403, 'urn:streams:problem:tenant-suspended']);
    }
    await world.settle();
    const shown = (await as(admin, 'GET', '/api/v1/tenants')).json.items.find(({ id }: { id: string }) => id === 'initech');
    expect(shown).toMatchObject({ status: 'suspended', statusReason: 'unpaid', statusAt: expect.stringMatching(/Z$/) });

    expect((await as(admin, 'POST', '/api/v1/tenants/initech/resume')).json).toEqual({ id: 'initech', status: 'active' });
    expect((await ask(gateway.url, '/api/v1/streams', { headers: key })).status).toBe(200);
    await world.settle();
    const { items } = (await as(admin, 'GET', '/api/v1/events?key=tenant:initech&order=oldest')).json;
    expect(items.map(({ type }: { type: string }) => type)).toEqual(['tenant.created', 'tenant.suspended', 'tenant.resumed']);
  });

  test('have a rate of their own, which every answer tells', async () => {
    const issued = (await as(admin, 'POST', '/api/v1/keys', { name: 'slow', scopes: ['view'], ratePerMinute: 2 })).json;
    const slow = { authorization: `Bearer ${issued.key}` };
    const first = await as(slow, 'GET', '/api/v1/streams');
    expect(first.headers).toMatchObject({ 'ratelimit-limit': '2', 'ratelimit-remaining': '1', 'ratelimit-reset': '30', 'ratelimit-policy': '2;w=60' });
    expect((await as(slow, 'GET', '/api/v1/streams')).status).toBe(200);
    const third = await as(slow, 'GET', '/api/v1/streams');
    expect([third.status, third.json.type]).toEqual([429, 'urn:streams:problem:rate-limited']);
    expect(Number(third.headers['retry-after'])).toBeGreaterThan(0);
    expect((await as(admin, 'GET', '/api/v1/streams')).headers['ratelimit-limit']).toBe('10000');
  });

  test('that are refused leave an event with their actor, seen by their tenant alone', async () => {
    await as(admin, 'POST', '/api/v1/tenants', { id: 'acme', name: 'Acme' });
    const issued = (await as(admin, 'POST', '/api/v1/keys', { name: 'v', scopes: ['view'], tenant: 'acme' })).json;
    expect((await as({ authorization: `Bearer ${issued.key}` }, 'GET', '/api/v1/keys')).status).toBe(403);
    expect((await as({}, 'GET', '/api/v1/keys')).status).toBe(401);
    await world.settle();
    const { items } = (await as(admin, 'GET', '/api/v1/events?type=access.refused')).json;
    expect(items).toContainEqual(
      expect.objectContaining({ tenant: 'acme', actor: `key:${issued.id}`, data: expect.objectContaining({ reason: 'missing-scope', operation: 'listKeys' }) }),
    );
    expect(items).toContainEqual(
      expect.objectContaining({ tenant: 'default', actor: 'anonymous', data: expect.objectContaining({ reason: 'no-credential', operation: 'listKeys' }) }),
    );
    const theirs = (await as({ authorization: `Bearer ${issued.key}` }, 'GET', '/api/v1/events?type=access.refused')).json.items;
    expect(theirs.map(({ tenant }: { tenant: string }) => tenant)).toEqual(['acme']);
  });

  test('are on record by what was told, behind the door too, and with the tenant of a suspended key', async () => {
    // Of its own: the kinds of refusals that a gateway tells apart for one address are few.
    const own = await startGateway(world.engines, world.consolePath);
    const call = (headers: Record<string, string>, method: string, at: string, body?: unknown) =>
      ask(own.url, at, { method, headers, ...(body === undefined ? {} : { body }) });
    await call(admin, 'POST', '/api/v1/tenants', { id: 'hooli', name: 'Hooli' });
    const make = async (scope: string, contexts: readonly string[]): Promise<Record<string, string>> => ({
      authorization: `Bearer ${(await call(admin, 'POST', '/api/v1/keys', { name: scope, scopes: [scope], contexts, tenant: 'hooli' })).json.key}`,
    });
    const [writer, reader] = [await make('publish', ['playback']), await make('admin', ['stream'])];
    const event = { specversion: '1.0', id: 'r-1', source: '/x', type: 'content.withdrawn', data: { contentId: 'c', reason: '' } };
    for (const wrong of [event, { ...event, type: 'stream.stopped' }, { ...event, type: 'playback.started', tenant: 'other' }])
      expect((await call(writer, 'POST', '/api/v1/events', wrong)).status).toBe(403);
    expect((await call(reader, 'GET', '/api/v1/keys')).status).toBe(403);
    await call(admin, 'POST', '/api/v1/tenants/hooli/suspend', { reason: 'unpaid' });
    expect((await call(writer, 'GET', '/api/v1/streams')).json.type).toBe('urn:streams:problem:tenant-suspended');
    await own.stop();
    await world.settle();
    const { items } = (await as(admin, 'GET', '/api/v1/events?type=access.refused&limit=1000')).json;
    const ofHooli = items.filter(({ tenant }) => tenant === 'hooli').map(({ data }) => data['reason']);
    expect(ofHooli).toEqual(
      expect.arrayContaining(['event-context-forbidden', 'event-not-open', 'event-tenant-forbidden', 'other-context', 'tenant-suspended']),
    );
  });
});
