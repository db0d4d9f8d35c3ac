import { describe, expect, test } from '@jest/globals';
import { formatMoment, isoOfLocal, localOf, zoneOf } from './time.ts';

describe('a time that somebody picks', () => {
  test.each(['2026-11-26T14:05:00.000Z', '2026-07-01T00:00:59.000Z'])('%s goes into a field and comes back', (iso) => {
    expect(isoOfLocal(localOf(iso))).toBe(iso);
  });

  test.each(['', 'yesterday'])('%j is none', (text) => {
    expect(isoOfLocal(text)).toBeUndefined();
    expect(localOf(text)).toBe('');
    expect(zoneOf(text)).not.toContain('NaN');
  });

  test('is said with its zone', () => {
    const minutes = -new Date('2026-11-26T14:05:00Z').getTimezoneOffset();
    const said = zoneOf('2026-11-26T14:05:00Z');
    expect(said).toMatch(/^(UTC|.+, UTC[+-]\d{2}:\d{2})$/);
    if (minutes !== 0) expect(said).toContain(`${String(Math.floor(Math.abs(minutes) / 60)).padStart(2, '0')}:`);
    expect(formatMoment('2026-11-26T14:05:00Z')).toMatch(/Nov 2026, \d{2}:\d{2}:00$/);
  });
});
