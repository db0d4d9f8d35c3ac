import { describe, expect, test } from '@jest/globals';
import { contentChanged, contentPublished, contentWithdrawn, edgeReported, type DomainEvent, type DraftEvent } from '#events';
import { foldChanges, wholeStampGroups } from '#kernel';
import fc from 'fast-check';
import { contentsProjection, contentTable } from './content.projection.ts';

const contentId = 'trailer-42';
const url = 'https://origin.example/trailers/42.mp4';
const event = (id: string, time: number, draft: DraftEvent): DomainEvent =>
  ({ ...draft, id, time, tenant: 'acme', actor: 'key:k-1' }) as unknown as DomainEvent;
const published = event('e-1', 100, contentPublished.draft({ contentId, url, contentType: 'video/mp4', sizeBytes: 18_500_000, title: 'Trailer' }));
const changed = event('e-2', 200, contentChanged.draft({ contentId, url: `${url}?v=2`, contentType: 'video/mp4', etag: '"9af1"' }));
const withdrawn = event('e-3', 300, contentWithdrawn.draft({ contentId, reason: 'rights ended' }));

const rowsOf = (events: readonly DomainEvent[]) =>
  foldChanges(
    contentsProjection.tables,
    events.flatMap((each) => contentsProjection.project(each)),
  );

describe('the contents projection', () => {
  test('whatever the order and repetition of deliveries, who spoke last by its own clock is right', () => {
    const all = [published, changed, withdrawn];
    fc.assert(
      fc.property(fc.shuffledSubarray(all, { minLength: all.length }), fc.subarray(all), (shuffled, repeated) => {
        const [row, ...more] = rowsOf([...shuffled, ...repeated]);
        expect(more).toEqual([]);
        expect(row).toMatchObject({ table: 'content', key: { tenant: 'acme', content_id: contentId } });
        expect(row?.set).toEqual({
          url: `${url}?v=2`,
          content_type: 'video/mp4',
          size_bytes: null,
          etag: '"9af1"',
          title: 'Trailer',
          tags: [],
          published_by: 'key:k-1',
          status: 'withdrawn',
          status_reason: 'rights ended',
          first_published_at_ms: 100n,
          changed_at_ms: 300n,
        });
      }),
    );
  });

  test('content that is published again after its withdrawal is offered again, described anew, since its first time', () => {
    const again = event('e-4', 400, contentPublished.draft({ contentId, url, contentType: 'video/mp4', tags: ['autumn'] }));
    expect(rowsOf([again, withdrawn, published])[0]?.set).toMatchObject({
      status: 'published',
      status_reason: null,
      title: null,
      tags: ['autumn'],
      first_published_at_ms: 100n,
      changed_at_ms: 400n,
    });
  });

  test('a change of content that nobody published leaves its status open', () => {
    expect(rowsOf([changed])[0]?.set).not.toHaveProperty('status');
  });

  test('no change leaves out a column of a stamp group', () => {
    for (const change of [published, changed, withdrawn].flatMap((each) => contentsProjection.project(each)))
      expect(wholeStampGroups(contentTable, change)).toEqual([]);
  });

  test('events of others change nothing', () => {
    expect(contentsProjection.project({ ...published, type: edgeReported.type } as unknown as DomainEvent)).toEqual([]);
  });
});
