import { describe, expect, test } from '@jest/globals';
import { purgeApplied, purgeRequested, type DomainEvent, type DraftEvent } from '#events';
import { foldChanges } from '#kernel';
import fc from 'fast-check';
import { purgeTargetProblem } from './purge-target.core.ts';
import { purgeDecider, type RequestPurge } from './purge.decider.ts';
import { purgesProjection } from './purge.projection.ts';

const request: RequestPurge = { type: 'RequestPurge', purgeId: 'pg-1', urls: ['/a', 'https://x.example/b?c=d'], reason: 'wrong logo' };
const requested = purgeRequested.draft({ purgeId: 'pg-1', urls: ['/a', 'https://x.example/b?c=d'], reason: 'wrong logo' });

describe('purges', () => {
  test('a purge is asked for once, however often', () => {
    const { initialState, decide, evolve } = purgeDecider;
    expect(decide(request, initialState)).toEqual({ refused: false, events: [requested] });
    expect(decide(request, evolve(initialState, requested))).toEqual({ refused: false, events: [] });
  });

  test.each<[string, readonly string[]]>([
    ['nothing', []],
    ['too much', Array.from({ length: 1001 }, () => '/a')],
    ['one of them wrong', ['/a', 'b']],
  ])('%s is refused', (_what, urls) => {
    expect(purgeDecider.decide({ ...request, urls }, purgeDecider.initialState)).toEqual({
      refused: true,
      code: 'invalid-urls',
      message: expect.stringMatching(/^urls/),
      events: [],
    });
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
          reason: 'wrong logo',
          requested_by: 'key:k-1',
          requested_at_ms: 100n,
        });
        expect(changes).toHaveLength(3);
      }),
    );
  });
});
