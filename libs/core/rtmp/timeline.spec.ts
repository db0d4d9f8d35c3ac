import { describe, expect, test } from '@jest/globals';
import { Pace } from './pace.core.ts';
import { StillClock } from './still-clock.core.ts';
import { Timeline, type Track } from './timeline.core.ts';

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
