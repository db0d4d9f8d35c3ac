import { describe, expect, test } from '@jest/globals';
import { configurationOf, draftOf, originsOf, purgersOf, whatOf } from './zones.ts';

const version = { version: 3, at: null, by: 'key:k', reason: '', rolledBackTo: null, removed: false };
const configuration = {
  hosts: ['a.example'],
  origins: [
    { url: 'https://o.example', weight: 2 },
    { url: 'https://p.example', backup: true },
  ],
};

describe('zones', () => {
  test('what is edited is what is served', () => {
    const zone = { id: 'zn-1', name: 'shop', tenant: 'acme', version: 3, etag: '"3"', shieldUrl: null, configuration };
    expect(configurationOf(draftOf(zone).text)).toEqual(configuration);
    expect(draftOf(zone).etag).toBe('"3"');
  });

  test.each([
    ['{', 'no JSON'],
    ['[]', 'Expected an object'],
    ['null', 'Expected an object'],
  ])('%s is told to be none', (text, why) => expect(() => configurationOf(text)).toThrow(why));

  test('origins and versions in words', () => {
    expect(originsOf(configuration)).toBe('https://o.example × 2, https://p.example (backup)');
    expect([purgersOf(configuration), purgersOf({ ...configuration, purgers: ['203.0.113.7', '2001:db8::/48'] })]).toEqual([
      '',
      'PURGE from 203.0.113.7, 2001:db8::/48',
    ]);
    expect([whatOf(version), whatOf({ ...version, rolledBackTo: 1 }), whatOf({ ...version, removed: true })]).toEqual([
      'configured',
      'back to version 1',
      'removed',
    ]);
  });
});
