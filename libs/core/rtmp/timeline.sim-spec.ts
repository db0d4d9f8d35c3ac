import { Prng } from '#kernel';
import { describe, expect, test } from '@jest/globals';
import { Timeline } from './timeline.core.ts';

describe('a day of a simulated publisher', () => {
  const day = 86_400_000;

  interface Day {
    /** Of the sound's clock against the picture's. */
    readonly partsPerMillion: number;
    /** The publisher's clock when the day begins. */
    readonly from: number;
    readonly jumpAtMs?: number;
    readonly jumpMs?: number;
    /** How long the sound pauses at each full hour. */
    readonly pauseMs?: number;
  }

  /** Greatest distance of sound and picture that were made in the same moment, after the first two hours; frames are late on their way by chance. */
  function live(
    { partsPerMillion, from, jumpAtMs = day, jumpMs = 0, pauseMs = 0 }: Day,
    seed: number,
  ): { apartMs: number; latestMs: number; timeline: Timeline } {
    const prng = new Prng(seed);
    const timeline = new Timeline();
    let apartMs = 0;
    let arrival = 0;
    let back = 0;
    for (let ms = 0, last = -1; ms < day; ms += 250) {
      const jumped = ms >= jumpAtMs ? jumpMs : 0;
      arrival = Math.max(arrival, ms + (prng.next() < 0.9 ? prng.nextInteger(0, 40) : prng.nextInteger(0, 900)));
      const video = timeline.map('video', (from + ms + jumped) >>> 0, arrival);
      if (ms % 3_600_000 < pauseMs) continue;
      const audio = timeline.map('audio', (from + Math.round(ms * (1 + partsPerMillion / 1e6)) + jumped) >>> 0, arrival);
      back += audio < last ? 1 : 0;
      last = audio;
      if (ms > 7_200_000) apartMs = Math.max(apartMs, Math.abs(audio - video));
    }
    expect(back).toBe(0);
    return { apartMs, latestMs: timeline.latestMs, timeline };
  }

  test.each([
    ['fast sound', 50, 0, 1],
    ['slow sound', -50, 0, 2],
    ['very fast sound', 100, 0, 3],
    ['fast sound that pauses for long', 50, 20_000, 5],
  ])('%s stays with the picture', (_name, partsPerMillion, pauseMs, seed) => {
    const { apartMs, timeline } = live({ partsPerMillion, from: 0, pauseMs }, seed);
    // Untouched it would be four to thirteen seconds apart.
    expect(apartMs).toBeLessThan(45);
    expect(timeline.corrections.driftMs).toBeGreaterThan(3_000);
  });

  test('good clocks are left alone, over the wrap and a jump', () => {
    const { apartMs, latestMs, timeline } = live({ partsPerMillion: 0, from: 2 ** 32 - day / 2, jumpAtMs: day / 4, jumpMs: 7_200_000 }, 4);
    expect(timeline.corrections).toMatchObject({ wraps: expect.any(Number), jumpsForward: 1, driftMs: 0, backSteps: 0 });
    expect(timeline.corrections.wraps).toBeGreaterThan(0);
    expect(apartMs).toBeLessThan(45);
    expect(Math.abs(latestMs - day)).toBeLessThan(1_000);
  });
});
