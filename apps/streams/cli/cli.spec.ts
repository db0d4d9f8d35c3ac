import { describe, expect, test } from '@jest/globals';
import { eventLine } from './event.commands.ts';
import { stateOf } from './key.commands.ts';
import { duration, table } from './table.ts';

describe('the output for people', () => {
  test('has columns', () => {
    expect(
      table(
        ['ID', 'NAME'],
        [
          ['st-1234', 'a'],
          ['b', 'c d'],
        ],
      ),
    ).toEqual(['ID       NAME', 'st-1234  a', 'b        c d']);
  });

  test.each([
    [999, '1 s'],
    [59_000, '59 s'],
    [187_000, '3 min 07 s'],
    [3_720_000, '1 h 02 min'],
  ])('says %d ms as %s', (ms, text) => {
    expect(duration(ms)).toBe(text);
  });

  test.each([
    [null, null, 'valid'],
    ['2026-01-02T00:00:00.000Z', null, 'until 2026-01-02T00:00:00.000Z'],
    ['2026-01-01T00:00:00.000Z', null, 'expired'],
    ['2026-01-02T00:00:00.000Z', '2025-12-31T00:00:00.000Z', 'revoked'],
  ])('of a key that expires at %s and was revoked at %s is %s', (expiresAt, revokedAt, state) => {
    expect(stateOf({ expiresAt, revokedAt }, Date.parse('2026-01-01T00:00:00.000Z'))).toBe(state);
  });

  test('keeps an event on a line', () => {
    const event = { id: '1', type: 'stream.created', subject: 'st-1', time: '2026-01-01T00:00:00Z', data: { name: 'x'.repeat(1000) } };
    expect(eventLine(event)).toHaveLength('2026-01-01T00:00:00Z'.length + 2 + 24 + 2 + 24 + 2 + 161);
  });
});
