import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { lanes, lanesOf, type EventFilter } from './event-filter.core.ts';
import { ResumeTokens } from './resume-token.codec.ts';

const tokens = new ResumeTokens(Buffer.alloc(32, 7));
const positions = fc.array(fc.bigInt({ min: 0n, max: 2n ** 62n }), { minLength: lanes.length, maxLength: lanes.length });
const filters = fc.constantFrom<EventFilter>(
  {},
  { contexts: ['cache'] },
  { key: 'k1' },
  { types: ['stream.started'], tenant: 'acme' },
  { subjectPrefix: 'st-' },
);
const kinds = fc.constantFrom('live', 'oldest', 'newest');

describe('resume tokens', () => {
  test('carry the positions of the lanes that the filter reads', () => {
    fc.assert(
      fc.property(positions, filters, kinds, (given, filter, kind) => {
        const read = new Set(lanesOf(filter));
        const expected = given.map((position, lane) => (read.has(lane) ? position : undefined));
        expect(tokens.parse(kind, { ...filter }, tokens.format(kind, filter, given))).toEqual({ positions: expected });
      }),
    );
  });

  test('one that lost or changed a character is broken', () => {
    fc.assert(
      fc.property(positions, fc.nat(), fc.constantFrom('A', 'b', '9', ''), (given, at, sign) => {
        const token = tokens.format('live', {}, given);
        const cut = at % token.length;
        const changed = token.slice(0, cut) + sign + token.slice(cut + 1);
        // base64url ignores the unused bits of its last character, so that one may be another with the same meaning.
        fc.pre(changed !== token && cut < token.length - 1);
        expect(tokens.parse('live', {}, changed)).toEqual({ refused: expect.stringMatching(/^(broken|outdated)$/) });
      }),
    );
  });

  test('any text is answered, none is thrown at', () => {
    const text = fc.oneof(
      fc.string(),
      fc.base64String(),
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('base64url')),
    );
    fc.assert(fc.property(text, (given) => expect(tokens.parse('live', {}, given)).toHaveProperty('refused')));
  });

  test('one that somebody else signed is broken; every gateway of the platform signs the same', () => {
    const given = lanes.map((_, lane) => BigInt(lane));
    const token = tokens.format('live', {}, given);
    expect(new ResumeTokens(Buffer.alloc(32, 8)).parse('live', {}, token)).toEqual({ refused: 'broken' });
    expect(new ResumeTokens(Buffer.alloc(32, 7)).parse('live', {}, token)).toEqual({ positions: given });
  });

  test('one of another direction is broken, one of another filter says so, one of the first version is outdated', () => {
    const given = lanes.map(() => 1n);
    expect(tokens.parse('newest', {}, tokens.format('oldest', {}, given))).toEqual({ refused: 'broken' });
    expect(tokens.parse('live', { key: 'a' }, tokens.format('live', { key: 'b' }, given))).toEqual({ refused: 'other-filter' });
    expect(tokens.parse('live', { tenant: 'a' }, tokens.format('live', {}, given))).toEqual({ refused: 'other-filter' });
    expect(tokens.parse('live', {}, Buffer.from([1, 0, 48, ...Array.from({ length: 48 }, () => 5), 1, 2, 3, 4]).toString('base64url'))).toEqual({
      refused: 'outdated',
    });
  });

  test('the order of a filter’s names does not matter', () => {
    const one: EventFilter = { contexts: ['cache', 'stream'], types: ['a', 'b'] };
    const other: EventFilter = { contexts: ['stream', 'cache', 'stream'], types: ['b', 'a'] };
    expect(tokens.filterName(one)).toBe(tokens.filterName(other));
  });

  test('a million events in every partition make a token of at most 8 characters per partition', () => {
    const token = tokens.format(
      'live',
      {},
      lanes.map(() => 1_000_000n),
    );
    expect(token.length).toBeLessThanOrEqual(lanes.length * 8);
  });
});
