import { describe, expect, test } from '@jest/globals';
import { warmFinished, warmRequested, type DomainEvent } from '#events';
import { foldChanges } from '#kernel';
import { warmDecider, type RequestWarm } from './warm.decider.ts';
import { warmsProjection } from './warm.projection.ts';

const order = {
  urls: ['/a', 'https://x.example/b'],
  sitemaps: ['https://x.example/map.xml'],
  regions: ['eu'],
  edges: [],
  perSecond: 100,
  dryRun: false,
  reason: 'launch',
};
const request: RequestWarm = { type: 'RequestWarm', warmId: 'wm-1', ...order };
const { decide, evolve, initialState } = warmDecider;

describe('warmings', () => {
  test('one is asked for once, however often', () => {
    const requested = warmRequested.draft({ warmId: 'wm-1', ...order, part: 0, parts: 1, total: 2 });
    expect(decide(request, initialState)).toEqual({ refused: false, events: [requested] });
    expect(decide(request, evolve(initialState, requested))).toEqual({ refused: false, events: [] });
    expect(decide({ ...request, perSecond: 5 }, evolve(initialState, requested))).toMatchObject({ refused: true, code: 'another-warming' });
  });

  test('one of many URLs is several events, and the same again', () => {
    const many: RequestWarm = { ...request, urls: Array.from({ length: 2500 }, (_, at) => `/${at}`) };
    const decided = decide(many, initialState);
    if (decided.refused) throw new Error(decided.message);
    expect(decided.events.map(({ data }) => [data.part, data.parts, data.urls.length, data.sitemaps.length, data.total])).toEqual([
      [0, 3, 1000, 1, 2500],
      [1, 3, 1000, 0, 2500],
      [2, 3, 500, 0, 2500],
    ]);
    const state = decided.events.reduce(evolve, initialState);
    expect(decide(many, state)).toEqual({ refused: false, events: [] });
    expect(decide({ ...many, urls: [...many.urls.slice(0, -1), '/other'] }, state)).toMatchObject({ refused: true });
  });

  test.each<[string, Partial<RequestWarm>, RegExp]>([
    ['nothing', { urls: [], sitemaps: [] }, /^urls: /],
    ['too much', { urls: Array.from({ length: 10_001 }, () => '/a') }, /^urls: /],
    ['one of them wrong', { urls: ['/a', 'b'] }, /^urls\.1: /],
    ['a password', { urls: ['http://user:pw@x.example/a'] }, /^urls\.0: .*password/],
    ['a password for a sitemap', { sitemaps: ['http://user:pw@x.example/map.xml'] }, /^sitemaps\.0: .*password/],
    ['a sitemap without a host', { sitemaps: ['/map.xml'] }, /^sitemaps\.0: /],
  ])('%s is refused', (_, changed, message) =>
    expect(decide({ ...request, ...changed }, initialState)).toMatchObject({ refused: true, code: 'invalid-urls', message: expect.stringMatching(message) }),
  );

  test('edges answer in any order, and twice', () => {
    const event = (draft: object, time: number): DomainEvent =>
      ({ ...draft, id: `id-${time}`, time, tenant: 'default', actor: 'key:k-1' }) as unknown as DomainEvent;
    const failures = [{ url: '/a', status: 404, reason: 'The origin answered with status 404.' }];
    const counts = { urls: 2, present: 0, fetched: 2, failed: 0, bytes: 10, failures };
    const events = [
      event(warmRequested.draft({ warmId: 'wm-1', ...order, part: 0, parts: 2, total: 3 }), 1),
      event(warmRequested.draft({ warmId: 'wm-1', ...order, urls: ['/c'], sitemaps: [], part: 1, parts: 2, total: 3 }), 2),
      event(warmFinished.draft({ warmId: 'wm-1', edgeId: 'e', region: 'eu', ...counts, finishedAtMs: 5 }), 5),
      event(warmFinished.draft({ warmId: 'wm-1', edgeId: 'e', region: 'eu', ...counts, fetched: 1, failures: [], finishedAtMs: 4 }), 4),
    ];
    const rows = (some: readonly DomainEvent[]) =>
      foldChanges(
        warmsProjection.tables,
        some.flatMap((one) => warmsProjection.project(one)),
      ).map(({ table, key, set }) => ({ table, key, set }));
    expect(rows([...events].toReversed())).toEqual(rows(events));
    expect(rows([...events, ...events])).toEqual(rows(events));
    // What failed is told by the last that was said.
    expect(rows(events).find(({ table }) => table === 'warm_result')?.set).toMatchObject({ fetched: 2n, failures: failures.map((one) => JSON.stringify(one)) });
  });
});
