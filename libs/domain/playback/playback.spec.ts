import { describe, expect, test } from '@jest/globals';
import { edgeReported, playbackEnded, playbackReported, playbackStarted, type DomainEvent, type DraftEvent } from '#events';
import { foldChanges, wholeStampGroups } from '#kernel';
import fc from 'fast-check';
import { playbackSessionTable, playbacksProjection } from './playback.projection.ts';
import { audienceOf, type PlaybackFigures } from './audience.core.ts';

const watched = { sessionId: 'ps-1', assetKind: 'stream', assetId: 'st-7f3k2m9q' } as const;
const event = (id: string, time: number, draft: DraftEvent): DomainEvent => ({ ...draft, id, time, tenant: 'acme' }) as unknown as DomainEvent;
const report = (id: string, time: number, playedMs: number, rendition: string): DomainEvent =>
  event(id, time, playbackReported.draft({ ...watched, playedMs, stalls: 1, stalledMs: 700, rendition }));
const started = event('e-1', 100, playbackStarted.draft({ ...watched, startupMs: 840, rendition: '240p', player: 'hls.js 1.7.4' }));
const ended = event('e-4', 400, playbackEnded.draft({ ...watched, playedMs: 125_000, stalls: 2, stalledMs: 900, reason: 'left' }));
const all = [started, report('e-2', 200, 60_000, '480p'), report('e-3', 300, 120_000, '720p'), ended];

const rowsOf = (events: readonly DomainEvent[]) =>
  foldChanges(
    playbacksProjection.tables,
    events.flatMap((each) => playbacksProjection.project(each)),
  );

describe('the playbacks projection', () => {
  test('whatever the order and repetition of reports, one row with the newest rendition and the highest counters', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(all, { minLength: all.length }), fc.subarray(all), (shuffled, repeated) => {
        const [row, ...more] = rowsOf([...shuffled, ...repeated]);
        expect(more).toEqual([]);
        expect(row?.key).toEqual({ tenant: 'acme', session_id: 'ps-1' });
        expect(row?.set).toEqual({
          asset_kind: 'stream',
          asset_id: 'st-7f3k2m9q',
          player: 'hls.js 1.7.4',
          viewer: null,
          startup_ms: 840n,
          started_at_ms: 100n,
          first_seen_at_ms: 100n,
          seen_at_ms: 400n,
          played_ms: 125_000n,
          stalls: 2n,
          stalled_ms: 900n,
          rendition: '720p',
          renditions: { '240p': '240p', '480p': '480p', '720p': '720p' },
          state: 'ended',
          ended_at_ms: 400n,
          end_reason: 'left',
          end_detail: null,
        });
      }),
    );
  });

  test('a playback that goes on has no end, and one that named no rendition at its start waits for a report', () => {
    const silent = event('e-1', 100, playbackStarted.draft({ ...watched, startupMs: 840 }));
    const set = rowsOf([silent])[0]?.set;
    expect(set).toMatchObject({ player: null, seen_at_ms: 100n, state: 'started' });
    expect(set).not.toHaveProperty('ended_at_ms');
    expect(set).not.toHaveProperty('rendition');
  });

  test('no change leaves out a column of a stamp group', () => {
    for (const change of all.flatMap((each) => playbacksProjection.project(each))) expect(wholeStampGroups(playbackSessionTable, change)).toEqual([]);
  });

  test('events of others change nothing', () => {
    expect(playbacksProjection.project({ ...started, type: edgeReported.type } as unknown as DomainEvent)).toEqual([]);
  });
});

describe('an audience', () => {
  const one = (change: Partial<PlaybackFigures> = {}): PlaybackFigures => ({
    ...{ startupMs: 800, playedMs: 1_800_000, stalls: 1, stalledMs: 0, rendition: '720p', hasEnded: false },
    ...change,
  });

  test('of nobody says nothing of quality', () => {
    expect(audienceOf([])).toEqual({ viewers: 0, playbacks: 0, startupMs: null, stalledShare: null, stallsPerHour: null, renditions: {} });
  });

  test('counts those who have not ended, and the quality of all', () => {
    const audience = audienceOf([one(), one({ startupMs: 1_200, rendition: '1080p' }), one({ startupMs: undefined, stalledMs: 1_800_000, hasEnded: true })]);
    expect(audience).toMatchObject({ viewers: 2, playbacks: 3, startupMs: { median: 800, p95: 1_200 }, stalledShare: 0.25, stallsPerHour: 2 });
    expect(audience.renditions).toEqual({ '720p': 1, '1080p': 1 });
  });
});
