import { describe, expect, test } from '@jest/globals';
import type { FeedTag } from '../feed/feed.types.ts';
import { HeldPicture } from './held-picture.core.ts';

const generation = { number: 0, video: undefined, audio: undefined, sealed: true, muted: false };

function tag(kind: FeedTag['kind'], timestampMs: number, keyFrame = false): FeedTag {
  return { kind, timestampMs, presentationMs: timestampMs + (kind === 'video' ? 80 : 0), keyFrame, body: new Uint8Array(), generation };
}

interface Source {
  readonly untilMs: number;
  readonly isSeen: (ms: number) => boolean;
  readonly everyMs?: number;
  readonly keysEveryMs?: number;
  /** So long behind its sound the picture is sent. */
  readonly lateMs?: number;
}

/** What the encoder is given of a source that sends in the order of its times: pictures, by their time and which one they are. */
function given({ untilMs, isSeen, everyMs = 40, keysEveryMs = 2000, lateMs = 0 }: Source): {
  pictures: Array<readonly [number, number]>;
  times: number[];
  changes: unknown[];
} {
  const held = new HeldPicture();
  const sent: Array<{ readonly at: number; readonly tag: FeedTag }> = [];
  for (let ms = 0; ms < untilMs; ms += 20) sent.push({ at: ms, tag: tag('audio', ms) });
  for (let ms = 0; ms < untilMs; ms += everyMs) if (isSeen(ms)) sent.push({ at: ms + lateMs, tag: tag('video', ms, ms % keysEveryMs === 0) });
  const fed = sent.toSorted((a, b) => a.at - b.at).flatMap((one) => held.push(one.tag).map((each) => ({ ...each, change: held.takeChange() })));
  const all = [...fed, ...held.end().map((each) => ({ ...each, change: held.takeChange() }))];
  const pictures = all.filter((each) => each.tag.kind === 'video');
  return {
    pictures: pictures.map((each) => [each.timestampMs, each.tag.timestampMs] as const),
    times: pictures.map(({ timestampMs }) => timestampMs),
    changes: all.flatMap(({ change }) => change ?? []),
  };
}

const stills = (pictures: ReadonlyArray<readonly [number, number]>): Array<readonly [number, number]> => pictures.filter(([at, of]) => at !== of);

describe('the picture that an encoder is given', () => {
  test('is what came, as long as it comes', () => {
    const { pictures, changes } = given({ untilMs: 8000, isSeen: () => true });
    expect(stills(pictures)).toEqual([]);
    expect([pictures.length, changes]).toEqual([200, []]);
  });

  test('is the newest key frame where it stops, and frames that refer to others are passed over until the next', () => {
    const { pictures, times, changes } = given({ untilMs: 20_000, isSeen: (ms) => ms < 5000 || ms >= 13_000 });
    const shown = stills(pictures);
    expect(new Set(shown.map(([, of]) => of))).toEqual(new Set([4000]));
    expect(shown.at(0)).toEqual([5460, 4000]);
    expect(shown.length).toBe(17);
    // At 13 s it is back; its key frame is at 14 s.
    expect(pictures.filter(([at]) => at > 13_000).slice(0, 2)).toEqual([
      [13_460, 4000],
      [14_000, 14_000],
    ]);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(changes).toEqual([{ kind: 'away' }, { kind: 'back', awayMs: 9040 }]);
  });

  test('stays as it is for a moment', () => {
    const { pictures, changes } = given({ untilMs: 9000, isSeen: (ms) => ms < 5000 || ms >= 6300 });
    expect([stills(pictures), changes]).toEqual([[], []]);
  });

  test('never keeps its sound waiting for more than two seconds', () => {
    const held = new HeldPicture();
    for (let ms = 0; ms < 5000; ms += 40) held.push(tag('video', ms, ms % 2000 === 0));
    let seenMs = 4960;
    for (let ms = 5000; ms < 30_000; ms += 20) {
      for (const each of held.push(tag('audio', ms))) if (each.tag.kind === 'video') seenMs = each.timestampMs;
      expect(ms - seenMs).toBeLessThan(2000);
    }
  });

  test.each([1000, 1500])('of a source with a frame every %i ms is not taken for one that stopped', (everyMs) => {
    const { pictures, changes } = given({ untilMs: 60_000, isSeen: () => true, everyMs, keysEveryMs: 30_000 });
    // The last frame is as long as the sound.
    expect([stills(pictures).filter(([at]) => at < 60_000 - everyMs), changes]).toEqual([[], []]);
  });

  test.each([300, 1200, 2500])('that is always sent %i ms behind its sound is waited for', (lateMs) => {
    const { pictures, changes } = given({ untilMs: 20_000, isSeen: () => true, lateMs });
    expect([stills(pictures), changes]).toEqual([[], []]);
  });

  test('that ends before its sound goes on to its end', () => {
    const { pictures, times } = given({ untilMs: 9000, isSeen: (ms) => ms < 8200 });
    expect(stills(pictures)).toEqual([[8660, 8000]]);
    expect(Math.max(...given({ untilMs: 15_000, isSeen: (ms) => ms < 8200 }).times)).toBeGreaterThan(14_400);
    expect(times.at(-1)).toBe(8660);
  });

  test('further tracks pass through, and without a key frame nothing is shown', () => {
    const held = new HeldPicture();
    const beside = { ...tag('audio', 0), beside: { kind: 'audio' as const, track: 1, config: new Uint8Array() } } as FeedTag;
    expect(held.push(beside)).toEqual([{ tag: beside, timestampMs: 0 }]);
    expect(held.push(tag('audio', 60_000))).toHaveLength(1);
    expect(held.end()).toEqual([]);
  });
});
