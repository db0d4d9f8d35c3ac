import { describe, expect, test } from '@jest/globals';
import { edgesOnMap, mapHeight, mapTop, placeOf, spotsOf, type MappedEdge } from './traffic-map.ts';
import type { Traffic, TrafficFigures } from './traffic.ts';

const figures = (requests: number, hitRatio: number): TrafficFigures => ({
  ...{ requests, bytes: 1000 * requests, hitRatio, byteHitRatio: null, statuses: {}, latencyMs: null },
});
const traffic = (groups: Readonly<Record<string, TrafficFigures>>): Traffic => ({
  ...{ from: '2026-11-27T08:00:00Z', until: '2026-11-27T08:01:40Z', stepSeconds: 60, totals: figures(0, 0), points: [], isPartial: false },
  groups: Object.entries(groups).map(([group, of]) => ({ group, name: group, figures: of })),
});
const berlin = { latitude: 52.5, longitude: 13.4 };
const edge = (id: string, given: Partial<MappedEdge> = {}): MappedEdge => ({
  ...{ id, node: id, processes: 1, mirroredFrom: null, region: 'local', status: 'up', location: null },
  ...given,
});

describe('the map', () => {
  test.each([
    ['where the equator meets Greenwich', { latitude: 0, longitude: 0 }, 500, 250],
    ['Berlin', berlin, 537.2, 104.2],
    ['Sydney', { latitude: -33.87, longitude: 151.21 }, 920, 344.1],
    ['the date line', { latitude: 0, longitude: -180 }, 0, 250],
    ['the north pole is at the rim', { latitude: 90, longitude: 0 }, 500, mapTop],
    ['as is the south pole', { latitude: -90, longitude: 0 }, 500, mapTop + mapHeight],
  ])('%s', (_what, place, x, y) => {
    expect(placeOf(place).x).toBeCloseTo(x, 1);
    expect(placeOf(place).y).toBeCloseTo(y, 1);
  });

  test('an edge is all its processes: what they answered together, and as its worst', () => {
    const processes = [edge('a', { location: berlin, processes: 2 }), edge('a.1', { node: 'a', processes: 2, status: 'silent', location: berlin })];
    const [one, ...more] = edgesOnMap(processes, traffic({ a: figures(300, 0.9), 'a.1': figures(100, 0.5) }));
    expect(more).toEqual([]);
    expect(one).toMatchObject({ name: 'a', status: 'silent', location: berlin, requestsPerSecond: 4, bitsPerSecond: 32_000 });
    expect(one?.hitRatio).toBeCloseTo(0.8);
  });

  test('a process that its edge has no more is none of its faults', () => {
    const [one] = edgesOnMap([edge('a'), edge('a.1', { node: 'a', processes: 2, status: 'silent' })], traffic({ a: figures(100, 1), 'a.1': figures(100, 1) }));
    expect(one).toMatchObject({ name: 'a', status: 'up' });
    expect(edgesOnMap([edge('b', { status: 'silent' })], traffic({}))).toMatchObject([{ name: 'b', status: 'silent' }]);
  });

  test('the busiest first; without what was removed or is of another region, and with what answered nothing', () => {
    const edges = [edge('idle'), edge('gone', { status: 'removed' }), edge('far', { mirroredFrom: 'south' }), edge('busy')];
    expect(edgesOnMap(edges, traffic({ busy: figures(10, 1), gone: figures(99, 1) })).map(({ hitRatio, name }) => [name, hitRatio])).toEqual([
      ['busy', 1],
      ['idle', null],
    ]);
  });

  test('edges of one city are one spot; those without coordinates have none', () => {
    const edges = [edge('a', { location: berlin }), edge('b', { location: { latitude: 52.6, longitude: 13.5 } }), edge('c'), edge('d', { location: { latitude: 1.3, longitude: 103.8 } })]; // prettier-ignore
    expect(spotsOf(edgesOnMap(edges, traffic({}))).map((spot) => spot.edges.map(({ name }) => name))).toEqual([['a', 'b'], ['d']]);
  });
});
