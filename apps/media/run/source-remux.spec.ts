import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { AudioRendition, VideoRendition } from '#core/ffmpeg-plan';
import type { PartialSegment, ProducedSegment, SegmentGroup } from '#core/fmp4';
import type { FeedTag, Generation, StartPoint } from '../feed/feed.types.ts';
import type { RunPlan } from './run-plan.core.ts';
import { handOver, runSegmenter } from './run-segmenter.ts';
import type { SegmentCommitter } from './segment-committer.ts';
import { SourceRemux, type PictureChange } from './source-remux.ts';

/** What x264 tells of a 1280x720 picture. */
const avcRecord = Uint8Array.from(Buffer.from('0164001fffe1001a6764001facd9405005bb0110000003001000000303c0f183196001000668ebe3cb22c0', 'hex'));
const generation: Generation = {
  number: 0,
  video: Uint8Array.of(0x17, 0, 0, 0, 0, ...avcRecord),
  audio: Uint8Array.of(0xaf, 0, 0x12, 0x10),
  sealed: true,
  muted: false,
};
const frameMs = 40;
const soundMs = 1024 / 44.1;

function picture(timestampMs: number, keyFrame: boolean): FeedTag {
  return { kind: 'video', timestampMs, presentationMs: timestampMs, keyFrame, generation, body: Uint8Array.of(keyFrame ? 0x17 : 0x27, 1, 0, 0, 0, 1, 2, 3) };
}

function sound(at: number): FeedTag {
  const timestampMs = Math.round(at * soundMs);
  return { kind: 'audio', timestampMs, presentationMs: timestampMs, keyFrame: false, generation, body: Uint8Array.of(0xaf, 1, 0x21, at & 0xff) };
}

interface Pause {
  readonly fromMs: number;
  readonly ms: number;
}

interface Told {
  /** What the publisher sends. */
  readonly ms: number;
  readonly pauses?: readonly Pause[];
  /** A frame in so many begins a group of pictures; those that a pause swallows are not made up for. */
  readonly keyEvery?: number;
  /** The encoder begins anew behind a pause, or goes on where it was. */
  readonly keyBehindPause?: boolean;
  readonly withSound?: boolean;
  /** How far behind its sound the picture is sent. */
  readonly lateMs?: number;
  /** Where what follows begins, and its first picture. */
  readonly followed?: readonly [number, number];
}

function tagsOf({ ms, pauses = [], keyEvery = 50, keyBehindPause = true, withSound = true, lateMs = 0 }: Told): readonly FeedTag[] {
  const all: Array<{ readonly sentMs: number; readonly tag: FeedTag }> = [];
  let missed = false;
  for (let at = 0; at * frameMs < ms; at++) {
    const isPaused = pauses.some((pause) => at * frameMs >= pause.fromMs && at * frameMs < pause.fromMs + pause.ms);
    if (!isPaused) all.push({ sentMs: at * frameMs + lateMs, tag: picture(at * frameMs, at % keyEvery === 0 || (missed && keyBehindPause)) });
    missed = isPaused;
  }
  for (let at = 0; withSound && at * soundMs < ms; at++) all.push({ sentMs: at * soundMs, tag: sound(at) });
  return all.toSorted((a, b) => a.sentMs - b.sentMs).map(({ tag }) => tag);
}

interface Carried {
  readonly groups: readonly SegmentGroup[];
  readonly parts: readonly PartialSegment[];
  readonly changes: readonly PictureChange[];
}

function carry(told: Told): Carried {
  const tags = tagsOf(told);
  const start: StartPoint = { index: 0, tag: tags.find(({ keyFrame }) => keyFrame) as FeedTag, source: {} };
  const plan: RunPlan = {
    ...{ rebaseMs: 0, videoStartUs: 0, audioStartUs: 0, videoStreamUs: 0, audioStreamUs: 0, gridPhaseUs: 0, offsetMs: 0, mediaSequence: 0 },
    discontinuity: false,
  };
  const video = { kind: 'video', name: 'source' } as VideoRendition;
  const audio = { kind: 'audio', name: 'audio' } as AudioRendition;
  const carried = told.withSound === false ? { video } : { video, audio };
  const renditions = { renditions: Object.values(carried), encoded: [], carried };
  const groups: SegmentGroup[] = [];
  const parts: PartialSegment[] = [];
  const changes: PictureChange[] = [];
  const committer = { begin: () => {}, part: (one: PartialSegment) => parts.push(one), add: (one: SegmentGroup) => groups.push(one), leaveOut: () => {} };
  const deps = {
    segmenter: runSegmenter({ plan, renditions, segmentDurationMs: 2000, primingTicksOf: () => 0 }),
    committer: committer as unknown as SegmentCommitter,
  };
  const remux = new SourceRemux({ plan, start, carried, stills: { segmentDurationMs: 2000, onPicture: (change) => changes.push(change) } }, deps);
  tags.forEach((tag, index) => remux.take(index, tag));
  remux.finish(told.followed?.[0], told.followed?.[1]);
  handOver(deps.segmenter.flush(), deps);
  return { groups, parts, changes };
}

const of = ({ groups }: Carried, rendition: string): ProducedSegment[] =>
  groups.flatMap(({ segments }) => segments.filter((one) => one.rendition === rendition));
const seconds = (segments: readonly ProducedSegment[]): number[][] => segments.map(({ startUs, durationUs }) => [startUs / 1e6, durationUs / 1e6]);

/** What must hold whatever a publisher does: RFC 8216bis 4.4.3.1 (rounded, no segment is longer than two seconds), nothing missing. */
function expectWhole(carried: Carried, ms: number): void {
  const names = new Set(carried.groups.flatMap(({ segments }) => segments.map(({ rendition }) => rendition)));
  for (const name of names) {
    const segments = of(carried, name);
    expect(segments).toHaveLength(carried.groups.length);
    for (const [at, { startUs, durationUs }] of segments.entries()) {
      expect(durationUs).toBeLessThan(2_500_000);
      const before = segments[at - 1];
      if (before !== undefined) expect(startUs).toBe(before.startUs + before.durationUs);
    }
    const { startUs, durationUs } = segments.at(-1) as ProducedSegment;
    expect(Math.abs(startUs + durationUs - ms * 1000)).toBeLessThan(150_000);
  }
}

describe('a carried picture that stops while its sound goes on', () => {
  test('is its newest key frame meanwhile, in segments of their length; it is told once, and once that it is back', () => {
    const carried = carry({ ms: 24_000, pauses: [{ fromMs: 5000, ms: 14_000 }] });
    expectWhole(carried, 24_000);
    expect(seconds(of(carried, 'source')).slice(0, 9)).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 16].map((at) => [at, 2]));
    expect(
      of(carried, 'source')
        .map(({ startUs }) => startUs / 1e6)
        .slice(9),
    ).toEqual([18, 20, 22]);
    expect(carried.changes).toEqual([{ kind: 'away' }, { kind: 'back', awayMs: expect.any(Number) }]);
    // Behind what was there when it stopped, no part is longer than players were told.
    const still = carried.parts.filter(({ rendition, startUs }) => rendition === 'source' && startUs >= 6e6 && startUs < 19e6);
    expect(Math.max(...still.map(({ durationUs }) => durationUs))).toBe(500_000);
  });

  test('is cut while it is away: nothing waits until it is back', () => {
    const { groups } = carry({ ms: 12_000, pauses: [{ fromMs: 3000, ms: 60_000 }] });
    expect(groups.map(({ segments }) => segments.length)).toEqual([2, 2, 2, 2, 2, 2]);
  });

  test('for a moment just stays, and goes on where it was', () => {
    const carried = carry({ ms: 8000, pauses: [{ fromMs: 4200, ms: 1500 }], keyBehindPause: false });
    expectWhole(carried, 8000);
    expect(carried.changes).toEqual([]);
    expect(seconds(of(carried, 'source'))).toEqual([0, 2, 4, 6].map((at) => [at, 2]));
  });

  test('and ends before its sound: what is left is as long as it may be', () => {
    expectWhole(carry({ ms: 9700, pauses: [{ fromMs: 7900, ms: 60_000 }] }), 9700);
  });

  test('lasts until the picture that follows, whose sound comes before it', () => {
    const { startUs, durationUs } = of(carry({ ms: 8000, followed: [7991, 8012] }), 'source').at(-1) as ProducedSegment;
    expect(startUs + durationUs).toBe(8_012_000);
  });

  test('without sound is filled when it is back', () => {
    const carried = carry({ ms: 20_000, pauses: [{ fromMs: 5000, ms: 7000 }], withSound: false });
    expectWhole(carried, 20_000);
    expect(carried.changes.map(({ kind }) => kind)).toEqual(['away', 'back']);
  });

  test('and is always sent late is waited for', () => {
    const carried = carry({ ms: 12_000, lateMs: 1800 });
    expectWhole(carried, 10_200 + 1800);
    expect(carried.changes).toEqual([]);
  });

  test('leaves nothing out and makes nothing too long, whenever and however long it pauses', () => {
    const pause = fc.record({ fromMs: fc.integer({ min: 100, max: 20_000 }), ms: fc.integer({ min: 0, max: 9000 }) });
    fc.assert(
      fc.property(fc.array(pause, { maxLength: 3 }), fc.boolean(), fc.boolean(), (pauses, keyBehindPause, withSound) => {
        // Without sound what is paused at the end is nowhere.
        const ms = 32_000;
        const carried = carry({ ms, pauses, keyBehindPause, withSound, keyEvery: 25 });
        expectWhole(carried, ms);
        const shortest = of(carried, 'source')
          .slice(0, -1)
          .toSorted((a, b) => a.durationUs - b.durationUs)[0];
        expect(shortest?.durationUs).toBeGreaterThan(200_000);
      }),
      { numRuns: 60 },
    );
  });
});
