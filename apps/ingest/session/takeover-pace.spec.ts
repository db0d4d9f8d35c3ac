import { expect, test } from '@jest/globals';
import { TakeoverPace } from './takeover-pace.ts';

test('two addresses that fight for one endpoint wait twice as long each time; who comes back to itself never does', () => {
  const pace = new TakeoverPace(800);
  const waits = Array.from({ length: 6 }, (_, n) => {
    const ms = pace.silenceMs('a', false, n * 1000);
    pace.tookOver('a', false, n * 1000);
    return ms;
  });
  expect(waits).toEqual([800, 1600, 3200, 6400, 10_000, 10_000]);
  expect(pace.silenceMs('a', true, 6000)).toBe(800);
  expect(pace.silenceMs('b', false, 6000)).toBe(800);
  pace.tookOver('b', true, 6000);
  expect(pace.silenceMs('b', false, 6000)).toBe(800);
  expect(pace.silenceMs('a', false, 36_000)).toBe(800);
});
