import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { accept, assert, dateTime, hasCode, InvariantError, OperatingError, Prng, refuse, unreachable } from './index.ts';

describe('assert', () => {
  test('passes what holds and ends what does not', () => {
    expect(() => assert(true, 'holds')).not.toThrow();
    expect(() => assert(0, 'offset is positive')).toThrow(new InvariantError('offset is positive'));
  });

  test('an impossible case names its value', () => {
    expect(() => unreachable({ type: 'eaten' } as never)).toThrow('unreachable case: {"type":"eaten"}');
  });
});

describe('OperatingError', () => {
  const cause = new Error('ENOSPC');
  const error = new OperatingError('The disk is full.', { code: 'LOG_FULL', retryable: true, cause });

  test('carries code, retryability and cause', () => {
    expect(error).toMatchObject({ name: 'OperatingError', message: 'The disk is full.', code: 'LOG_FULL', retryable: true, cause });
    expect(new OperatingError('Gone.', { code: 'LOG_CLOSED', retryable: false })).not.toHaveProperty('cause');
  });

  test.each([
    [error, 'LOG_FULL', true],
    [error, 'LOG_CLOSED', false],
    [Object.assign(new Error('x'), { code: 'ENOENT' }), 'ENOENT', true],
    [{ code: 'LOG_FULL' }, 'LOG_FULL', false],
    [undefined, 'LOG_FULL', false],
  ])('%# hasCode', (value, code, has) => expect(hasCode(value, code)).toBe(has));
});

describe('decisions', () => {
  test('accept and refuse are plain data', () => {
    expect(accept('a', 'b')).toEqual({ refused: false, events: ['a', 'b'] });
    expect(refuse('too-late', 'It has ended.', 'told')).toEqual({ refused: true, code: 'too-late', message: 'It has ended.', events: ['told'] });
  });
});

describe('Prng', () => {
  const draw = (seed: number): number[] => {
    const prng = new Prng(seed);
    return Array.from({ length: 8 }, () => prng.nextUint32());
  };

  test('the same seed gives the same numbers, another seed others', () => {
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });

  test('stays in its ranges and reaches both ends', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const prng = new Prng(seed);
        const rolls = Array.from({ length: 200 }, () => prng.nextInteger(1, 6));
        expect(new Set(rolls)).toEqual(new Set([1, 2, 3, 4, 5, 6]));
        const share = prng.next();
        expect(share).toBeGreaterThanOrEqual(0);
        expect(share).toBeLessThan(1);
      }),
    );
  });

  test('picks of a list, and of nothing not at all', () => {
    const prng = new Prng(1);
    const picks = Array.from({ length: 100 }, () => prng.pick(['a', 'b', 'c']));
    expect(new Set(picks)).toEqual(new Set(['a', 'b', 'c']));
    expect(() => prng.pick([])).toThrow(RangeError);
  });
});

test('the calendar agrees with the built-in one for four centuries', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 12_622_780_800_000 }), (ms) => {
      expect(dateTime(ms)).toBe(new Date(ms).toISOString());
    }),
  );
});
