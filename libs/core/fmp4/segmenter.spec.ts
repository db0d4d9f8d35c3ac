import { describe, expect, test } from '@jest/globals';
import {
  Fmp4Error,
  Segmenter,
  type CutSegment,
  type Fragment,
  type PartialSegment,
  type SegmenterRendition,
  type SegmentGroup,
  type TrackInit,
} from './index.ts';

const sync = 0x0200_0000;
const delta = 0x0101_0000;

const video: TrackInit = { trackId: 1, timescale: 90_000, kind: 'video', codecs: 'avc1.64001f', defaults: { duration: 0, size: 0, flags: 0 } };
const audio: TrackInit = { ...video, timescale: 48_000, kind: 'audio', codecs: 'mp4a.40.2' };

/** Half a second of 30 frames a second, the `n`th of its rendition. */
function pictures(n: number, keyEvery = 60): Fragment {
  const samples = Array.from({ length: 15 }, (_, i) => ({
    duration: 3000,
    flags: (n * 15 + i) % keyEvery === 0 ? sync : delta,
    compositionOffset: 0,
    data: Uint8Array.of(n, i),
  }));
  return { baseDecodeTime: n * 45_000, samples };
}

/** 24 AAC frames, 0.512 s. */
function sound(n: number): Fragment {
  return {
    baseDecodeTime: n * 24 * 1024,
    samples: Array.from({ length: 24 }, (_, i) => ({ duration: 1024, flags: sync, compositionOffset: 0, data: Uint8Array.of(n, i) })),
  };
}

const ladder = (startUs = 0, audioStartUs = startUs): SegmenterRendition[] => [
  { name: '720p', kind: 'video', startUs, primingTicks: 0 },
  { name: '240p', kind: 'video', startUs, primingTicks: 0 },
  { name: 'audio', kind: 'audio', startUs: audioStartUs, primingTicks: 1024 },
];

function segmenter(renditions: readonly SegmenterRendition[], mediaSequence = 0): Segmenter {
  const made = new Segmenter({ gridUs: 2_000_000, renditions, mediaSequence, apartUsMax: 10_000_000 });
  for (const { name, kind } of renditions) made.begin(name, kind === 'video' ? video : audio);
  return made;
}

/** Feeds `seconds` of all renditions, interleaved as an encoder writes them. */
function feed(to: Segmenter, seconds: number, keyEvery = 60): SegmentGroup[] {
  const groups: SegmentGroup[] = [];
  for (let n = 0; n < seconds * 2; n++) {
    groups.push(...to.push('720p', pictures(n, keyEvery)), ...to.push('240p', pictures(n, keyEvery)), ...to.push('audio', sound(n)));
  }
  return groups;
}

test('a rendition of which nothing has come yet is waited for, and not cut', () => {
  const made = new Segmenter({
    gridUs: 2_000_000,
    renditions: [ladder()[0] as SegmenterRendition, ladder()[2] as SegmenterRendition],
    mediaSequence: 0,
    apartUsMax: 10_000_000,
  });
  made.begin('720p', video);
  const early = Array.from({ length: 10 }, (_, n) => made.push('720p', pictures(n))).flat();
  made.begin('audio', audio);
  const late = Array.from({ length: 10 }, (_, n) => made.push('audio', sound(n))).flat();
  expect([early, late.map(({ segments }) => segments.length)]).toEqual([[], [2, 2]]);
});

const times = (groups: readonly SegmentGroup[], rendition: string): Array<[number, number]> =>
  groups.flatMap(({ segments }) =>
    segments.filter((one) => one.rendition === rendition).map(({ startUs, durationUs }): [number, number] => [startUs, durationUs]),
  );

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof Fmp4Error) return error.code;
    throw error;
  }
  return 'none';
}

describe('segmenter', () => {
  test('cuts every rendition at the key frames of the grid and numbers the groups', () => {
    const groups = feed(segmenter(ladder()), 7);
    expect(groups.map(({ mediaSequence }) => mediaSequence)).toEqual([0, 1, 2]);
    for (const name of ['720p', '240p'])
      expect(times(groups, name)).toEqual([
        [0, 2e6],
        [2e6, 2e6],
        [4e6, 2e6],
      ]);
  });

  test('every segment says its time to the tick, and where the fragments lie that begin with a key frame', () => {
    const groups = feed(segmenter(ladder()), 5, 30);
    const cut = groups[1]?.segments.find(({ rendition }) => rendition === '720p');
    expect(cut).toMatchObject({ startTicks: 180_000, durationTicks: 180_000 });
    expect(cut?.keyFrames.map(({ startTicks }) => startTicks)).toEqual([180_000, 270_000]);
    for (const { offset, sizeBytes } of cut?.keyFrames ?? []) {
      // What a player fetches: a moof, and an mdat that ends with its first frame.
      const bytes = Uint8Array.from((cut as CutSegment).bytes.subarray(offset, offset + sizeBytes));
      expect(String.fromCharCode(...bytes.subarray(4, 8))).toBe('moof');
      expect(bytes.subarray(-2)[1]).toBe(0);
      expect(bytes.subarray(-6, -2)).toEqual(new Uint8Array([...'mdat'].map((char) => char.charCodeAt(0))));
    }
    expect(groups[1]?.segments.find(({ rendition }) => rendition === 'audio')).toMatchObject({ startTicks: 96_256, durationTicks: 96_256, keyFrames: [] });
  });

  test('audio is cut at the first frame at or after the cut, without gap or overlap', () => {
    const cuts = times(feed(segmenter(ladder()), 9), 'audio');
    expect(cuts.map(([start]) => start)).toEqual([0, 2_005_333, 4_010_667, 6_016_000]);
    cuts.slice(1).forEach(([start], index) => expect((cuts[index]?.[0] ?? 0) + (cuts[index]?.[1] ?? 0)).toBe(start));
  });

  test('priming samples are cut off and audio then starts where the video does', () => {
    const [first] = feed(segmenter(ladder(8_000_000)), 3);
    expect(first?.segments.map(({ startUs }) => startUs)).toEqual([8e6, 8e6, 8e6]);
  });

  test('a run that starts off the grid first ends at it', () => {
    // Key frames 0.7 s after the start and every two seconds from there: what a phased encoder writes.
    const run = segmenter(ladder(11_300_000));
    const groups: SegmentGroup[] = [];
    for (let n = 0; n < 11; n++) {
      const frames = pictures(n, 1e9);
      const phased = { ...frames, samples: frames.samples.map((one, i) => ({ ...one, flags: n * 15 + i === 0 || (n * 15 + i) % 60 === 21 ? sync : delta })) };
      groups.push(...run.push('720p', phased), ...run.push('240p', phased), ...run.push('audio', sound(n)));
    }
    expect(times(groups, '720p')).toEqual([
      [11.3e6, 0.7e6],
      [12e6, 2e6],
      [14e6, 2e6],
    ]);
  });

  test('a start just before the grid does not give a tiny segment', () => {
    expect(times(feed(segmenter(ladder(1_990_000, 2_003_000)), 7, 30), '720p')[0]).toEqual([1.99e6, 2e6 + 1e6]);
  });

  test.each([
    ['within a segment', 5, [1e6, 1e6]],
    ['where a segment ends', 4, []],
  ])('of the tail no sound is kept that others go on with: the picture stops %s', (_where, seconds, tails) => {
    const run = segmenter(ladder());
    const groups = feed(run, seconds);
    for (let n = seconds * 2; n < seconds * 2 + 12; n++) groups.push(...run.push('audio', sound(n)));
    groups.push(...run.flush(seconds * 1e6));
    const sounds = times(groups, 'audio');
    expect(groups).toHaveLength(2 + tails.length / 2);
    for (const [at, [startUs, durationUs]] of times(groups, '720p').entries()) {
      expect(Math.abs((sounds[at] as [number, number])[0] - startUs)).toBeLessThan(22_000);
      expect(Math.abs((sounds[at] as [number, number])[1] - durationUs)).toBeLessThan(44_000);
    }
  });

  test('the tail is flushed as far as every rendition has media', () => {
    const run = segmenter(ladder());
    feed(run, 5);
    const tail = run.flush();
    expect(times(tail, '720p')).toEqual([[4e6, 1e6]]);
    expect(tail[0]?.mediaSequence).toBe(2);
    expect(run.flush()).toEqual([]);
  });

  test('audio alone is cut on the grid', () => {
    const run = segmenter([{ name: 'audio', kind: 'audio', startUs: 0, primingTicks: 1024 }], 40);
    const groups = Array.from({ length: 9 }, (_, n) => run.push('audio', sound(n))).flat();
    expect(groups.map(({ mediaSequence }) => mediaSequence)).toEqual([40, 41]);
    expect(times(groups, 'audio')).toEqual([
      [0, 2_005_333],
      [2_005_333, 2_005_334],
    ]);
  });

  test('audio alone leaves no rest of a few frames: it belongs to the segment before', () => {
    const run = segmenter([{ name: 'audio', kind: 'audio', startUs: 0, primingTicks: 0 }]);
    const frames = { ...sound(0), samples: sound(0).samples.slice(0, 1) };
    // Of 21.3 ms each: three behind the cut at 2.005 s.
    const groups = Array.from({ length: 97 }, (_, n) => run.push('audio', { ...frames, baseDecodeTime: n * 1024 })).flat();
    expect([groups, times(run.flush(), 'audio').map(([, us]) => us)]).toEqual([[], [2_069_333]]);
  });

  test('a group waits for its slowest rendition; what it holds is counted', () => {
    const run = segmenter(ladder());
    for (let n = 0; n < 5; n++) expect([...run.push('720p', pictures(n)), ...run.push('audio', sound(n))]).toEqual([]);
    expect(run.pendingBytes).toBe(2 * (5 * 15 + 5 * 24 - 1));
    expect(run.reachedUs).toBe(0);
    for (let n = 0; n < 3; n++) expect(run.push('240p', pictures(n))).toEqual([]);
    // The fragment that ends at the grid completes the group; nobody waits for the next one.
    expect(run.push('240p', pictures(3))).toHaveLength(1);
  });

  test.each([
    [
      'a rendition far behind',
      'RENDITIONS_APART',
      () => Array.from({ length: 30 }, (_, n) => n).reduce((run, n) => (run.push('720p', pictures(n)), run), segmenter(ladder())),
    ],
    ['a first frame that is no key frame', 'RENDITIONS_MISALIGNED', () => segmenter(ladder()).push('720p', pictures(1))],
    [
      'key frames at other times',
      'RENDITIONS_MISALIGNED',
      () => {
        const run = segmenter(ladder());
        for (let n = 0; n < 6; n++) {
          run.push('720p', pictures(n));
          run.push('240p', pictures(n, 45));
        }
      },
    ],
    [
      'time that goes back',
      'FMP4_INVALID',
      () => {
        const run = segmenter(ladder());
        run.push('audio', sound(1));
        run.push('audio', sound(0));
      },
    ],
  ])('%s is an error', (_what, code, act) => expect(codeOf(act)).toBe(code));

  describe('parts', () => {
    /** An encoder's output in small fragments, of any rate; answers parts and groups in the order in which they came. */
    function live(framesPerSecond: number, seconds: number, framesPerFragment = 1): { readonly parts: PartialSegment[]; readonly groups: SegmentGroup[] } {
      const run = new Segmenter({ gridUs: 2_000_000, renditions: ladder(), mediaSequence: 7, apartUsMax: 10_000_000, parts: true });
      for (const { name, kind } of ladder()) run.begin(name, kind === 'video' ? video : audio);
      const parts: PartialSegment[] = [];
      const groups: SegmentGroup[] = [];
      const take = (more: readonly SegmentGroup[]): void => {
        parts.push(...run.takeParts());
        // Whatever is whole was told of in parts before.
        for (const { segments } of more)
          for (const { rendition, bytes } of segments) {
            const own = parts.filter((one) => one.rendition === rendition && one.mediaSequence === more[0]?.mediaSequence);
            expect(Buffer.concat(own.map((one) => one.bytes)).equals(bytes)).toBe(true);
          }
        groups.push(...more);
      };
      const duration = Math.round(90_000 / framesPerSecond);
      const perSegment = Math.round(2 * framesPerSecond);
      let sounds = 0;
      for (let frame = 0; frame < framesPerSecond * seconds; frame += framesPerFragment) {
        const samples = Array.from({ length: framesPerFragment }, (_, i) => ({
          ...{ duration, flags: (frame + i) % perSegment === 0 ? sync : delta, compositionOffset: 0, data: Uint8Array.of(frame + i) },
        }));
        for (const name of ['720p', '240p']) take(run.push(name, { baseDecodeTime: frame * duration, samples }));
        for (; sounds * 1024 < ((frame + framesPerFragment) / framesPerSecond) * 48_000; sounds += 5)
          take(run.push('audio', { baseDecodeTime: sounds * 1024, samples: sound(0).samples.slice(0, 5) }));
      }
      take(run.flush());
      return { parts, groups };
    }

    test.each([
      [30, 1],
      [30, 15],
      [25, 12],
      [29.97, 5],
      [24, 3],
      [60, 30],
      [15, 1],
    ])('at %d frames a second none is longer than half a second, nor much shorter but at the end of a segment', (rate, fragment) => {
      const { parts, groups } = live(rate, 8, fragment);
      expect(groups.length).toBeGreaterThan(2);
      for (const name of ['720p', '240p', 'audio']) {
        const own = parts.filter(({ rendition }) => rendition === name);
        own.forEach((part, at) => {
          expect(part.durationUs).toBeLessThanOrEqual(500_001);
          const next = own[at + 1];
          if (next === undefined) return;
          expect([next.mediaSequence, next.index]).toEqual(
            next.mediaSequence === part.mediaSequence ? [part.mediaSequence, part.index + 1] : [part.mediaSequence + 1, 0],
          );
          expect(Math.abs(next.startUs - part.startUs - part.durationUs)).toBeLessThan(2);
          if (next.index > 0) expect(part.durationUs).toBeGreaterThanOrEqual(425_000);
        });
        expect(own.filter(({ index }) => index === 0).every(({ independent }) => independent)).toBe(true);
      }
    });

    test('they come before their segment is whole, and never when another rendition has nothing of it', () => {
      const run = new Segmenter({ gridUs: 2_000_000, renditions: ladder(), mediaSequence: 0, apartUsMax: 10_000_000, parts: true });
      for (const { name, kind } of ladder()) run.begin(name, kind === 'video' ? video : audio);
      run.push('720p', pictures(0));
      run.push('240p', pictures(0));
      expect(run.takeParts()).toEqual([]);
      run.push('audio', sound(0));
      expect(run.takeParts().map(({ rendition, mediaSequence, index, last }) => [rendition, mediaSequence, index, last])).toEqual([
        ['720p', 0, 0, false],
        ['240p', 0, 0, false],
        ['audio', 0, 0, false],
      ]);
      expect(run.takeParts()).toEqual([]);
    });

    test('the last part of a segment says so where the key frame that follows is known', () => {
      const { parts } = live(30, 6, 15);
      expect(parts.filter(({ rendition, mediaSequence }) => rendition === '720p' && mediaSequence === 8).map(({ last }) => last)).toEqual([
        false,
        false,
        false,
        true,
      ]);
    });
  });

  test('the same fragments give the same bytes', () => {
    expect(feed(segmenter(ladder(4e6), 9), 5)).toEqual(feed(segmenter(ladder(4e6), 9), 5));
  });
});

describe("a publisher's own key frames", () => {
  const source = (keyFrames: 'on-grid' | 'as-they-come'): Segmenter => {
    const renditions = [{ name: 'source', kind: 'video' as const, startUs: 0, primingTicks: 0, isPlaced: true }];
    const made = new Segmenter({ gridUs: 2_000_000, renditions, mediaSequence: 0, apartUsMax: 10_000_000, keyFrames });
    made.begin('source', video);
    return made;
  };
  /** Frames of 100 ms; a key frame begins a fragment, as a remuxer writes them. */
  const cutAt = (keys: readonly number[], seconds: number, keyFrames: 'on-grid' | 'as-they-come' = 'as-they-come'): number[] => {
    const to = source(keyFrames);
    const groups: SegmentGroup[] = [];
    for (let n = 0; n < seconds * 10; n++) {
      const sample = { duration: 9000, flags: keys.includes(n) ? sync : delta, compositionOffset: 0, data: Uint8Array.of(n & 0xff) };
      groups.push(...to.push('source', { baseDecodeTime: n * 9000, samples: [sample] }));
    }
    return [...groups, ...to.flush()].map(({ segments }) => (segments[0] as CutSegment).durationUs / 1e5);
  };
  const every = (frames: number, seconds: number): number[] => Array.from({ length: Math.ceil((seconds * 10) / frames) }, (_, n) => n * frames);

  test.each([
    ['on the grid', every(20, 8), [20, 20, 20, 20]],
    ['every second', every(10, 8), [20, 20, 20, 20]],
    ['twice a second', every(5, 8), [20, 20, 20, 20]],
    ['twice a second, and then no more in time', [0, 5, 10, 15, 38, 58], [15, 23, 20]],
    ['a little further apart than the grid', every(24, 7.2), [24, 24, 24]],
    ['too near for one, too far for two', every(14, 7), [14, 14, 14, 14, 14]],
    ['one in a thousand at a cut of the scene', [0, 20, 25, 40, 60], [20, 20, 20, 20]],
    ['one that came so late that the next would be too far', [0, 13, 33, 53, 73], [13, 20, 20, 20, 7]],
  ])('%s make segments that fit the target duration', (_name, keys, durations) => {
    expect(cutAt(keys, durations.reduce((sum, one) => sum + one, 0) / 10)).toEqual(durations);
  });

  test('further apart than a segment may last are an error, as they are off the grid beside encoded renditions', () => {
    expect(codeOf(() => cutAt(every(25, 10), 10))).toBe('KEY_FRAMES_SPARSE');
    expect(cutAt(every(10, 6), 6, 'on-grid')).toEqual([20, 20, 20]);
    expect(codeOf(() => cutAt(every(24, 6), 6, 'on-grid'))).toBe('KEY_FRAMES_SPARSE');
  });
});

describe('a rendition that may be left out', () => {
  const withTrack: SegmenterRendition[] = ladder().map((one) => (one.name === '240p' ? { ...one, isOptional: true } : one));
  const made = (): Segmenter => {
    const one = new Segmenter({ gridUs: 2_000_000, renditions: withTrack, mediaSequence: 0, apartUsMax: 10_000_000, keyFrames: 'as-they-come', parts: true });
    for (const { name, kind } of withTrack) one.begin(name, kind === 'video' ? video : { ...audio });
    return one;
  };
  const names = (groups: readonly SegmentGroup[]): string[] =>
    groups.map(({ mediaSequence, segments }) => `${mediaSequence} ${segments.map(({ rendition }) => rendition).join(' ')}`);
  const feedBoth = (to: Segmenter, from: number, until: number, track: (n: number) => Fragment | undefined): SegmentGroup[] => {
    const groups: SegmentGroup[] = [];
    for (let n = from; n < until; n++) {
      const other = track(n);
      groups.push(...to.push('720p', pictures(n)), ...(other === undefined ? [] : to.push('240p', other)), ...to.push('audio', sound(n)));
    }
    return groups;
  };

  test('and has no key frame at a cut ends there; the others are cut on', () => {
    const to = made();
    const groups = feedBoth(to, 0, 14, (n) => pictures(n, 120));
    expect(names([...groups, ...to.flush()])).toEqual(['0 720p 240p audio', '1 720p audio', '2 720p audio', '3 720p audio']);
    expect(to.takeLeftOut()).toEqual([{ rendition: '240p', reason: expect.stringContaining('no key frame') }]);
    expect(to.takeLeftOut()).toEqual([]);
    expect(times(groups, '240p')).toEqual([[0, 2e6]]);
  });

  test('and of which nothing comes any more is not waited for; what came of it is its last segment', () => {
    const to = made();
    const groups = feedBoth(to, 0, 14, (n) => (n < 5 ? pictures(n) : undefined));
    expect(names(groups)).toEqual(['0 720p 240p audio', '1 720p 240p audio', '2 720p audio']);
    expect(times(groups, '240p')).toEqual([
      [0, 2e6],
      [2e6, 0.5e6],
    ]);
    const parts = to.takeParts().filter(({ rendition }) => rendition === '240p');
    expect(parts.at(-1)).toMatchObject({ mediaSequence: 1, index: 0 });
    // Not one that comes back, either: its time would have a hole.
    expect(names(feedBoth(to, 14, 18, pictures))).toEqual(['3 720p audio']);
  });

  test('and ended early does not keep back the last segments', () => {
    const to = made();
    const groups = feedBoth(to, 0, 7, (n) => (n < 4 ? pictures(n) : undefined));
    expect(names([...groups, ...to.flush()])).toEqual(['0 720p 240p audio', '1 720p audio']);
    expect(to.takeLeftOut()).toEqual([]);
  });

  test.each<[string, number, ReadonlyArray<[number, number]>, number]>([
    [
      'exactly there',
      0,
      [
        [0, 2e6],
        [2e6, 2e6],
      ],
      0,
    ],
    [
      'a little later',
      9000,
      [
        [100_000, 2e6],
        [2_100_000, 2e6],
      ],
      0,
    ],
    ['too late', 27_000, [], 1],
  ])('and may be cut nearby begins its segments with its own key frames: %s', (_what, byTicks, expected, leftOut) => {
    const loose = { slackUs: 200_000, longestUs: 2_450_000 };
    const renditions = withTrack.map((one) => (one.isOptional === true ? { ...one, isPlaced: true, loose } : one));
    const to = new Segmenter({ gridUs: 2_000_000, renditions, mediaSequence: 0, apartUsMax: 10_000_000, keyFrames: 'as-they-come', parts: true });
    for (const { name, kind } of renditions) to.begin(name, kind === 'video' ? video : audio);
    const groups = feedBoth(to, 0, 10, (n) => ({ ...pictures(n), baseDecodeTime: n * 45_000 + byTicks }));
    expect(times(groups, '240p').slice(0, expected.length || 2)).toEqual(expected.length > 0 ? expected : [[300_000, expect.any(Number)]]);
    expect(to.takeLeftOut()).toHaveLength(leftOut);
    const parts = to.takeParts().filter(({ rendition }) => rendition === '240p');
    if (leftOut === 0) expect(parts.filter(({ index }) => index === 0).every(({ independent }) => independent)).toBe(true);
  });

  test('is never the one that leads', () => {
    const first = ladder().map((one) => ({ ...one, isOptional: true }));
    expect(() => segmenter(first)).toThrow('leads');
  });
});
