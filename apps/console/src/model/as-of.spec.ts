import { describe, expect, test } from '@jest/globals';
import { asOfOf, queryOf, routeAsOf } from './as-of.ts';

describe('a moment in the address', () => {
  test.each([
    ['', undefined],
    ['read-models/stream', undefined],
    ['?asOf=yesterday', undefined],
    ['?asOf=2026-11-26T14:05:00Z', '2026-11-26T14:05:00.000Z'],
    ['read-models/stream?asOf=2026-11-26T15%3A05%3A00%2B01%3A00', '2026-11-26T14:05:00.000Z'],
  ])('%s is %s', (route, asOf) => {
    expect(asOfOf(route)).toBe(asOf);
  });

  test('is put there, changed and taken away', () => {
    const there = routeAsOf('read-models/stream', '2026-11-26T14:05:00.000Z');
    expect(there).toBe('#/read-models/stream?asOf=2026-11-26T14%3A05%3A00.000Z');
    expect(asOfOf(routeAsOf(there.slice(2), '2026-11-26T14:06:00.000Z'))).toBe('2026-11-26T14:06:00.000Z');
    expect(routeAsOf(there.slice(2), undefined)).toBe('#/read-models/stream');
    expect(queryOf(undefined)).toBe('');
  });
});
