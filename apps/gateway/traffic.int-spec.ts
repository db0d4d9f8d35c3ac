import { decodeEvent, warmRequested, type DraftOf } from '#events';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { realEngines, startGateway, World, type RunningGateway } from './testing/gateway.fixture.ts';
import { ask, type Answer } from './testing/http-client.ts';
import { announceTraffic } from './testing/traffic-facts.ts';

let world: World;
let gateway: RunningGateway;
let headers: { authorization: string };
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
/** Two hours ago, on the hour, so that no minute of it is in another. */
const begin = Date.now() - (Date.now() % hourMs) - 2 * hourMs;
const at = (minute: number): string => new Date(begin + minute * minuteMs).toISOString();

beforeAll(async () => {
  world = await World.open(await realEngines());
  gateway = await startGateway(world.engines, world.consolePath);
  headers = { authorization: (await world.key(['admin'])).authorization };
  const zone = { hosts: ['www.shop.example'], origins: [{ url: 'https://origin.example' }] };
  const { id } = (await ask(gateway.url, '/api/v1/cdn/zones/shop', { method: 'PUT', headers, body: zone })).json;
  const shop = { zone: id as string, objects: [{ path: '/a.js', requests: 20 }] };
  await announceTraffic(world, { startMs: begin, hits: 90, misses: 10, notFound: 4, objects: [{ path: '/v.m4s', requests: 60 }] });
  await announceTraffic(world, { startMs: begin + minuteMs, edgeId: 'edge-2', region: 'north', hits: 300, ...shop });
  await announceTraffic(world, { startMs: begin + 5 * minuteMs, edgeId: 'edge-2', region: 'north', hits: 0, misses: 100, ...shop });
  // What is told twice, and less of it later, changes nothing.
  for (const hits of [90, 20]) await announceTraffic(world, { startMs: begin, hits, misses: 10, notFound: 4 });
  await world.settle();
});

afterAll(async () => {
  await gateway.stop();
  await world.close();
});

const get = (query: string, what = 'traffic'): Promise<Answer> =>
  ask(gateway.url, `/api/v1/cdn/analytics/${what}?from=${at(0)}&until=${at(60)}${query}`, { headers });

describe('what edges answered', () => {
  test('all of it: sums, ratios, and latency out of the histogram', async () => {
    const { json } = await get('');
    expect(json).toMatchObject({ from: at(0), until: at(60), stepSeconds: 60, groups: [], isPartial: false });
    expect(json.totals).toMatchObject({
      ...{ requests: 500, bytes: 500_000, bytesCached: 390_000, hitRatio: 0.78, byteHitRatio: 0.78 },
      statuses: { '1xx': 0, '2xx': 496, '3xx': 0, '4xx': 4, '5xx': 0 },
      cache: { hit: 390, stale: 0, revalidated: 0, miss: 110, pass: 0, error: 0 },
    });
    expect(json.totals.latencyMs.p50).toBeLessThanOrEqual(1);
    expect(json.totals.latencyMs.p95).toBeGreaterThan(50);
    expect(json.totals.latencyMs.p99).toBeLessThanOrEqual(100);
    expect(json.points.map((point: { at: string; figures: { requests: number } }) => [point.at, point.figures.requests])).toEqual([[at(0), 100], [at(1), 300], [at(5), 100]]); // prettier-ignore
  });

  test.each([
    [
      'zone',
      [
        ['platform', 'platform', 100],
        [expect.stringMatching(/^zn-/), 'shop', 400],
      ],
    ],
    [
      'edge',
      [
        ['edge-1', 'edge-1', 100],
        ['edge-2', 'edge-2', 400],
      ],
    ],
    [
      'region',
      [
        ['local', 'local', 100],
        ['north', 'north', 400],
      ],
    ],
    [
      'status',
      [
        ['2xx', '2xx', 496],
        ['4xx', '4xx', 4],
      ],
    ],
  ] as const)('by %s, the busiest first', async (groupBy, expected) => {
    const { json } = await get(`&groupBy=${groupBy}&step=300`);
    const groups = json.groups.map((one: { group: string; name: string; figures: { requests: number } }) => [one.group, one.name, one.figures.requests]);
    expect(groups).toEqual(expected.toSorted((a, b) => (b[2] as number) - (a[2] as number)));
    expect(new Set(json.points.map((point: { at: string }) => point.at))).toEqual(new Set([at(0), at(5)]));
  });

  test('of one zone, by its name or its id, one edge, one region, one time', async () => {
    const id = (await ask(gateway.url, '/api/v1/cdn/zones/shop', { headers })).json.id as string;
    for (const filter of ['zone=shop', `zone=${id}`, 'edge=edge-2', 'region=north']) expect((await get(`&${filter}`)).json.totals.requests).toBe(400);
    expect((await get('&zone=platform')).json.totals.requests).toBe(100);
    expect((await get('&zone=shop&edge=edge-1')).json).toMatchObject({ totals: { requests: 0, hitRatio: null, latencyMs: null }, points: [] });
    const early = await ask(gateway.url, `/api/v1/cdn/analytics/traffic?from=${at(1)}&until=${at(2)}`, { headers });
    expect(early.json.totals.requests).toBe(300);
  });

  test('by the hour out of what edges told by the hour', async () => {
    const { json } = await get('&step=3600&groupBy=edge');
    expect(json.points.map((point: { at: string; group: string; figures: { requests: number } }) => [point.at, point.group, point.figures.requests])).toEqual([[at(0), 'edge-1', 100], [at(0), 'edge-2', 400]]); // prettier-ignore
  });

  test('what was asked for most', async () => {
    expect((await get('', 'objects')).json.items).toEqual([
      { zone: null, zoneName: 'platform', host: 'www.example', path: '/v.m4s', requests: 60, bytes: 60_000 },
      { zone: expect.stringMatching(/^zn-/), zoneName: 'shop', host: 'www.example', path: '/a.js', requests: 40, bytes: 40_000 },
    ]);
    expect((await get('&zone=shop&limit=1', 'objects')).json.items).toMatchObject([{ path: '/a.js' }]);
  });

  describe('can be fetched by edges before it is asked for again', () => {
    const warm = (body: object, more: Readonly<Record<string, string>> = {}): Promise<Answer> =>
      ask(gateway.url, '/api/v1/cdn/warm', { method: 'POST', headers: { ...headers, ...more }, body });

    const idOf = (json: Answer['json']): string => (json as unknown as { readonly warmId: string }).warmId;

    const requested = async (warmId: string): Promise<DraftOf<typeof warmRequested>['data'] | undefined> => {
      await world.settle();
      for (const { high, low, partition } of await world.engines.log.heads('cache')) {
        if (high === low) continue;
        const { records } = await world.engines.log.read('cache', partition, low, { recordsMax: 1000, bytesMax: 1e7, waitMs: 0 });
        for (const event of records.map(decodeEvent)) if (event.type === warmRequested.type && event.data.warmId === warmId) return event.data;
      }
      return undefined;
    };

    test.each<[string, object, readonly string[], readonly string[], string]>([
      ['of all regions, the first', { top: 1 }, ['/v.m4s'], [], 'the 1 most asked for'],
      ['of all regions, beside others', { top: 5, urls: ['/b.js', '/v.m4s'], reason: 'launch' }, ['/b.js', '/v.m4s', 'https://www.example/a.js'], [], 'launch'],
      ['of one, by its edges', { top: 5, region: 'north' }, ['https://www.example/a.js'], ['north'], 'the 5 most asked for in north'],
      [
        'of one, by edges of another',
        { top: 5, region: 'north', regions: ['south'] },
        ['https://www.example/a.js'],
        ['south'],
        'the 5 most asked for in north',
      ],
    ])('%s', async (_what, body, urls, regions, reason) => {
      const { json, status } = await warm(body);
      expect(status).toBe(202);
      expect(await requested(idOf(json))).toMatchObject({ urls, regions, reason, total: urls.length });
    });

    test('once, however often it is asked for under one key', async () => {
      const ids = [];
      for (const body of [{ top: 5 }, { top: 5 }, { top: 4 }]) ids.push(idOf((await warm(body, { 'idempotency-key': 'top' })).json));
      expect([ids[0] === ids[1], ids[0] === ids[2]]).toEqual([true, false]);
    });

    test.each<[object, number, string, string, RegExp]>([
      [{ top: 5, region: 'nowhere' }, 422, 'nothing-popular', 'body.region', /No edge of the region nowhere has told of anything/],
      [{ region: 'north' }, 400, 'invalid-request', 'body.region', /`regions`/],
      [{ top: 0 }, 400, 'invalid-request', 'body.top', /at least 1/],
      [{ top: 10_001, region: 'north' }, 400, 'invalid-request', 'body.top', /at most 10000/],
    ])('%j is refused by name', async (body, status, code, field, message) => {
      const { json } = await warm(body);
      expect(json).toMatchObject({ status, type: expect.stringContaining(code), errors: [{ field, message: expect.stringMatching(message) }] });
    });
  });

  test('a question that makes no sense is refused by name', async () => {
    for (const [query, field] of [
      ['step=61', 'query.step'],
      ['step=5400', 'query.step'],
      ['groupBy=colour', 'query.groupBy'],
      ['from=2030-01-01T00:00:00Z', 'query.from'],
    ])
      // prettier-ignore
      expect((await ask(gateway.url, `/api/v1/cdn/analytics/traffic?${query}`, { headers })).json).toMatchObject({ status: 400, errors: [{ field }] });
  });

  test('rows are read over gRPC and REST as those of any read model', async () => {
    const { json } = await ask(gateway.url, '/api/v1/read-models/traffic_minute/rows?limit=10', { headers });
    expect(json.rows).toHaveLength(3);
    expect(json.rows[0]).toMatchObject({ zone_id: '', edge_id: 'edge-1', requests: 100, latency_1ms: 90, latency_100ms: 10 });
  });
});
