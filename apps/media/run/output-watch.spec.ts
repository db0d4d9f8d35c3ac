import { describe, expect, test } from '@jest/globals';
import { RestartPace } from '../live/restart-pace.core.ts';
import { OutputWatch, type OutputView } from './output-watch.core.ts';

/** Looks twice a second for `seconds`; answers the first verdict and when. */
function watch(seconds: number, view: (second: number) => Partial<OutputView>): string | undefined {
  const made = new OutputWatch();
  for (let second = 0; second <= seconds; second += 0.5) {
    const verdict = made.look({ nowMs: second * 1000, reachedMs: second * 1000, latestMs: second * 1000, blocked: false, ...view(second) });
    if (verdict !== undefined) return `${verdict} at ${second}`;
  }
  return undefined;
}

describe('an encoder', () => {
  test('that keeps up is left alone', () => expect(watch(3600, () => ({}))).toBeUndefined());
  test('that is silent while media waits is stalled', () =>
    expect(watch(60, (second) => ({ reachedMs: Math.min(second, 10) * 1000, latestMs: Math.min(second, 15) * 1000 }))).toBe('stalled at 18.5'));
  test('that gets nothing is not stalled: its publisher is', () => expect(watch(60, () => ({ reachedMs: 0, latestMs: 1000 }))).toBeUndefined());
  test('that the log holds up is not stalled', () => expect(watch(60, () => ({ reachedMs: 0, blocked: true }))).toBeUndefined());
  test('that falls behind more and more is too slow', () => expect(watch(120, (second) => ({ reachedMs: second * 700 }))).toBe('too-slow at 25.5'));
  test('that is behind but catches up is left alone', () => expect(watch(60, (second) => ({ reachedMs: second * 1300 - 15_000 }))).toBeUndefined());
});

describe('restarts', () => {
  test('come at once at first, then less and less often, then hardly', () => {
    const pace = new RestartPace();
    expect(Array.from({ length: 10 }, () => pace.after('crashed', 0))).toEqual([0, 100, 200, 400, 800, 1600, 3000, 3000, 15_000, 15_000]);
  });

  test('a stored segment or a quiet minute starts the count anew', () => {
    const pace = new RestartPace();
    for (let n = 0; n < 9; n++) pace.after('crashed', 0);
    pace.success();
    expect(pace.after('crashed', 0)).toBe(0);
    pace.after('crashed', 0);
    expect(pace.after('crashed', 61_000)).toBe(0);
  });
});
