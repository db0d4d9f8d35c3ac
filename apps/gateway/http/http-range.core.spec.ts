import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { matchesTag, rangeOf } from './http-range.core.ts';

const whole = { kind: 'whole' };
const part = (first: number, last: number) => ({ kind: 'part', range: { first, last } });
const unsatisfiable = { kind: 'unsatisfiable' };

describe('Range (RFC 9110 section 14)', () => {
  test.each<[string | undefined, object]>([
    [undefined, whole],
    ['bytes=0-0', part(0, 0)],
    ['bytes=2-5', part(2, 5)],
    ['bytes=2-', part(2, 9)],
    ['bytes=2-99', part(2, 9)],
    ['bytes=-3', part(7, 9)],
    ['bytes=-99', part(0, 9)],
    ['bytes=10-', unsatisfiable],
    ['bytes=-0', unsatisfiable],
    ['bytes=5-2', whole],
    ['bytes=0-1,3-4', whole],
    ['items=0-1', whole],
    ['bytes=-', whole],
    ['bytes=a-b', whole],
    ['bytes=0-1; x', whole],
    ['', whole],
  ])('%j of ten bytes', (header, answer) => expect(rangeOf(header, 10)).toEqual(answer));

  test('an empty representation has no satisfiable range', () => {
    expect(rangeOf('bytes=0-', 0)).toEqual(unsatisfiable);
    expect(rangeOf('bytes=-1', 0)).toEqual(unsatisfiable);
  });

  test('a part always lies within the representation, whatever is asked', () => {
    const header = fc.oneof(
      fc.string(),
      fc.tuple(fc.nat(), fc.nat()).map(([a, b]) => `bytes=${a}-${b}`),
      fc.nat().map((n) => `bytes=-${n}`),
      fc.bigInt({ min: 0n, max: 10n ** 15n }).map((n) => `bytes=${n}-`),
    );
    fc.assert(
      fc.property(header, fc.nat(), (text, size) => {
        const answer = rangeOf(text, size);
        if (answer.kind !== 'part') return;
        expect(answer.range.first).toBeGreaterThanOrEqual(0);
        expect(answer.range.first).toBeLessThanOrEqual(answer.range.last);
        expect(answer.range.last).toBeLessThan(size);
      }),
    );
  });
});

test.each<[string | undefined, boolean]>([
  [undefined, false],
  ['"a"', true],
  ['W/"a"', true],
  ['"b", W/"a"', true],
  ['*', true],
  ['"b"', false],
  ['a', false],
])('If-None-Match: %j', (header, matched) => expect(matchesTag(header, '"a"')).toBe(matched));
