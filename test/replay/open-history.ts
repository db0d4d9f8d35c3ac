import {
  contentChanged,
  contentPublished,
  contentWithdrawn,
  eventParked,
  playbackEnded,
  playbackReported,
  playbackStarted,
  type AnyDefinition,
  type DraftOf,
} from '#events';
import type { Prng } from '#kernel';

type Draft = DraftOf<AnyDefinition>;

/** What outsiders say of one content: published, changed, described anew, perhaps withdrawn. */
function content(dice: Prng, contentId: string): readonly Draft[] {
  const object = () => ({ contentId, url: `https://origin.example/${contentId}/${dice.nextInteger(1, 9)}`, contentType: 'video/mp4' });
  const drafts: Draft[] = [contentPublished.draft({ ...object(), title: `Title ${contentId}`, tags: ['a', 'ü'] })];
  for (let times = dice.nextInteger(0, 3); times > 0; times--) drafts.push(contentChanged.draft({ ...object(), sizeBytes: dice.nextInteger(1, 1e9) }));
  if (dice.next() < 0.5) drafts.push(contentPublished.draft({ ...object(), sizeBytes: 7 }));
  if (dice.next() < 0.5) drafts.push(contentWithdrawn.draft({ contentId, reason: 'rights ended' }));
  return drafts;
}

function playback(dice: Prng, sessionId: string): readonly Draft[] {
  const of = { sessionId, assetKind: 'stream', assetId: `st-${dice.nextInteger(0, 2)}` } as const;
  const drafts: Draft[] = [playbackStarted.draft({ ...of, startupMs: dice.nextInteger(100, 3000), rendition: '240p' })];
  const reports = dice.nextInteger(0, 3);
  const counters = (n: number) => ({ playedMs: n * 10_000, stalls: n, stalledMs: n * 100 });
  for (let n = 1; n <= reports; n++) drafts.push(playbackReported.draft({ ...of, ...counters(n), rendition: n % 2 === 0 ? '240p' : '720p' }));
  if (dice.next() < 0.7) drafts.push(playbackEnded.draft({ ...of, ...counters(reports), reason: 'left' }));
  return drafts;
}

function parked(dice: Prng, at: number): Draft {
  const record = { topic: 'content', partition: dice.nextInteger(0, 11), offset: String(at), eventId: '', eventType: '', recordedAtMs: at };
  return eventParked.draft({ ...record, code: 'EVENT_DATA_INVALID', field: 'data', message: 'The data is not JSON.', consumer: '*', attempts: 1, stack: '' });
}

/** What comes from outside, and what could not be read of it. */
export function openDrafts(dice: Prng, count: number): readonly Draft[] {
  return Array.from({ length: count }, (_, at) => [...content(dice, `c-${at}`), ...playback(dice, `ps-${at}`), parked(dice, at)]).flat();
}
