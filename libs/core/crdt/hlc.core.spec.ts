import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compareText } from '#kernel';
import { compareHlc, hlcCounterMax, hlcReceive, hlcStart, hlcText, hlcTick, parseHlc, type HlcTime } from './hlc.core.ts';

const driftMsMax = 500;

test('what was caused comes later, and no clock runs further ahead than the drift allows', () => {
  const step = fc.record({ from: fc.nat({ max: 2 }), to: fc.nat({ max: 2 }), passedMs: fc.nat({ max: 3 }) });
  const skews = fc.tuple(...[0, 1, 2].map(() => fc.integer({ min: -driftMsMax / 2, max: driftMsMax / 2 })));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), skews, (steps, skew) => {
      let trueMs = 1_000_000;
      const clocks: HlcTime[] = skew.map(() => hlcStart);
      const at = (who: number): number => trueMs + (skew[who] as number);
      for (const { from, to, passedMs } of steps) {
        trueMs += passedMs;
        const sent = (clocks[from] = hlcTick(clocks[from] as HlcTime, at(from)));
        const before = clocks[to] as HlcTime;
        const received = (clocks[to] = hlcReceive(before, sent, at(to), driftMsMax));
        expect(compareHlc(received, sent)).toBeGreaterThan(0);
        expect(compareHlc(received, before)).toBeGreaterThan(0);
        expect(received.ms - at(to)).toBeLessThanOrEqual(driftMsMax);
      }
    }),
  );
});

test('goes on from where it was when the wall clock is set back', () => {
  const last = { ms: 5000, counter: 3 };
  expect(hlcTick(last, 4000)).toEqual({ ms: 5000, counter: 4 });
  expect(hlcTick(last, 5001)).toEqual({ ms: 5001, counter: 0 });
  expect(hlcTick({ ms: 5000, counter: hlcCounterMax }, 4000)).toEqual({ ms: 5001, counter: 0 });
  expect(() => hlcTick(last, Number.NaN)).toThrow('no time');
});

test('a clock that is too far ahead is refused', () => {
  expect(hlcReceive(hlcStart, { ms: 1500, counter: 7 }, 1000, driftMsMax)).toEqual({ ms: 1500, counter: 8 });
  expect(() => hlcReceive(hlcStart, { ms: 1501, counter: 0 }, 1000, driftMsMax)).toThrow(expect.objectContaining({ code: 'HLC_DRIFT' }));
});

test('the text sorts as the times do, then by origin, and reads back', () => {
  const time = fc.record({ ms: fc.nat({ max: 2 ** 48 - 1 }), counter: fc.nat({ max: hlcCounterMax }) });
  fc.assert(
    fc.property(time, time, fc.string({ minLength: 1 }), (a, b, origin) => {
      expect(Math.sign(compareText(hlcText(a, origin), hlcText(b, origin)))).toBe(Math.sign(compareHlc(a, b)));
      expect(parseHlc(hlcText(a, origin))).toEqual({ time: a, origin });
    }),
  );
  expect(compareText(hlcText(hlcStart, 'north'), hlcText(hlcStart, 'south'))).toBeLessThan(0);
  expect(parseHlc('yesterday-north')).toBeUndefined();
});
