import { describe, expect, test } from '@jest/globals';
import type { ReadRow } from '#ports';
import { cdnHealthOf, type CdnHealth } from './edge-health.view.ts';

const now = 100_000;
const edge = (id: string): ReadRow => ({ edge_id: id, origin: '', url: `http://${id}`, region: 'eu', memory_bytes_max: 10n, registered_at_ms: 1n });
const process = (id: string, reportedAtMs: number, incarnation = 1n): ReadRow => ({
  edge_id: id,
  origin: '',
  incarnation,
  requests: 10,
  hits: 9,
  misses: 1,
  collapsed: 0,
  origin_fetches: 1,
  origin_errors: 0,
  bytes_served: 5,
  bytes_from_origin: 1,
  reported_at_ms: reportedAtMs,
  objects: Number(incarnation),
  memory_bytes: 3,
});

const healthOf = (edges: readonly ReadRow[], counters: readonly ReadRow[], standings: readonly ReadRow[] = []): CdnHealth =>
  cdnHealthOf({ edges, counters, standings, keys: [] }, { nowMs: now, keysRequired: false });

describe('the state of the CDN', () => {
  test.each([
    ['no edges', [], [], 'empty', []],
    ['announced, never heard of', [edge('a')], [], 'down', ['announced']],
    ['heard of lately', [edge('a')], [process('a', now - 1000)], 'up', ['up']],
    ['one of two is silent', [edge('a'), edge('b')], [process('a', now), process('b', now - 60_000)], 'degraded', ['up', 'silent']],
    ['one of two is only announced', [edge('a'), edge('b')], [process('a', now)], 'up', ['up', 'announced']],
    ['all are silent', [edge('a')], [process('a', 1)], 'down', ['silent']],
    ['reports before it is registered', [], [process('a', now)], 'up', ['up']],
  ])('%s', (_what, edges, processes, status, statuses) => {
    const health = healthOf(edges, processes);
    expect([health.status, health.edges.map((each) => each.status)]).toEqual([status, statuses]);
  });

  test('who stood in for a process that was replaced is missed by nobody once it is gone', () => {
    const processes = ['a', 'a.1', 'a.2'].map((id) => ({ ...edge(id), node: 'a', processes: 2n }));
    const of = (standInAtMs: number) => healthOf(processes, [process('a', now), process('a.1', now), process('a.2', standInAtMs)]);
    expect([of(now).status, of(now).edges.map(({ id }) => id)]).toEqual(['up', ['a', 'a.1', 'a.2']]);
    expect([of(1).status, of(1).edges.map(({ id }) => id)]).toEqual(['up', ['a', 'a.1']]);
    // One of the others is.
    expect(healthOf(processes, [process('a', now), process('a.1', 1)]).status).toBe('degraded');
  });

  test('edges of one name in two regions are two', () => {
    const away = { origin: 'south' };
    const health = healthOf([edge('a'), { ...edge('a'), ...away, url: 'http://far' }], [process('a', 1), { ...process('a', now), ...away }]);
    expect(health.edges.map(({ id, url, mirroredFrom, status, requests }) => [id, url, mirroredFrom, status, requests])).toEqual([
      ['a', 'http://a', null, 'silent', 10],
      ['a', 'http://far', 'south', 'up', 10],
    ]);
    // How this region is does not hang on another's edges.
    expect([health.status, health.hitRatio]).toEqual(['down', 0.9]);
    expect(healthOf([], [{ ...process('a', now), ...away }])).toMatchObject({ status: 'empty', hitRatio: null });
  });

  test('an edge that was taken away is no outage, and what it counted does not count', () => {
    const removed = { edge_id: 'b', origin: '', standing: 'removed', reason: 'sold', key_id: null };
    const health = healthOf([edge('a'), edge('b')], [process('a', now), { ...process('b', 1), hits: 0 }], [removed]);
    expect([health.status, health.hitRatio, health.edges.map(({ reason, status }) => [status, reason])]).toEqual(['up', 0.9, [['up', null], ['removed', 'sold']]]); // prettier-ignore
  });

  test('counters are summed over all processes of an edge, gauges are the newest one', () => {
    const health = healthOf([edge('a')], [process('a', now - 50_000, 1n), process('a', now, 7n)]);
    expect(health.edges[0]).toEqual(
      expect.objectContaining({ status: 'up', requests: 20, hits: 18, objects: 7, hitRatio: 0.9, startedAt: new Date(7).toISOString() }),
    );
  });
});
