import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatToken, parseToken } from './position-token.codec.ts';

const positions = fc.array(fc.bigInt({ min: 0n, max: 2n ** 62n }), { minLength: 48, maxLength: 48 });

describe('position tokens', () => {
  test('survive the round trip', () => {
    fc.assert(
      fc.property(positions, fc.constantFrom('live', 'oldest', 'newest'), (given, kind) =>
        expect(parseToken(kind, formatToken(kind, given), 48)).toEqual(given),
      ),
    );
  });

  test('one that lost or changed a character is none', () => {
    fc.assert(
      fc.property(positions, fc.nat(), fc.constantFrom('A', 'b', '9', ''), (given, at, sign) => {
        const token = formatToken('live', given);
        const cut = at % token.length;
        const broken = token.slice(0, cut) + sign + token.slice(cut + 1);
        // base64url ignores the unused bits of its last character, so that one may be another with the same meaning.
        fc.pre(broken !== token && cut < token.length - 1);
        expect(parseToken('live', broken, 48)).toBeUndefined();
      }),
    );
  });

  test('any text is answered, none is thrown at', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.base64String()), (text) => expect(parseToken('live', text, 48)).toBeUndefined()));
  });

  test('one of another kind, or for another number of partitions, is none', () => {
    const token = formatToken('oldest', [1n, 2n]);
    expect(parseToken('newest', token, 2)).toBeUndefined();
    expect(parseToken('oldest', token, 3)).toBeUndefined();
    expect(parseToken('oldest', token, 2)).toEqual([1n, 2n]);
  });

  test('a million events in every partition make a token of at most 220 characters', () => {
    expect(
      formatToken(
        'live',
        Array.from({ length: 48 }, () => 1_000_000n),
      ).length,
    ).toBeLessThanOrEqual(220);
  });
});
