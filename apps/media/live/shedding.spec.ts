import { expect, test } from '@jest/globals';
import { presets } from '#core/ffmpeg-plan';
import { Shedding } from './shedding.core.ts';

const superfast = presets.indexOf('superfast');

test('gives up quality first, then the highest rung, then frames, then other streams, and has it all back in turn', () => {
  const shedding = new Shedding(superfast);
  expect(shedding.level).toEqual({ preset: 'superfast', withoutTopRung: false, halfFrameRate: false, refusesStreams: false });
  expect([1, 2, 3, 4, 5].map((now) => shedding.tooSlow(now)?.step)).toEqual(['preset', 'top-rung', 'frame-rate', 'new-streams', undefined]);
  expect(shedding.level).toEqual({ preset: 'ultrafast', withoutTopRung: true, halfFrameRate: true, refusesStreams: true });
  expect(shedding.calm(60_004)).toBeUndefined();
  expect(shedding.calmAt).toBe(60_005);
  const back: Array<string | undefined> = [];
  for (let now = 60_005; shedding.calmAt !== undefined; now = shedding.calmAt ?? now) back.push(shedding.calm(now)?.step);
  expect(back).toEqual(['new-streams', 'frame-rate', 'top-rung', 'preset']);
  expect(shedding.level.preset).toBe('superfast');
  expect(shedding.calm(1e12)).toBeUndefined();
});

test('waits twice as long after a step that was taken back too early, up to half an hour', () => {
  const shedding = new Shedding(presets.length - 1);
  let now = 0;
  const waits: number[] = [];
  for (let round = 0; round < 8; round++) {
    shedding.tooSlow(now);
    waits.push((shedding.calmAt as number) - now);
    now = shedding.calmAt as number;
    expect(shedding.calm(now)?.step).toBe('top-rung');
    now += 5000;
  }
  expect(waits).toEqual([60_000, 120_000, 240_000, 480_000, 960_000, 1_920_000, 1_920_000, 1_920_000]);
});
