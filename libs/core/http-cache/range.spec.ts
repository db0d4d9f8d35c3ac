import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { chooseRange } from './range.codec.ts';

const whole = { kind: 'whole' };
const unsatisfiable = { kind: 'unsatisfiable' };
const part = (first: number, last: number) => ({ kind: 'part', span: { first, last } });

describe('ranges of 1000 bytes (RFC 9110 section 14)', () => {
  test.each([
    ['bytes=0-0', part(0, 0)],
    ['bytes=0-499', part(0, 499)],
    ['bytes=500-', part(500, 999)],
    ['bytes=-1', part(999, 999)],
    ['bytes=-1000', part(0, 999)],
    ['bytes=-5000', part(0, 999)],
    ['bytes=990-5000', part(990, 999)],
    ['BYTES=1-2', part(1, 2)],
    ['bytes= 1-2 , ', part(1, 2)],
    ['bytes=0-99,100-199', part(0, 199)],
    ['bytes=100-199,0-150', part(0, 199)],
    ['bytes=0-1,5000-', part(0, 1)],
    ['bytes=0-1,10-11', whole],
    ['bytes=1000-', unsatisfiable],
    ['bytes=-0', unsatisfiable],
    ['bytes=1000-1001,2000-', unsatisfiable],
    ['bytes=5-4', whole],
    ['bytes=0-1,5-4', whole],
    ['bytes=', whole],
    ['bytes=a-b', whole],
    ['bytes=1', whole],
    ['bytes=1-2-3', whole],
    ['bytes=+1-2', whole],
    ['bytes=0x1-2', whole],
    ['bytes 1-2', whole],
    ['seconds=1-2', whole],
    ['', whole],
    ['bytes=0-99999999999999999999', whole],
    [`bytes=${Array.from({ length: 33 }, (_, at) => `${at}-${at}`).join(',')}`, whole],
    [`bytes=${Array.from({ length: 32 }, (_, at) => `${at}-${at}`).join(',')}`, part(0, 31)],
  ])('%s', (value, choice) => {
    expect(chooseRange(value, 1000)).toEqual(choice);
  });

  test('nothing can be taken from an empty body', () => {
    expect(chooseRange('bytes=0-', 0)).toEqual(unsatisfiable);
    expect(chooseRange('bytes=-5', 0)).toEqual(unsatisfiable);
  });
});

/** Inputs that once were, or well could have been, read wrongly. */
const corpus = [
  'bytes=-',
  'bytes=--1',
  'bytes=,',
  'bytes=0-,-1',
  'bytes=00-01',
  'bytes=0 -1',
  'bytes=9007199254740993-',
  'bytes=\u0661-\u0662',
  'bytes==1-2',
  ',bytes=1-2',
  'bytes=1-2;q=1',
  'bytes=-0,-1',
  'bytes=\t1-2',
];

describe('range fuzz', () => {
  const noise = fc.string({ unit: fc.constantFrom('bytes=', 'bytes', '=', '-', ',', ' ', '0', '1', '9', '999999', 'a', '\0', 'é', '-0', '0-'), maxLength: 40 });
  const length = fc.integer({ min: 0, max: 100 });

  test('any input gives a span within the body, or none', () => {
    const holds = (value: string, size: number): void => {
      const choice = chooseRange(value, size);
      if (choice.kind !== 'part') return;
      expect(choice.span.first).toBeGreaterThanOrEqual(0);
      expect(choice.span.first).toBeLessThanOrEqual(choice.span.last);
      expect(choice.span.last).toBeLessThan(size);
    };
    for (const value of corpus) for (const size of [0, 1, 2, 1000]) holds(value, size);
    fc.assert(fc.property(noise, length, holds), { numRuns: 3000 });
  });

  test('valid sets give exactly the bytes they name, or the whole', () => {
    const spec = fc.tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 60 })).map(([first, more]) => [first, first + more] as const);
    fc.assert(
      fc.property(fc.array(spec, { minLength: 1, maxLength: 6 }), fc.integer({ min: 1, max: 80 }), (specs, size) => {
        const wanted = new Set<number>();
        for (const [first, last] of specs) for (let at = first; at <= Math.min(last, size - 1); at++) wanted.add(at);
        const choice = chooseRange(`bytes=${specs.map((pair) => pair.join('-')).join(', ')}`, size);
        if (choice.kind === 'unsatisfiable') expect(wanted.size).toBe(0);
        if (choice.kind === 'part') {
          expect(wanted.size).toBe(choice.span.last - choice.span.first + 1);
          expect(wanted.has(choice.span.first) && wanted.has(choice.span.last)).toBe(true);
        }
        if (choice.kind === 'whole') expect(specs.length).toBeGreaterThan(1);
      }),
    );
  });
});
