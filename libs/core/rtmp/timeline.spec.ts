import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Pace } from './pace.core.ts';
import { StillClock } from './still-clock.core.ts';
import { Timeline } from './timeline.core.ts';
import type { Track } from './track.ts';

function mapAll(timeline: Timeline, track: Track, timestamps: readonly number[]): number[] {
  return timestamps.map((timestamp) => timeline.map(track, timestamp, 0));
}

describe("a session's timeline", () => {
  test('begins at zero wherever the publisher begins', () => {
    expect(mapAll(new Timeline(), 'video', [90_000, 90_033, 90_066])).toEqual([0, 33, 66]);
  });

  test('goes on over the wrap at 2^32', () => {
    expect(mapAll(new Timeline(), 'video', [0xffffffe0, 0xfffffff0, 0x10, 0x30])).toEqual([0, 16, 48, 80]);
  });

  test('keeps the distance between audio and video', () => {
    const timeline = new Timeline();
    expect(timeline.map('video', 1000, 0)).toBe(0);
    expect(timeline.map('audio', 1023, 0)).toBe(23);
    expect(timeline.map('video', 1040, 0)).toBe(40);
  });

  test('a track that begins before the other begins at zero at the earliest', () => {
    const timeline = new Timeline();
    timeline.map('video', 1000, 0);
    expect(timeline.map('audio', 980, 0)).toBe(0);
    expect(timeline.map('audio', 1003, 0)).toBe(3);
  });

  test('never goes back within a track', () => {
    expect(mapAll(new Timeline(), 'video', [100, 140, 130, 180])).toEqual([0, 40, 40, 80]);
  });

  test('a pause as long as a publisher may stall stays a pause', () => {
    expect(mapAll(new Timeline(), 'video', [0, 9_900])).toEqual([0, 9_900]);
  });

  test('a longer step is a pause where nothing came for as long, and a jump where something did', () => {
    const paused = new Timeline();
    const steps = [
      ['video', 0, 0],
      ['audio', 10, 10],
      ['video', 10_060, 10_200],
      ['audio', 10_050, 10_201],
      ['video', 10_100, 10_240],
    ] as const;
    expect(steps.map(([track, timestamp, now]) => paused.map(track, timestamp, now))).toEqual([0, 10, 10_060, 10_050, 10_100]);
    expect(paused.corrections.jumpsForward).toBe(0);
    const jumped = new Timeline();
    const times = [0, 9_000, 10_200].map((now, at) => jumped.map('video', [0, 40, 10_100][at] as number, now));
    expect([times, jumped.corrections.jumpsForward]).toEqual([[0, 40, 60], 1]);
  });

  test.each([
    ['forward by an hour', 3_600_000],
    ['back to zero', -100_000],
  ])('a jump %s goes on behind the last time, on both tracks by the same amount', (_name, jump) => {
    const timeline = new Timeline();
    mapAll(timeline, 'video', [100_000, 100_040]);
    mapAll(timeline, 'audio', [100_010, 100_030]);
    expect(timeline.map('video', 100_080 + jump, 0)).toBe(60);
    expect(timeline.map('audio', 100_053 + jump, 0)).toBe(33);
    expect(timeline.map('video', 100_120 + jump, 0)).toBe(100);
    expect(timeline.corrections.jumpsForward + timeline.corrections.jumpsBack).toBe(1);
  });

  test('the latest time is that of the track that is ahead', () => {
    const timeline = new Timeline();
    expect(timeline.latestMs).toBe(0);
    timeline.map('video', 0, 0);
    timeline.map('audio', 40, 0);
    timeline.map('video', 33, 0);
    expect(timeline.latestMs).toBe(40);
  });
});

describe('a track that pauses while the other goes on', () => {
  type Step = readonly [track: Track, timestamp: number, expected: number];
  const both = (ms: number): readonly Step[] => [
    ['video', ms, ms],
    ['audio', ms, ms],
  ];
  /** The first frames of a session whose clock is already there. */
  const zero = (at: number): readonly Step[] => both(at).map(([track]) => [track, at, 0]);
  /** Frames of one track every 500 ms of its time, each where the clock of a session says that began at zero. */
  const every = (track: Track, from: number, to: number, shift = 0): readonly Step[] =>
    Array.from({ length: Math.ceil((to - from) / 500) }, (_, n): Step => [track, from + n * 500, from + n * 500 + shift]);

  test.each<[string, readonly Step[], object]>([
    ['the picture for 14 s', [...both(0), ...every('audio', 500, 14_000), ...both(14_000), ...both(14_500)], {}],
    ['the sound for 14 s', [...both(0), ...every('video', 500, 14_000), ...both(14_000), ...both(14_500)], {}],
    ['the picture for an hour', [...both(0), ...every('audio', 500, 3_600_000), ...both(3_600_000)], {}],
    ['sound that comes back behind its picture', [...both(0), ...every('video', 500, 14_000), ['audio', 11_000, 11_000], ...both(14_000)], {}],
    [
      'a picture that comes back before its sound, which pauses itself by then',
      [...both(0), ...every('audio', 500, 9_000), ['video', 14_000, 14_000], ['audio', 19_500, 19_500], ['video', 19_510, 19_510]],
      {},
    ],
    [
      'the picture for 14 s, and both come back from a whole pause of 14 s, which is a jump',
      [...both(0), ...every('audio', 500, 14_000), ...both(14_000), ['video', 28_000, 14_020], ['audio', 28_020, 14_040], ['video', 28_040, 14_060]],
      { jumpsForward: 1 },
    ],
    [
      'the picture for 14 s, in which the session jumps by an hour',
      [
        ...both(0),
        ...every('audio', 500, 7_500),
        ...every('audio', 3_607_500, 3_614_000, -3_600_480),
        ['video', 3_614_000, 13_520],
        ['audio', 3_614_040, 13_560],
      ],
      { jumpsForward: 1 },
    ],
    [
      'the picture for 14 s, in which the session jumps back by five seconds',
      [
        ...zero(60_000),
        ...every('audio', 60_500, 67_500, -60_000),
        ...every('audio', 62_500, 69_000, -55_480),
        ['video', 69_000, 13_520],
        ['audio', 69_040, 13_560],
      ],
      { jumpsBack: 1 },
    ],
    [
      'a camera that begins anew at zero after 14 s goes on where the session is by then',
      [...zero(100_000), ...every('audio', 100_500, 114_500, -100_000), ['video', 0, 14_020], ['audio', 114_500, 14_500], ['video', 500, 14_520]],
      { jumpsBack: 1 },
    ],
    [
      'a camera with a clock of its own, later, too',
      [
        ...both(0),
        ['video', 3_600_000, 20],
        ...every('audio', 500, 15_000),
        ...every('video', 3_600_500, 3_601_500, -3_599_980),
        ...every('audio', 15_000, 30_000),
        ['video', 3_630_000, 30_020],
        ['audio', 30_040, 30_040],
      ],
      { jumpsForward: 1 },
    ],
  ])('%s', (_name, steps, corrections) => {
    const timeline = new Timeline();
    expect(steps.map(([track, timestamp]) => [track, timestamp, timeline.map(track, timestamp, 0)])).toEqual(steps);
    expect(timeline.corrections).toEqual({ wraps: 0, jumpsForward: 0, jumpsBack: 0, backSteps: 0, driftMs: 0, ...corrections });
  });

  test('and is alone in its session has jumped', () => {
    expect(mapAll(new Timeline(), 'video', [0, 40, 14_000, 14_040])).toEqual([0, 40, 60, 100]);
  });

  test.each([
    ['the track that is longer gone first', 'video', 'audio'],
    ['the other first', 'audio', 'video'],
  ] as const)('stays with the other where only one of them was gone for longer than a pause, %s', (_name, first, second) => {
    const timeline = new Timeline();
    timeline.map('video', 0, 0);
    mapAll(timeline, 'audio', [0, 300, 600, 900]);
    const timestamps = { video: 10_500, audio: 10_600 };
    const [one, two] = [timeline.map(first, timestamps[first], 0), timeline.map(second, timestamps[second], 0)];
    // The sound's frame is 100 ms later.
    expect(Math.abs(two - one)).toBe(100);
  });

  test.each(['video', 'audio'] as const)('further tracks of %s go on beside it, also over a jump', (track) => {
    const timeline = new Timeline();
    const other = track === 'video' ? 'audio' : 'video';
    timeline.map(track, 0, 0);
    for (let ms = 0; ms <= 30_000; ms += 500) timeline.map(other, ms, 0);
    expect(timeline.beside(track, 30_000)).toBe(30_000);
    expect(timeline.beside(track, 3_630_500)).toBeUndefined();
    timeline.map(other, 3_630_500, 0);
    expect(timeline.beside(track, 3_630_500)).toBe(30_020);
    expect(timeline.map(track, 3_630_540, 0)).toBe(30_060);
  });

  /** One publisher with one clock, whose tracks pause and whose clock is set; never in the moment in which a track comes back. */
  const published = fc.record({
    from: fc.oneof(
      fc.nat(0xffffffff),
      fc.nat(400_000).map((ms) => 0xffffffff - ms),
    ),
    /** What happens at each 20 s: a track pauses for so long, ms, and 5 s later the clock is set by so much, ms. */
    acts: fc.array(
      fc.record({
        track: fc.constantFrom<Track>('video', 'audio'),
        pauseMs: fc.oneof(fc.constant(0), fc.integer({ min: 100, max: 200 }), fc.integer({ min: 6_000, max: 18_500 })),
        jumpMs: fc.oneof(fc.constant(0), fc.integer({ min: 11_000, max: 7_200_000 }), fc.integer({ min: -7_200_000, max: -1_200 })),
        videoFirst: fc.boolean(),
      }),
      { minLength: 1, maxLength: 12 },
    ),
  });

  test('stays with the other whatever pauses and jumps there are', () => {
    fc.assert(
      fc.property(published, ({ from, acts }) => {
        const timeline = new Timeline();
        const last = { video: 0, audio: 0 };
        let clock = from;
        let wrong = 0;
        for (let ms = 0; ms < (acts.length + 1) * 20_000; ms += 50, clock += 50) {
          const act = acts[Math.floor(ms / 20_000) - 1];
          const into = ms % 20_000;
          if (into === 5_000) clock += act?.jumpMs ?? 0;
          const tracks: readonly Track[] = act?.videoFirst === true ? ['video', 'audio'] : ['audio', 'video'];
          const sent = tracks.filter((track) => track !== act?.track || into >= act.pauseMs);
          for (const track of sent) {
            const at = timeline.map(track, clock >>> 0, 0);
            wrong += at < last[track] ? 1 : 0;
            last[track] = at;
          }
          wrong += sent.length === 2 && last.video !== last.audio ? 1 : 0;
        }
        expect(wrong).toBe(0);
        const jumps = acts.filter(({ jumpMs }) => jumpMs !== 0).length;
        expect(timeline.corrections.jumpsForward + timeline.corrections.jumpsBack).toBe(jumps);
        // Nothing is lost of the session's length but what breaks are taken to last.
        expect(Math.abs(timeline.latestMs - ((acts.length + 1) * 20_000 - 50))).toBeLessThanOrEqual(acts.length * 50);
      }),
      {
        numRuns: 100,
        // A jump back that takes away nearly all of the pause in which it comes.
        examples: [[{ from: 0xffffffff, acts: [{ track: 'video', pauseMs: 6_000, jumpMs: -5_050, videoFirst: true }] }]],
      },
    );
  });

  test('never goes back, nor on by more than a pause at once, whatever anybody sends', () => {
    const hostile = fc.array(fc.tuple(fc.constantFrom<Track>('video', 'audio'), fc.oneof(fc.nat(0xffffffff), fc.nat(60_000))), { maxLength: 60 });
    fc.assert(
      fc.property(hostile, (frames) => {
        const timeline = new Timeline();
        const last = { video: 0, audio: 0 };
        for (const [track, timestamp] of frames) {
          const before = timeline.latestMs;
          const at = timeline.map(track, timestamp, 0);
          expect(Number.isSafeInteger(at)).toBe(true);
          expect(at).toBeGreaterThanOrEqual(last[track]);
          expect(timeline.latestMs - before).toBeLessThanOrEqual(10_000);
          expect(timeline.beside(track, timestamp) ?? 0).toBeGreaterThanOrEqual(0);
          last[track] = at;
        }
      }),
    );
  });
});

describe('what a publisher does to its times is counted', () => {
  test.each<[string, readonly number[], object]>([
    ['nothing', [0, 33, 66, 100], { wraps: 0, jumpsForward: 0, jumpsBack: 0, backSteps: 0, driftMs: 0 }],
    ['a wrap', [0xfffffff0, 0x10], { wraps: 1, jumpsForward: 0, jumpsBack: 0 }],
    ['a jump forward', [0, 40, 3_600_000, 3_600_040], { jumpsForward: 1, jumpsBack: 0 }],
    ['a jump back', [3_600_000, 3_600_040, 0, 40], { jumpsForward: 0, jumpsBack: 1 }],
    ['steps back', [100, 140, 130, 120, 180], { backSteps: 2, jumpsBack: 0 }],
    ['a variable frame rate', [0, 16, 33, 533, 540, 9_000, 9_016], { jumpsForward: 0, backSteps: 0 }],
    ['bursts of one time', [0, 0, 0, 40, 40], { backSteps: 0 }],
  ])('%s', (_name, timestamps, counts) => {
    const timeline = new Timeline();
    mapAll(timeline, 'video', timestamps);
    expect(timeline.corrections).toMatchObject(counts);
  });

  test('a burst of one track at the beginning is no drift', () => {
    const timeline = new Timeline();
    // Two seconds of pictures come at once, as from an encoder that had filled its buffer.
    for (let ms = 0; ms < 2_000; ms += 40) timeline.map('video', ms, 0);
    for (let ms = 0; ms < 600_000; ms += 40) {
      if (ms >= 2_000) timeline.map('video', ms, ms);
      timeline.map('audio', ms, ms + 200);
    }
    expect(timeline.corrections.driftMs).toBe(0);
  });

  test('a slide show beside its sound makes no jump', () => {
    const timeline = new Timeline();
    for (let ms = 0; ms < 60_000; ms += 20) {
      timeline.map('audio', ms, ms);
      if (ms % 5000 === 0) timeline.map('video', ms, ms);
    }
    expect(timeline.corrections).toEqual({ wraps: 0, jumpsForward: 0, jumpsBack: 0, backSteps: 0, driftMs: 0 });
  });
});

describe("a publisher's pace", () => {
  test('is looked at when a window ends, and is too slow below the least ratio', () => {
    const pace = new Pace({ windowMs: 20_000, ratioMin: 0.5 });
    expect(pace.nextCheck()).toBeUndefined();
    pace.start(0, 1000);
    expect(pace.nextCheck()).toBe(21_000);
    expect(pace.check(0, 20_999)).toBeUndefined();
    expect(pace.check(10_000, 21_000)).toBeUndefined();
    expect(pace.check(19_000, 41_000)).toBeCloseTo(0.45);
  });
});

describe("a publisher's clock", () => {
  /** Frames every so many ms for 20 s, each with the time that is given for its moment; what was said, and when. */
  const watched = (timeOf: (ms: number) => number, everyMs = 40): unknown => {
    const clock = new StillClock();
    for (let ms = 0; ms < 20_000; ms += everyMs) {
      try {
        clock.look('video', timeOf(ms), ms);
      } catch (error) {
        return [ms, error];
      }
    }
    return undefined;
  };

  test('that stands still while frames come is refused after five seconds, with the reason', () => {
    const message = "The timestamps of the video moved by 0 ms while 125 frames came in 5.0 s: the publisher's clock stands still.";
    expect(watched(() => 5)).toEqual([5000, expect.objectContaining({ code: 'RTMP_CLOCK_STILL', message })]);
  });

  test.each([
    ['that jitters and goes on', (ms: number) => ms + (ms % 3) * 20, 40],
    ['that stood still for four seconds', (ms: number) => (ms < 4000 ? 0 : ms), 40],
    ['of a line that carries a frame every half second', (ms: number) => ms / 50, 500],
  ])('%s is taken as it is', (_name, timeOf, everyMs) => {
    expect(watched(timeOf, everyMs)).toBeUndefined();
  });
});
