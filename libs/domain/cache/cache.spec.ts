import { describe, expect, test } from '@jest/globals';
import {
  contentChanged,
  contentWithdrawn,
  purgeApplied,
  purgeRequested,
  streamStopped,
  zoneConfigured,
  zoneRemoved,
  type DomainEvent,
  type DraftEvent,
  type DraftOf,
} from '#events';
import { foldChanges } from '#kernel';
import fc from 'fast-check';
import { purgeTargetProblem } from './purge-target.core.ts';
import { purgeDecider, type RequestPurge } from './purge.decider.ts';
import { purgesProjection } from './purge.projection.ts';
import { purgesReactor } from './purges-reactor.ts';

type StoppedData = DraftOf<typeof streamStopped>['data'];

const request: RequestPurge = { type: 'RequestPurge', purgeId: 'pg-1', urls: ['/a', 'https://x.example/b?c=d'], reason: 'wrong logo' };
const requested = purgeRequested.draft({ purgeId: 'pg-1', urls: ['/a', 'https://x.example/b?c=d'], reason: 'wrong logo' });

describe('purges', () => {
  test('a purge is asked for once, however often', () => {
    const { initialState, decide, evolve } = purgeDecider;
    expect(decide(request, initialState)).toEqual({ refused: false, events: [requested] });
    expect(decide(request, evolve(initialState, requested))).toEqual({ refused: false, events: [] });
  });

  test.each<[string, Partial<RequestPurge>, RegExp]>([
    ['nothing', { urls: [] }, /^urls: /],
    ['too much', { urls: Array.from({ length: 10_001 }, () => '/a') }, /^urls: /],
    ['one of them wrong', { urls: ['/a', 'b'] }, /^urls\.1: /],
    ['a URL with a password', { urls: ['http://user:pw@x.example/a'] }, /^urls\.0: .*password/],
    ['a URL with a port that there is not', { urls: ['http://x.example:99999/'] }, /^urls\.0: .*65535/],
    ['a prefix with a user', { selectors: [{ kind: 'prefix', value: 'HTTPS://user@x.example/a' }] }, /^selectors\.0: .*user name/],
    ['a prefix with a query', { selectors: [{ kind: 'prefix', value: '/a?b' }] }, /^selectors\.0: .*query/],
    ['a prefix that ends in an escape', { selectors: [{ kind: 'prefix', value: '/a%4' }] }, /escape/],
    ['a tag with a space', { selectors: [{ kind: 'tag', value: 'a b' }] }, /^selectors\.0: /],
    ['no tag', { selectors: [{ kind: 'tag', value: '' }] }, /characters/],
    ['a host with a port', { selectors: [{ kind: 'host', value: 'a.example:80' }] }, /host/],
    ['a zone with a slash', { selectors: [{ kind: 'zone', value: 'a/b' }] }, /zone/],
    ['no pattern', { selectors: [{ kind: 'regex', value: '' }] }, /pattern/],
    ['a pattern for no host', { selectors: [{ kind: 'regex', value: 'a', host: '/' }] }, /host/],
    ['a pattern for no zone', { selectors: [{ kind: 'regex', value: 'a', zone: '/' }] }, /zone/],
    ['everything, with a value', { selectors: [{ kind: 'all', value: 'a' }] }, /value/],
  ])('%s is refused', (_what, changed, message) => {
    expect(purgeDecider.decide({ ...request, ...changed }, purgeDecider.initialState)).toEqual({
      refused: true,
      code: 'invalid-urls',
      message: expect.stringMatching(message),
      events: [],
    });
  });

  test('ten thousand targets are a few events that fit the log, and one purge: the same is known again, another is refused', () => {
    const { initialState, decide, evolve } = purgeDecider;
    const many: RequestPurge = {
      ...request,
      urls: Array.from({ length: 9_000 }, (_, at) => `/p${'u'.repeat(at % 300)}/${at}`),
      selectors: Array.from({ length: 1_000 }, (_, at) => ({ kind: 'tag' as const, value: `tag-${at}` })),
      soft: true,
    };
    const { events } = decide(many, initialState);
    expect(events.flatMap(({ data }) => data.urls)).toEqual(many.urls);
    expect(events.flatMap(({ data }) => data.selectors ?? [])).toEqual(many.selectors);
    expect(events.map(({ data }) => data.part)).toEqual(events.map((_, at) => at));
    for (const { data } of events) {
      expect(purgeRequested.schema.safeParse(data).success).toBe(true);
      expect(JSON.stringify(data).length).toBeLessThan(300_000);
      expect(data).toMatchObject({ parts: events.length, total: 10_000, soft: true });
    }
    const state = events.reduce(evolve, initialState);
    expect(state).toMatchObject({ status: 'requested', total: 10_000 });
    expect(decide(many, state)).toEqual({ refused: false, events: [] });
    for (const other of [{ soft: false }, { reason: 'x' }, { urls: many.urls.slice(1) }, { selectors: [...(many.selectors ?? [])].reverse() }])
      expect(decide({ ...many, ...other }, state)).toMatchObject({ refused: true, code: 'another-purge' });
    // A head of the first version, which knew no digest.
    const old = { status: 'requested', purgeId: 'pg-1', urls: request.urls, reason: request.reason } as const;
    expect([decide(request, old).refused, decide({ ...request, urls: ['/z'] }, old).refused]).toEqual([false, true]);
  });

  test.each(['/', '/a/b?c=d', 'http://h', 'https://h:8443/x%20y', 'HTTP://H/'])('%s can be purged', (target) =>
    expect(purgeTargetProblem(target)).toBeUndefined(),
  );
  test.each(['', 'a', '//h/x', 'ftp://h/x', 'http://', 'http:///x', '/a#b', '/a b', 'https://h/a\nb', `/${'a'.repeat(4096)}`])('%j cannot', (target) =>
    expect(purgeTargetProblem(target)).toEqual(expect.any(String)),
  );
});

describe('the purges projection', () => {
  const event = (draft: DraftEvent, time: number): DomainEvent => ({ ...draft, time, actor: 'key:k-1' }) as unknown as DomainEvent;
  const applied = (edgeId: string, objects: number, appliedAtMs: number): DomainEvent =>
    event(purgeApplied.draft({ purgeId: 'pg-1', edgeId, objects, appliedAtMs }), appliedAtMs);
  const all = [event(requested, 100), applied('edge-1', 3, 150), applied('edge-1', 0, 900), applied('edge-2', 1, 160)];
  const rows = (events: readonly DomainEvent[]) =>
    foldChanges(
      purgesProjection.tables,
      events.flatMap((each) => purgesProjection.project(each)),
    );

  test('an edge that crashed and applied it again counts from its first time, in every order', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(all, { minLength: all.length }), fc.subarray(all), (shuffled, repeated) => {
        const changes = rows([...shuffled, ...repeated]);
        const edge = changes.find((change) => change.key['edge_id'] === 'edge-1');
        expect(edge?.set).toEqual({ objects: 3n, applied_at_ms: 150n, last_applied_at_ms: 900n });
        expect(changes.find((change) => change.table === 'purge')?.set).toEqual({
          urls: request.urls,
          selectors: [],
          mode: 'hard',
          total: 2n,
          reason: 'wrong logo',
          requested_by: 'key:k-1',
          requested_at_ms: 100n,
        });
        expect(changes).toHaveLength(3);
      }),
    );
  });
});

describe('what the platform purges itself', () => {
  const happened = (draft: DraftEvent): ReturnType<typeof purgesReactor.react> =>
    purgesReactor.react({ event: { ...draft, tenant: 'acme' } as unknown as DomainEvent, recordedAtMs: 0 }, undefined);
  const zone = zoneConfigured.samples[0] as DraftOf<typeof zoneConfigured>['data'];
  const playlists = [{ kind: 'tag', value: 'playlist-st-1' }];
  const ofZone = [{ kind: 'zone', value: zone.zoneId }];

  test.each<[string, DraftEvent, object | undefined]>([
    ['a stream that ended', streamStopped.draft({ ...(streamStopped.samples.at(-1) as StoppedData), streamId: 'st-1' }), { selectors: playlists, soft: true }],
    ['a zone that is new', zoneConfigured.draft(zone), undefined],
    ['a zone with other origins', zoneConfigured.draft({ ...zone, zoneVersion: 5, epoch: 3 }), undefined],
    ['a zone with other rules', zoneConfigured.draft({ ...zone, zoneVersion: 5, epoch: 5 }), { selectors: ofZone, soft: false }],
    ['a zone that is gone', zoneRemoved.draft({ zoneId: zone.zoneId, name: 'shop', zoneVersion: 6, reason: '' }), { selectors: ofZone, soft: false }],
    [
      'a content whose bytes are others',
      contentChanged.draft({ contentId: 'trailer-42', url: 'https://o.example/42.mp4', contentType: 'video/mp4' }),
      { selectors: [{ kind: 'tag', value: 'content-trailer-42', tenant: 'acme' }], soft: false },
    ],
    [
      'a content that is withdrawn',
      contentWithdrawn.draft({ contentId: 'trailer-42' }),
      { selectors: [{ kind: 'tag', value: 'content-trailer-42', tenant: 'acme' }], soft: false },
    ],
    ['a purge', requested, undefined],
  ])('%s', (_what, draft, purge) => {
    const intents = happened(draft);
    if (purge === undefined) return expect(intents).toEqual([]);
    expect(intents).toEqual([{ kind: 'purge-request', lane: expect.stringMatching(/^(st|zn|trailer)-/), payload: { ...purge, reason: expect.any(String) } }]);
  });
});
