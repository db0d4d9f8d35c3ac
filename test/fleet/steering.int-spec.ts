import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type * as packet from 'dns-packet';
import { Resolver } from 'node:dns/promises';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EdgeProcess } from '../../apps/edge/edge.fixture.ts';
import { realEngines, startGateway, World, type RealEngines, type RunningGateway } from '../../apps/gateway/testing/gateway.fixture.ts';
import { ask, type Answer } from '../../apps/gateway/testing/http-client.ts';
import { mmdbOf } from '../../apps/steering/geo/mmdb-writer.fixture.ts';
import { SteeringProcess } from './steering.fixture.ts';

const places = { ams: ['52.37', '4.9'], fra: ['50.11', '8.68'], nyc: ['40.71', '-74.01'] } as const;
const addresses = { ams: '192.0.2.1', fra: '192.0.2.2', nyc: '192.0.2.3' } as const;
type Name = keyof typeof places;
const names = Object.keys(places) as readonly Name[];
const zone = 'cdn.example.net';

let engines: RealEngines;
let world: World;
let gateway: RunningGateway;
let admin: string;
let steering: SteeringProcess;
let settings: Readonly<Record<string, string>>;
const edges = new Map<Name, EdgeProcess>();
const keys = new Map<Name, string>();

const call = (method: string, path: string, body?: object): Promise<Answer> =>
  ask(gateway.url, path, { method, headers: { authorization: admin }, ...(body === undefined ? {} : { body }) });
const decide = (name: Name, verb: string): Promise<Answer> => call('POST', `/api/v1/cdn/edges/${name}/${verb}`, { reason: 'test' });
const portOf = (name: Name): number => edges.get(name)?.port ?? 0;

async function startEdge(name: Name): Promise<void> {
  const { id, key } = (await call('POST', '/api/v1/keys', { name, scopes: ['edge'] })).json as unknown as { readonly id: string; readonly key: string };
  keys.set(name, id);
  const [latitude, longitude] = places[name];
  const about = { EDGE_ID: name, EDGE_KEY: key, EDGE_LATITUDE: latitude, EDGE_LONGITUDE: longitude, EDGE_ADDRESSES: addresses[name], EDGE_MEMORY_MB: '16' };
  // One of them on Node, which can tell clients of HTTP/2 to go.
  const runtime = name === 'nyc' ? 'node' : 'bun';
  const edge = await EdgeProcess.start({ runtime, dataDir: engines.folder, originUrl: gateway.url, env: { ...about, STREAMS_PUBLIC_HOST: '127.0.0.1' } });
  expect(edge.port).toBeGreaterThan(0);
  edges.set(name, edge);
}

/** While the projector of the test folds what edges report. */
async function until(what: () => Promise<boolean>): Promise<void> {
  for (let rounds = 0; rounds < 150; rounds++) {
    await world.settle();
    if (await what()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('it did not come to that in time');
}

const fromWhere = { eu: '198.51.100.9', us: '203.0.113.9' } as const;

interface Why {
  readonly edge: string | null;
  readonly quality: string;
  readonly candidates: ReadonlyArray<{
    readonly id: string;
    readonly state: string;
    readonly probe: string;
    readonly verdict: string;
    readonly load: number | null;
    readonly distanceKm: number | null;
  }>;
}

async function why(client: string, by = steering): Promise<Why> {
  return (await (await fetch(`${by.url}/api/v1/steer?path=/live/st-1/x&client=${client}`)).json()) as Why;
}

const toldBy = ({ answers = [] }: packet.DecodedPacket): readonly unknown[] => answers.map((record) => ('data' in record ? record.data : undefined));
const redirectOf = (path: string, by = steering): Promise<Response> => fetch(`${by.url}${path}`, { redirect: 'manual' });

beforeAll(async () => {
  engines = await realEngines();
  world = await World.open(engines);
  gateway = await startGateway(engines, world.consolePath, {}, 0, { edgeKeysRequired: true });
  admin = (await world.key(['admin'])).authorization;
  await Promise.all(names.map(startEdge));
  const geoFile = join(engines.folder, 'places.mmdb');
  const at = (network: string, [latitude, longitude]: readonly [string, string]) => ({
    network,
    bits: 24,
    latitude: Number(latitude),
    longitude: Number(longitude),
  });
  await writeFile(geoFile, mmdbOf([at('198.51.100.0', places.ams), at('203.0.113.0', places.nyc), at('127.0.0.0', places.fra)]));
  settings = {
    ...{ STREAMS_DATA_DIR: engines.folder, DATABASE_URL: engines.databaseUrl, STEERING_ZONE: zone, STEERING_GEO_FILE: geoFile },
    ...{ STEERING_PROBE_MS: '200', STEERING_NEAR_KM: '50', EDGE_KEYS_REQUIRED: '1', STEERING_NAME_SERVER_ADDRESSES: '127.0.0.1' },
  };
  steering = await SteeringProcess.start(settings);
  // An edge that has just started has used all of its processor, and gives clients away for that.
  const isIdle = ({ load, probe, state }: Why['candidates'][number]): boolean => state === 'up' && probe === 'ready' && (load ?? 1) < 0.5;
  await until(async () => (await why(fromWhere.eu)).candidates.filter(isIdle).length === 3);
}, 120_000);

afterAll(async () => {
  await steering.stop();
  await Promise.all([...edges.values()].map((edge) => edge.kill()));
  await gateway.stop();
  await world.close();
});

describe('three edges and the service that sends clients to them', () => {
  test('by redirect to the nearest, with path and query, and not to be kept', async () => {
    const answer = await redirectOf('/live/st-1/master.m3u8?token=a%2Fb');
    expect(answer.status).toBe(307);
    expect(answer.headers.get('location')).toBe(`http://127.0.0.1:${portOf('fra')}/live/st-1/master.m3u8?token=a%2Fb`);
    expect([answer.headers.get('cache-control'), answer.headers.get('access-control-allow-origin')]).toEqual(['no-store', '*']);
    // What follows is answered by the edge.
    expect((await fetch(`${steering.url}/live/time`)).url).toBe(`http://127.0.0.1:${portOf('fra')}/live/time`);
    expect((await fetch(`${steering.url}/x`, { method: 'POST', redirect: 'manual' })).status).toBe(405);
  });

  test('it says why', async () => {
    const { candidates, edge, quality } = await why(fromWhere.us);
    expect([edge, quality]).toEqual(['nyc', 'good']);
    expect(candidates.map(({ distanceKm, id, verdict }) => [id, verdict, (distanceKm ?? 0) > 5000])).toEqual([['ams', 'farther', true], ['fra', 'farther', true], ['nyc', 'chosen', false]]); // prettier-ignore
    expect((await fetch(`${steering.url}/api/v1/steer?client=nobody`)).status).toBe(400);
  });

  test.each([[false], [true]])('by name: the edge that is near the client’s subnet, and for how much of it that holds (TCP: %s)', async (tcp) => {
    for (const [where, name] of [
      ['eu', 'ams'],
      ['us', 'nyc'],
    ] as const) {
      const answer = await steering.ask(`st-1.${zone}`, { subnet: fromWhere[where], tcp });
      expect(toldBy(answer)).toEqual([addresses[name]]);
      const [opt] = answer.additionals as unknown as ReadonlyArray<{ readonly options: ReadonlyArray<{ readonly data: Buffer }> }>;
      expect([...(opt?.options[0]?.data ?? [])]).toEqual([0, 1, 24, 24, ...fromWhere[where].split('.').slice(0, 3).map(Number)]);
    }
    // Nobody's subnet: that of who asks.
    expect(toldBy(await steering.ask(`st-1.${zone}`, { tcp }))).toEqual([addresses.fra]);
  });

  test('resolvers that are not ours understand it', async () => {
    const resolver = new Resolver();
    resolver.setServers([`127.0.0.1:${steering.dnsPort}`]);
    expect(await resolver.resolve4(`ST-1.${zone}`, { ttl: true })).toEqual([{ address: addresses.fra, ttl: 20 }]);
    expect(await resolver.resolveNs(zone)).toEqual([`ns1.${zone}`]);
    expect(await resolver.resolve4(`ns1.${zone}`)).toEqual(['127.0.0.1']);
    expect(await resolver.resolveSoa(zone)).toMatchObject({ nsname: `ns1.${zone}`, minttl: 20 });
    await expect(resolver.resolve6(`st-1.${zone}`)).rejects.toMatchObject({ code: 'ENODATA' });
    await expect(resolver.resolve4(`a.b.${zone}`)).rejects.toMatchObject({ code: 'ENOTFOUND' });
    await expect(resolver.resolve4('www.example.org')).rejects.toMatchObject({ code: 'EREFUSED' });
  });

  test('a drained edge gets nobody new, says so, and serves those that come; resumed it has them again', async () => {
    expect((await decide('fra', 'drain')).json).toMatchObject({ standing: 'draining' });
    await until(async () => (await why('127.0.0.1')).edge === 'ams');
    const edge = `http://127.0.0.1:${portOf('fra')}`;
    const ready = await fetch(`${edge}/readyz`);
    expect([ready.status, await ready.text()]).toEqual([503, expect.stringContaining('this edge is drained: test')]);
    const served = await fetch(`${edge}/live/time`);
    expect([served.status, served.headers.get('connection')]).toEqual([200, 'close']);
    expect(toldBy(await steering.ask(`st-1.${zone}`))).toEqual([addresses.ams]);
    await decide('fra', 'resume');
    await until(async () => (await why('127.0.0.1')).edge === 'fra');
    expect((await fetch(`${edge}/live/time`)).headers.get('connection')).not.toBe('close');
  });

  test('a killed edge is left at once, long before its silence is noticed', async () => {
    await edges.get('ams')?.kill();
    await until(async () => (await why(fromWhere.eu)).edge === 'fra');
    expect((await why(fromWhere.eu)).candidates.find(({ id }) => id === 'ams')).toMatchObject({ state: 'up', probe: 'failed', verdict: 'away' });
  });

  test('an edge whose key is revoked is none of ours, and says so', async () => {
    expect((await call('DELETE', `/api/v1/keys/${keys.get('nyc')}`)).status).toBeLessThan(300);
    await until(async () => (await why(fromWhere.us)).edge === 'fra');
    expect((await why(fromWhere.us)).candidates.find(({ id }) => id === 'nyc')).toMatchObject({ state: 'refused', verdict: 'none-of-ours' });
  });

  test('steering goes on without the database, also from its start', async () => {
    await using dead = {
      steering: await SteeringProcess.start({ ...settings, DATABASE_URL: 'postgres://127.0.0.1:1/none' }),
      [Symbol.asyncDispose]: () => dead.steering.stop(),
    };
    expect(await why(fromWhere.eu, dead.steering)).toMatchObject({ edge: 'fra', quality: 'good' });
    expect(toldBy(await dead.steering.ask(`st-1.${zone}`))).toEqual([addresses.fra]);
  });

  test('a removed edge gets nobody; without any there is nobody to be sent to, and it says so', async () => {
    await decide('fra', 'remove');
    await until(async () => (await why(fromWhere.eu)).quality === 'none');
    const answer = await redirectOf('/live/st-1/master.m3u8');
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '2']);
    expect((await steering.ask(`st-1.${zone}`)) as unknown).toMatchObject({ rcode: 'SERVFAIL', answers: [] });
  });
});
