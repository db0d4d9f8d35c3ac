import { describe, expect, test } from '@jest/globals';
import { plainEdge } from '#events';
import fc from 'fast-check';
import type { RegisteredEdge } from './registry.core.ts';
import {
  candidatesOf,
  distanceKm,
  rendezvousOrder,
  steer,
  steeringKey,
  type SteeringCandidate,
  type SteeringClient,
  type SteeringRules,
} from './steering.policy.ts';

const places = {
  amsterdam: { latitude: 52.37, longitude: 4.9 },
  frankfurt: { latitude: 50.11, longitude: 8.68 },
  newYork: { latitude: 40.71, longitude: -74.01 },
  sydney: { latitude: -33.87, longitude: 151.21 },
  auckland: { latitude: -36.85, longitude: 174.76 },
} as const;

const rules: SteeringRules = { nearKm: 100, shedFrom: 0.8, homeRegion: undefined };
const edge = (id: string, more: Partial<SteeringCandidate> = {}): SteeringCandidate => ({
  ...{ id, region: 'eu', place: null, urls: [`http://${id}`], addresses: [], state: 'up', reason: null, probe: 'ready', load: 0, weight: 1 },
  ...more,
});
const from = (place: SteeringClient['place'], network = '192.0.2'): SteeringClient => ({ place, network });
const world = [
  edge('ams', { place: places.amsterdam }),
  edge('fra', { place: places.frankfurt }),
  edge('nyc', { place: places.newYork }),
  edge('syd', { place: places.sydney }),
];
const keys = Array.from({ length: 10_000 }, (_, at) => `st-${at}`);

describe('how far it is', () => {
  test.each([
    ['nowhere', places.amsterdam, places.amsterdam, 0],
    ['Amsterdam to Frankfurt', places.amsterdam, places.frankfurt, 364],
    ['Amsterdam to New York', places.amsterdam, places.newYork, 5863],
    ['over the date line', { latitude: 0, longitude: 179 }, { latitude: 0, longitude: -179 }, 222],
    ['to the other side', { latitude: 90, longitude: 0 }, { latitude: -90, longitude: 0 }, 20015],
  ])('%s', (_what, a, b, km) => {
    expect(Math.abs(distanceKm(a, b) - km)).toBeLessThan(km * 0.005 + 1);
    expect(distanceKm(b, a)).toBeCloseTo(distanceKm(a, b), 6);
  });
});

describe('rendezvous hashing', () => {
  const fleet = Array.from({ length: 8 }, (_, at) => edge(`edge-${at}`));
  const owners = (edges: readonly SteeringCandidate[]): Map<string, string> => new Map(keys.map((key) => [key, rendezvousOrder(edges, key)[0]?.id as string]));

  test('gives each of eight edges its eighth, within a fifth', () => {
    const shares = Map.groupBy(owners(fleet).values(), (id) => id);
    for (const { id } of fleet) expect(Math.abs((shares.get(id)?.length ?? 0) / keys.length - 1 / 8)).toBeLessThan(1 / 40);
  });

  test('moves only the keys of an edge that leaves, and spreads them over all others', () => {
    const [before, after] = [owners(fleet), owners(fleet.slice(1))];
    const moved = keys.filter((key) => before.get(key) !== after.get(key));
    expect(moved.every((key) => before.get(key) === 'edge-0')).toBe(true);
    expect(new Set(moved.map((key) => after.get(key))).size).toBe(7);
  });

  test('gives twice the keys to twice the weight', () => {
    const two = owners([edge('small'), edge('large', { weight: 2 })]);
    const share = [...two.values()].filter((id) => id === 'large').length / keys.length;
    expect(Math.abs(share - 2 / 3)).toBeLessThan(0.02);
  });

  test('is the same whatever the order of the edges', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(fleet, { minLength: 8 }), fc.string(), (shuffled, key) => {
        expect(rendezvousOrder(shuffled, key)).toEqual(rendezvousOrder(fleet, key));
      }),
    );
  });
});

describe('where a client is sent', () => {
  const chosen = (edges: readonly SteeringCandidate[], client: SteeringClient, key = 'st-1', with_: SteeringRules = rules) => steer(edges, key, client, with_);

  test.each([
    ['Amsterdam', places.amsterdam, 'ams'],
    ['Auckland', places.auckland, 'syd'],
    ['Philadelphia', { latitude: 39.95, longitude: -75.17 }, 'nyc'],
  ])('from %s to the nearest', (_what, place, id) => expect(chosen(world, from(place)).chosen?.id).toBe(id));

  test('edges that are as near share the keys, and each key is at one of them', () => {
    const near = { ...rules, nearKm: 500 };
    const ids = keys.map((key) => chosen(world, from(places.amsterdam), key, near).chosen?.id);
    expect(new Set(ids)).toEqual(new Set(['ams', 'fra']));
    expect(ids).toEqual(keys.map((key) => chosen(world, from(places.amsterdam, 'other'), key, near).chosen?.id));
  });

  test('without places all edges share the keys; with a home, its edges do', () => {
    expect(new Set(keys.map((key) => chosen(world, from(null), key).chosen?.id)).size).toBe(4);
    const home = world.map((one) => (one.id === 'syd' ? { ...one, region: 'ap' } : one));
    expect(chosen(home, from(null), 'st-1', { ...rules, homeRegion: 'ap' })).toMatchObject({ chosen: { id: 'syd' }, dependsOn: { network: false } });
  });

  test.each<[string, Partial<SteeringCandidate>]>([
    ['is drained', { state: 'draining' }],
    ['fell silent', { state: 'silent', probe: 'failed' }],
    ['reports and does not answer', { probe: 'failed' }],
    ['answers that it takes nobody', { probe: 'unready' }],
    ['was removed', { state: 'removed' }],
    ['is none of ours', { state: 'refused' }],
    ['never reported', { state: 'announced' }],
    ['is loaded', { load: 1 }],
  ])('an edge that %s is passed over', (_what, more) => {
    const edges = world.map((one) => (one.id === 'ams' ? { ...one, ...more } : one));
    const choice = chosen(edges, from(places.amsterdam));
    expect(choice.chosen?.id).toBe('fra');
    expect(choice.candidates.find(({ candidate }) => candidate.id === 'ams')?.verdict).not.toBe('chosen');
  });

  test('a loaded edge gives away a share of its clients, the more the more it has to do', () => {
    const kept = (load: number): number => {
      const edges = world.map((one) => (one.id === 'ams' ? { ...one, load } : one));
      const networks = Array.from({ length: 4000 }, (_, at) => `10.${at >> 8}.${at & 255}`);
      return networks.filter((network) => chosen(edges, from(places.amsterdam, network)).chosen?.id === 'ams').length / networks.length;
    };
    expect([kept(0.8), kept(1)]).toEqual([1, 0]);
    for (const [load, share] of [[0.85, 0.75], [0.9, 0.5], [0.95, 0.25]] as const) expect(Math.abs(kept(load) - share)).toBeLessThan(0.04); // prettier-ignore
    expect(
      chosen(
        world.map((one) => ({ ...one, load: 0.9 })),
        from(places.amsterdam),
      ).dependsOn.network,
    ).toBe(true);
  });

  test('where all are loaded, to the least; where none takes clients, to the least bad; where all are away, nowhere', () => {
    const all = (more: Partial<SteeringCandidate>) => world.map((one, at) => ({ ...one, load: 1 + at / 10, ...more }));
    expect(chosen(all({}), from(places.sydney))).toMatchObject({ chosen: { id: 'ams' }, quality: 'loaded' });
    expect(chosen(all({ load: 0, state: 'draining' }), from(places.sydney))).toMatchObject({ chosen: { id: 'syd' }, quality: 'least-bad' });
    expect(chosen(all({ load: 0, state: 'silent' }), from(places.sydney))).toMatchObject({ chosen: { id: 'syd' }, quality: 'least-bad' });
    expect(chosen(all({ probe: 'failed' }), from(places.sydney))).toMatchObject({ chosen: undefined, quality: 'none', reason: 'every edge is away' });
    expect(chosen([], from(null)).quality).toBe('none');
  });

  test('never to an edge that is away or none of ours while another one answers', () => {
    const any = fc.record({
      state: fc.constantFrom('up', 'draining', 'silent', 'announced', 'removed', 'refused'),
      probe: fc.constantFrom('ready', 'unready', 'failed', 'unknown'),
      load: fc.option(fc.double({ min: 0, max: 3, noNaN: true })),
      place: fc.option(fc.constantFrom(...Object.values(places))),
    });
    fc.assert(
      fc.property(fc.array(any, { maxLength: 8 }), fc.option(fc.constantFrom(...Object.values(places))), fc.string(), (all, place, key) => {
        const edges = all.map((more, at) => edge(`e-${at}`, more as Partial<SteeringCandidate>));
        const { chosen: one, candidates } = steer(edges, key, from(place), rules);
        if (one === undefined) expect(edges.some(({ probe, state }) => (state === 'up' || state === 'draining') && probe !== 'failed')).toBe(false);
        else expect(one.probe !== 'failed' && !['removed', 'refused', 'announced'].includes(one.state)).toBe(true);
        if (edges.some(({ probe, state }) => state === 'up' && (probe === 'ready' || probe === 'unknown'))) expect(one?.state).toBe('up');
        expect(candidates.filter(({ verdict }) => verdict === 'chosen')).toHaveLength(one === undefined ? 0 : 1);
      }),
    );
  });
});

describe('what keeps together', () => {
  test.each([
    ['/live/st-7f3k/master.m3u8', 'st-7f3k'],
    ['/live/st-7f3k/720p.m3u8?x=1', 'st-7f3k'],
    ['/shop/img/a.png', 'shop'],
    ['/', ''],
    ['//x', 'x'],
  ])('%s: %s', (path, key) => expect(steeringKey(path)).toBe(key));
});

describe('processes of one edge', () => {
  const known = (edgeId: string, more: Partial<RegisteredEdge> = {}): RegisteredEdge => ({
    ...plainEdge({ edgeId, region: 'eu', url: 'http://n:8081', memoryBytesMax: 1 }),
    ...{ origin: '', state: 'up', reason: null, standing: 'serving', keyId: null, node: 'n', registeredAtMs: 1, startedAtMs: 1, reportedAtMs: 1 },
    load: { connections: 40, activeRequests: 0, bitsPerSecond: 200, cpu: 0.5, diskBytes: 0, behindMs: 0, sharedTier: null },
    ...{ bitsPerSecondMax: 1000, connectionsMax: 100, ...more },
  });

  test('are one candidate, as loaded as all of them, and up while one is', () => {
    const all = [known('n'), known('n.1', { state: 'silent' }), known('n.2'), known('elsewhere', { node: 'elsewhere', origin: 'south' })];
    expect(candidatesOf(all, () => 'ready')).toMatchObject([{ id: 'n', state: 'up', load: 0.8, urls: ['http://n:8081'] }]);
    const quiet = known('n', { bitsPerSecondMax: null, connectionsMax: null });
    expect(candidatesOf([quiet, { ...quiet, edgeId: 'n.1' }], () => 'ready')).toMatchObject([{ load: 0.5 }]);
    expect(candidatesOf([{ ...quiet, load: null }], () => 'unknown')).toMatchObject([{ load: null, probe: 'unknown' }]);
  });
});
