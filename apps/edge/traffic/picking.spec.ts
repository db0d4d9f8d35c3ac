import { Prng } from '#kernel';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { HeavyHitters } from './heavy-hitters.core.ts';
import { Picker } from './picker.core.ts';

const picks = (picker: Picker, requests: number): { picked: number; stoodFor: number } => {
  let [picked, stoodFor] = [0, 0];
  for (let at = 0; at < requests; at++) {
    if (!picker.pick()) continue;
    picked++;
    stoodFor += picker.weight;
  }
  return { picked, stoodFor };
};

describe('Picker', () => {
  test('few requests are all picked, each for itself', () => {
    const picker = new Picker({ perSecond: 100, dice: new Prng(1) });
    for (let second = 0; second < 10; second++) {
      expect(picks(picker, 99)).toEqual({ picked: 99, stoodFor: 99 });
      picker.tick();
    }
  });

  test('of many it picks about as many as it may, which stand for all of them, and again each when they are few', () => {
    const picker = new Picker({ perSecond: 100, dice: new Prng(2) });
    picks(picker, 20_000);
    picker.tick();
    let [picked, stoodFor] = [0, 0];
    for (let second = 0; second < 50; second++) {
      const one = picks(picker, 20_000);
      picked += one.picked;
      stoodFor += one.stoodFor;
      picker.tick();
    }
    expect(picked / 50).toBeGreaterThan(20);
    expect(picked / 50).toBeLessThanOrEqual(200);
    expect(stoodFor / 1_000_000).toBeGreaterThan(0.9);
    expect(stoodFor / 1_000_000).toBeLessThan(1.1);
    for (let second = 0; second < 20; second++) {
      picks(picker, 10);
      picker.tick();
    }
    expect(picks(picker, 10)).toEqual({ picked: 10, stoodFor: 10 });
  });

  test('what comes at regular intervals is picked as often as anything else', () => {
    const picker = new Picker({ perSecond: 100, dice: new Prng(3) });
    picks(picker, 100_000);
    const seen = [0, 0, 0, 0];
    for (let at = 0; at < 4_000_000; at++) {
      if (at % 100_000 === 0) picker.tick();
      if (picker.pick()) seen[at % 4] = (seen[at % 4] ?? 0) + picker.weight;
    }
    for (const count of seen) expect(Math.abs(count / 1_000_000 - 1)).toBeLessThan(0.2);
  });

  test('none is none', () => {
    expect(picks(new Picker({ perSecond: 0, dice: new Prng(1) }), 1000).picked).toBe(0);
  });
});

describe('HeavyHitters', () => {
  const counted = fc.array(fc.tuple(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 1, max: 9 })), { maxLength: 400 });

  test('no key is ever said to have come more often than it did, and whatever had its share is there', () => {
    fc.assert(
      fc.property(counted, fc.integer({ min: 1, max: 12 }), (stream, counters) => {
        const hitters = new HeavyHitters<number>(counters);
        const truth = new Map<number, number>();
        let total = 0;
        for (const [key, weight] of stream) {
          hitters.count(String(key), key, weight, 10 * weight);
          truth.set(key, (truth.get(key) ?? 0) + weight);
          total += weight;
        }
        const top = hitters.top(1000);
        expect(hitters.size).toBeLessThanOrEqual(counters);
        for (const { bytes, count, value } of top) {
          expect(count).toBeLessThanOrEqual(truth.get(value) ?? 0);
          expect(bytes).toBe(10 * count);
        }
        const names = new Set(top.map(({ value }) => value));
        for (const [key, count] of truth) if (count > total / counters) expect(names.has(key)).toBe(true);
      }),
    );
  });

  test('with room for all the counts are exact, the greatest first', () => {
    const hitters = new HeavyHitters<string>(10);
    for (const key of ['a', 'b', 'b', 'c', 'b', 'c']) hitters.count(key, key, 1, 5);
    expect(hitters.top(2)).toEqual([
      { value: 'b', count: 3, bytes: 15 },
      { value: 'c', count: 2, bytes: 10 },
    ]);
  });
});
