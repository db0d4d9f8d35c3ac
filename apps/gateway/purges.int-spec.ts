import { zoneClaimsAggregate } from '#domain/edge';
import { edgeRegistered, edgeReported, noLoad, plainEdge, purgeApplied, purgeCounted } from '#events';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { realEngines, startGateway, World, type RunningGateway } from './testing/gateway.fixture.ts';
import { ask, type Answer } from './testing/http-client.ts';

let world: World;
let gateway: RunningGateway;
let admin: string;
let acme: string;

beforeAll(async () => {
  world = await World.open(await realEngines());
  gateway = await startGateway(world.engines, world.consolePath);
  admin = (await world.key(['admin'])).authorization;
  acme = (await world.key(['operate', 'publish'], { tenant: 'acme' })).authorization;
});

afterAll(async () => {
  await gateway.stop();
  await world.close();
});

const purge = (body: object, authorization = admin, more: Record<string, string> = {}): Promise<Answer> =>
  ask(gateway.url, '/api/v1/cdn/cache/purge', { method: 'POST', headers: { authorization, ...more }, body });
type Shown = Answer['json'] & { readonly total: number; readonly selectors: readonly object[] };
const show = async (id: string): Promise<Shown> =>
  (await ask(gateway.url, `/api/v1/cdn/purges/${id}`, { headers: { authorization: admin } })).json as unknown as Shown;

const edgeUp = async (edgeId: string): Promise<void> => {
  const counters = { requests: 1, hits: 1, misses: 0, collapsed: 0, originFetches: 0, originErrors: 0, bytesServed: 0, bytesFromOrigin: 0 };
  const drafts = [
    edgeRegistered.draft(plainEdge({ edgeId, url: `http://${edgeId}.example`, region: 'eu', memoryBytesMax: 1 })),
    edgeReported.draft({ edgeId, incarnation: 1, ...counters, objects: 0, memoryBytes: 0, ...noLoad }),
  ];
  await world.facts.publish('edge', drafts, { producer: { id: `edge:${edgeId}`, epoch: 1n } });
};

describe('purges', () => {
  test('by everything that can be named; how far it is among the edges that are up', async () => {
    for (const edge of ['edge-1', 'edge-2', 'edge-3']) await edgeUp(edge);
    const site = await ask(gateway.url, '/api/v1/cdn/zones/site', {
      method: 'PUT',
      headers: { authorization: admin },
      body: { hosts: ['www.site.example'], origins: [{ url: 'https://origin.example' }] },
    });
    const { id } = site.json as unknown as { readonly id: string };
    const named = {
      ...{ urls: ['/a'], prefixes: ['/b/'], tags: ['News'], hosts: ['a.example'], zones: ['site'], all: true },
      patterns: [
        { pattern: '^/c', host: 'c.example' },
        { pattern: 'd$', zone: id },
      ],
    };
    const { status, json } = await purge({ ...named, mode: 'soft', reason: 'all of it' });
    expect(status).toBe(202);
    const selectors = [
      ...[{ kind: 'prefix', value: '/b/' }, { kind: 'tag', value: 'News' }, { kind: 'regex', value: '^/c', host: 'c.example' }], // prettier-ignore
      ...[{ kind: 'regex', value: 'd$', zone: id }, { kind: 'host', value: 'a.example' }, { kind: 'zone', value: id }, { kind: 'all', value: '' }], // prettier-ignore
    ];
    const expected = { mode: 'soft', urls: ['/a'], selectors, total: 8, reason: 'all of it' };
    await world.settle();
    const fresh = await show(json.purgeId);
    expect(fresh).toMatchObject({ ...expected, progress: { edges: 3, applied: 0, p50Ms: null, p99Ms: null, laggards: ['edge-1', 'edge-2', 'edge-3'] } });
    const requestedAtMs = Date.parse(fresh.requestedAt);
    for (const [at, edgeId] of ['edge-1', 'edge-3'].entries()) {
      const applied = purgeApplied.draft({ purgeId: json.purgeId, edgeId, objects: at, appliedAtMs: requestedAtMs + 10 * (at + 1) });
      await world.facts.publish('cache', [applied], { producer: { id: `edge:${edgeId}`, epoch: 1n } });
    }
    await world.settle();
    expect((await show(json.purgeId)).progress).toEqual({ edges: 3, applied: 2, p50Ms: 10, p99Ms: 20, laggards: ['edge-2'] });
    const { json: list } = await ask(gateway.url, '/api/v1/cdn/purges', { headers: { authorization: admin } });
    expect(list.items[0]).toMatchObject({ ...expected, id: json.purgeId });
  });

  test('ten thousand at once are one purge, under its key one for good, and shown by their first', async () => {
    const key = { 'idempotency-key': 'many' };
    const tags = Array.from({ length: 10_000 }, (_, at) => `tag-${at}`);
    const { status, json } = await purge({ tags }, admin, key);
    expect(status).toBe(202);
    expect((await purge({ tags }, admin, key)).json).toEqual(json);
    expect((await purge({ tags: tags.slice(1) }, admin, key)).status).toBe(422);
    expect((await purge({ tags, mode: 'soft' }, admin, key)).status).toBe(422);
    await world.settle();
    const shown = await show(json.purgeId);
    expect([shown.total, shown.selectors.length, shown.selectors[0]]).toEqual([10_000, expect.any(Number), { kind: 'tag', value: 'tag-0' }]);
    const { json: events } = await ask(gateway.url, `/api/v1/events?subject=${json.purgeId}&limit=100`, { headers: { authorization: admin } });
    const parts = (events.items as unknown as ReadonlyArray<{ data: { selectors: object[] } }>).map(({ data }) => data.selectors.length);
    expect(parts.length).toBeGreaterThan(1);
    expect(parts.reduce((sum, count) => sum + count, 0)).toBe(10_000);
    expect((await purge({ tags: [...tags, 'one'] })).status).toBe(400);
    expect((await purge({ tags, urls: ['/one'] })).json).toMatchObject({ type: 'urn:streams:problem:invalid-urls' });
  }, 30_000);

  test('a zone that there is not, or that is another’s, is not purged in vain', async () => {
    const theirs = await ask(gateway.url, '/api/v1/cdn/zones/own', {
      method: 'PUT',
      headers: { authorization: (await world.key(['admin'], { tenant: 'acme' })).authorization },
      body: { hosts: ['www.own.example'], origins: [{ url: 'https://origin.example' }] },
    });
    const { id } = theirs.json as unknown as { readonly id: string };
    const asked: ReadonlyArray<readonly [object, string, number]> = [
      [{ zones: ['own'] }, acme, 202],
      [{ patterns: [{ pattern: '.', zone: 'own' }] }, acme, 202],
      [{ zones: [id] }, acme, 202],
      [{ zones: [id] }, admin, 202],
      [{ zones: ['own'] }, admin, 404],
      [{ zones: ['site'] }, acme, 404],
      [{ zones: ['nonesuch'] }, admin, 404],
      [{ zones: ['zn-aaaa'] }, admin, 404],
      [{ patterns: [{ pattern: '.', zone: 'nonesuch' }] }, admin, 404],
      [{ zones: [id] }, (await world.key(['operate'], { tenant: 'beta' })).authorization, 404],
    ];
    for (const [body, authorization, expected] of asked) {
      const answer = await purge(body, authorization);
      expect([body, answer.status]).toEqual([body, expected]);
      if (expected === 404)
        expect(answer.json).toMatchObject({ type: 'urn:streams:problem:unknown-zone', detail: expect.stringMatching(/There is no zone .* of yours/) });
    }
  });

  test('a dry run purges nothing and is answered by the edges', async () => {
    const { json } = await purge({ prefixes: ['/live/'], dryRun: true });
    const counted = purgeCounted.draft({ purgeId: json.purgeId, edgeId: 'edge-1', objects: 12, countedAtMs: 1 });
    await world.facts.publish('cache', [counted], { producer: { id: 'edge:edge-1', epoch: 1n } });
    await world.settle();
    expect(await show(json.purgeId)).toMatchObject({ mode: 'dry-run', applied: [{ edgeId: 'edge-1', objects: 12 }], progress: { applied: 1, edges: 3 } });
    const { json: events } = await ask(gateway.url, `/api/v1/events?subject=${json.purgeId}&limit=10`, { headers: { authorization: admin } });
    expect(events.items.map(({ type }: { type: string }) => type).sort()).toEqual(['purge.count-requested', 'purge.counted']);
  });

  test.each<[string, object, string, string]>([
    ['nothing', {}, 'invalid-urls', 'body.urls'],
    ['a prefix with a query', { prefixes: ['/a', '/b?c'] }, 'invalid-urls', 'body.prefixes.1'],
    ['a tag with a comma', { tags: ['a,b'] }, 'invalid-urls', 'body.tags.0'],
    ['a pattern that is none', { patterns: [{ pattern: 'a' }, { pattern: '(' }] }, 'invalid-pattern', 'body.patterns.1.pattern'],
    ['a pattern that only others know', { patterns: [{ pattern: '(?=a)' }] }, 'invalid-pattern', 'body.patterns.0.pattern'],
    ['a host with a port', { urls: ['/a'], hosts: ['a:1'] }, 'invalid-urls', 'body.hosts.0'],
    ['a mode that is none', { urls: ['/a'], mode: 'warm' }, 'invalid-request', 'body.mode'],
  ])('%s is refused, and where', async (_what, body, code, field) => {
    const { status, json } = await purge(body);
    expect([status, json.type, json.errors?.[0]?.field]).toEqual([400, `urn:streams:problem:${code}`, field]);
  });

  test('what the origin says of a stream is tagged by it, for its edges', async () => {
    const { json: made } = await ask(gateway.url, '/api/v1/stream/start', { method: 'POST', headers: { authorization: admin }, body: { name: 'Tagged' } });
    const tags = async (path: string): Promise<unknown> => (await ask(gateway.url, path)).headers['cache-tag'];
    expect(await tags(`/live/${made.id}/master.m3u8?x=1`)).toBe(`stream-${made.id}, playlist-${made.id}`);
    expect(await tags(`/live/${made.id}/720p/0.m4s`)).toBe(`stream-${made.id}`);
    expect([await tags('/live/time'), await tags('/live/nobody/master.m3u8'), await tags('/media/x.m4s')]).toEqual([undefined, undefined, undefined]);
  });

  test('what a tenant names reaches its own alone', async () => {
    const { json: made } = await ask(gateway.url, '/api/v1/stream/start', { method: 'POST', headers: { authorization: acme }, body: { name: 'Mine' } });
    const { json } = await purge({ tags: ['news', `stream-${made.id}`], patterns: [{ pattern: 'a' }], prefixes: [`/live/${made.id}/`], all: true }, acme);
    await world.settle();
    expect((await show(json.purgeId)).selectors).toEqual([
      { kind: 'prefix', value: `/live/${made.id}/`, tenant: 'acme' },
      { kind: 'tag', value: 'news', tenant: 'acme' },
      { kind: 'tag', value: `stream-${made.id}` },
      { kind: 'regex', value: 'a', tenant: 'acme' },
      { kind: 'all', value: '', tenant: 'acme' },
    ]);
    const { json: theirs } = await ask(gateway.url, '/api/v1/stream/start', { method: 'POST', headers: { authorization: admin }, body: { name: 'Theirs' } });
    const foreign: readonly object[] = [
      ...[{ tags: [`stream-${theirs.id}`] }, { tags: [`PLAYLIST-${theirs.id}`] }, { prefixes: [`/live/${theirs.id}/`] }, { prefixes: ['/live/'] }], // prettier-ignore
      ...[{ prefixes: [`/live/${made.id}`] }, { prefixes: ['http://a.example/'] }, { hosts: ['a.example'] }, { zones: ['zn-1'] }], // prettier-ignore
      ...[{ patterns: [{ pattern: 'a', host: 'a.example' }] }, { patterns: [{ pattern: 'a', zone: 'zn-1' }] }, { urls: ['/'] }], // prettier-ignore
    ];
    for (const body of foreign) expect([body, (await purge(body, acme)).status]).toEqual([body, 404]);
  });

  test('a tenant purges the hosts and zones that are its own', async () => {
    const claim = { domain: 'acme.example', zoneId: 'zn-acme', owner: 'acme', hosts: ['www.acme.example', '*.cdn.acme.example'], claimedAtMs: 1 };
    await world.commands.execute(zoneClaimsAggregate, 'hosts:acme.example', { type: 'ClaimZoneHosts', ...claim, void: [] }, { actor: 'a', correlationId: 'c' });
    const own: readonly object[] = [
      ...[{ hosts: ['WWW.acme.example'] }, { urls: ['https://www.acme.example:8443/index.html'] }, { prefixes: ['http://a.cdn.acme.example/img/'] }], // prettier-ignore
      ...[{ patterns: [{ pattern: 'a', host: 'www.acme.example' }] }],
    ];
    const other = (await world.key(['operate'], { tenant: 'other' })).authorization;
    for (const body of own) {
      expect([body, (await purge(body, acme)).status]).toEqual([body, 202]);
      expect([body, (await purge(body, other)).status]).toEqual([body, 404]);
    }
    expect((await purge({ hosts: ['acme.example'] }, acme)).status).toBe(404);
  });

  test('a tenant that purges more than its edges follow is told when to go on; others are not held up', async () => {
    const patterns = Array.from({ length: 700 }, (_, at) => ({ pattern: `a${at}` }));
    const loud = (await world.key(['operate'], { tenant: 'loud' })).authorization;
    const answers = [await purge({ patterns }, loud), await purge({ patterns }, loud)];
    expect(answers.map(({ status }) => status)).toEqual([202, 429]);
    expect(Number(answers[1]?.headers['retry-after'])).toBeGreaterThan(0);
    expect((await purge({ urls: ['/a'] })).status).toBe(202);
  });
});
