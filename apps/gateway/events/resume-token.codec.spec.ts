import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { lanes, lanesOf, type EventFilter } from './event-filter.core.ts';
import { ResumeTokens } from './resume-token.codec.ts';
import { SealedText } from './sealed-text.ts';

const secret = Buffer.alloc(32, 7);
const tokens = new ResumeTokens(secret, 'log-1');
const positions = fc.array(fc.bigInt({ min: 0n, max: 2n ** 62n }), { minLength: lanes.length, maxLength: lanes.length });
const filters = fc.constantFrom<EventFilter>(
  {},
  { contexts: ['cache'] },
  { key: 'k1' },
  { types: ['stream.started'], tenant: 'acme' },
  { subjectPrefix: 'st-' },
);
const kinds = fc.constantFrom('live', 'oldest', 'newest');

describe('XAES-256-GCM', () => {
  // The test vectors of c2sp.org/XAES-256-GCM: a first bit of 0 and of 1 in what the subkey is made of.
  test.each([
    [0x01, '', 'ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271'],
    [0x03, 'c2sp.org/XAES-256-GCM', '986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d'],
  ])('key %i', (byte, head, expected) => {
    const box = new SealedText(Buffer.alloc(32, byte));
    const nonce = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWX');
    const sealed = box.seal(Buffer.from('XAES-256-GCM'), Buffer.from(head), nonce);
    expect(sealed.toString('hex')).toBe(nonce.toString('hex') + expected);
    expect(box.open(sealed, Buffer.from(head))?.toString()).toBe('XAES-256-GCM');
    expect(box.open(sealed, Buffer.from('another head'))).toBeUndefined();
    expect(box.open(sealed.subarray(0, 39), Buffer.from(head))).toBeUndefined();
  });
});

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

  test('one that lost or changed a character is refused', () => {
    fc.assert(
      fc.property(positions, fc.nat(), fc.constantFrom('A', 'b', '9', ''), (given, at, sign) => {
        const token = tokens.format('live', {}, given);
        const cut = at % token.length;
        const changed = token.slice(0, cut) + sign + token.slice(cut + 1);
        // base64url ignores the unused bits of its last character, so that one may be another with the same meaning.
        fc.pre(changed !== token && cut < token.length - 1);
        expect(tokens.parse('live', {}, changed)).toEqual({ refused: expect.stringMatching(/^(broken|outdated|other-log)$/) });
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

  test('one that somebody else sealed is broken; every gateway of the platform reads the same', () => {
    const given = lanes.map((_, lane) => BigInt(lane));
    const token = tokens.format('live', {}, given);
    expect(new ResumeTokens(Buffer.alloc(32, 8), 'log-1').parse('live', {}, token)).toEqual({ refused: 'broken' });
    expect(new ResumeTokens(secret, 'log-1').parse('live', {}, token)).toEqual({ positions: given });
  });

  test('one of another log says so, whoever sealed it', () => {
    const token = tokens.format(
      'live',
      {},
      lanes.map(() => 1n),
    );
    for (const other of [secret, Buffer.alloc(32, 8)]) expect(new ResumeTokens(other, 'log-2').parse('live', {}, token)).toEqual({ refused: 'other-log' });
  });

  test('tell nothing of the log: none is like another, and lengths come in steps', () => {
    const of = (position: bigint): string =>
      tokens.format(
        'live',
        { contexts: ['cache'] },
        lanes.map(() => position),
      );
    expect(of(7n)).not.toBe(of(7n));
    expect(of(1_000n).length).toBe(of(1n).length);
    const bytes = Buffer.from(of(0x1234567n), 'base64url').toString('latin1');
    expect(bytes).not.toContain('cache');
    expect(bytes).not.toContain('\xe7\x8a\x8d\x09');
  });

  test('one of another direction is broken, one of another filter says so, one that was in the clear is outdated', () => {
    const given = lanes.map(() => 1n);
    expect(tokens.parse('newest', {}, tokens.format('oldest', {}, given))).toEqual({ refused: 'broken' });
    expect(tokens.parse('live', { key: 'a' }, tokens.format('live', { key: 'b' }, given))).toEqual({ refused: 'other-filter' });
    expect(tokens.parse('live', { tenant: 'a' }, tokens.format('live', {}, given))).toEqual({ refused: 'other-filter' });
    for (const old of [1, 2]) {
      const token = Buffer.from([old, 0, 48, ...Array.from({ length: 48 }, () => 5), 1, 2, 3, 4]).toString('base64url');
      expect(tokens.parse('live', {}, token)).toEqual({ refused: 'outdated' });
    }
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
