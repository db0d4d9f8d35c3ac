import { describe, expect, test } from '@jest/globals';
import { hostNameOf, platformZoneId, ZoneTable } from './zone-table.ts';
import type { Zone } from './zone.ts';

function zone(id: string, more: Partial<Zone> = {}): Zone {
  const nothing = {} as never;
  const keyOfUrl = (url: string): string | undefined => {
    const path = url.replace(/^https?:\/\/[^/]*/, '');
    return path.startsWith('/') ? path : undefined;
  };
  return { id, version: 1, epoch: 1, tenant: 'acme', hostInKey: false, handler: nothing, fills: nothing, keyOfUrl, close: () => undefined, ...more };
}

function table(): ZoneTable {
  return new ZoneTable(zone(platformZoneId, { tenant: '' }));
}

describe('the table of zones', () => {
  test.each([
    ['Example.ORG', 'example.org'],
    ['example.org:8443', 'example.org'],
    ['example.org.', 'example.org'],
    ['[::1]:80', '[::1]'],
    ['', ''],
  ])('%j is the host %j', (host, name) => expect(hostNameOf(host)).toBe(name));

  test('a host finds its zone, in any spelling; the most special wildcard counts, and a name before any', () => {
    const zones = table();
    zones.put(zone('zn-a'), ['example.org', 'deep.static.example.org']);
    zones.put(zone('zn-b'), ['*.example.org']);
    zones.put(zone('zn-c'), ['*.static.example.org']);
    const ids = (...hosts: string[]): string[] => hosts.map((host) => zones.siteOf(host).zone.id);
    expect(ids('example.org', 'EXAMPLE.org:80', 'www.example.org', 'a.b.example.org')).toEqual(['zn-a', 'zn-a', 'zn-b', 'zn-b']);
    expect(ids('x.static.example.org', 'deep.static.example.org', 'static.example.org', 'example.com')).toEqual(['zn-c', 'zn-a', 'zn-b', '']);
    expect(zones.siteOf(undefined).zone.id).toBe('');
  });

  test('no zone answers at a host of the platform, whatever it says', () => {
    const zones = new ZoneTable(zone(platformZoneId, { tenant: '' }), ['media.example', 'cdn.example', '*.cdn.example']);
    zones.put(zone('zn-a'), ['media.example', 'cdn.example', 'a.cdn.example', '*.example']);
    const ids = (...hosts: string[]): string[] => hosts.map((host) => zones.siteOf(host).zone.id);
    expect(ids('Media.example:8081', 'cdn.example', 'a.cdn.example', 'b.cdn.example')).toEqual(['', '', '', '']);
    expect(ids('www.example', 'x.media.example', 'othercdn.example')).toEqual(['zn-a', 'zn-a', 'zn-a']);
  });

  test('a change is seen by the next request, also by one for the host of the request before', () => {
    const zones = table();
    expect(zones.siteOf('a.example').zone.id).toBe('');
    const first = zone('zn-a');
    expect(zones.put(first, ['a.example'])).toBeUndefined();
    expect(zones.siteOf('a.example')).toEqual({ zone: first, keyPrefix: 'zn-a.1' });
    expect(zones.put(zone('zn-a', { version: 2, epoch: 2 }), ['b.example'])).toBe(first);
    expect([zones.siteOf('a.example').zone.id, zones.siteOf('b.example').keyPrefix]).toEqual(['', 'zn-a.2']);
    zones.remove('zn-a');
    expect(zones.siteOf('b.example').zone.id).toBe('');
    expect(zones.all().map(({ id }) => id)).toEqual(['']);
  });

  test('of two that name one host the same counts, in whatever order they came', () => {
    for (const order of [
      ['zn-a', 'zn-b'],
      ['zn-b', 'zn-a'],
    ]) {
      const zones = table();
      for (const id of order) zones.put(zone(id), ['a.example']);
      expect(zones.siteOf('a.example').zone.id).toBe('zn-a');
    }
  });

  test('strangers who ask for ever new hosts do not fill the memory', () => {
    const zones = table();
    zones.put(zone('zn-a', { hostInKey: true }), ['*.example.org']);
    for (let at = 0; at < 25_000; at++) zones.siteOf(`h${at}.example.org`);
    expect(zones.siteOf('h1.example.org').keyPrefix).toBe('zn-a.1!h1.example.org');
    expect(zones.keysOf('/a')).toBeUndefined();
  });

  test('a purge of a URL is about its host, one of a path about every zone of the tenant and the platform', () => {
    const zones = table();
    zones.put(zone('zn-a'), ['a.example']);
    zones.put(zone('zn-b', { tenant: 'globex', hostInKey: true }), ['b.example', '*.b.example']);
    zones.siteOf('x.b.example');
    zones.siteOf('b.example');
    expect(zones.keysOf('http://A.example:80/p')).toEqual(['zn-a.1/p']);
    expect(zones.keysOf('http://elsewhere.example/p')).toEqual(['/p']);
    expect(zones.keysOf('http://b.example/p', 'acme')).toEqual([]);
    expect(zones.keysOf('/p', 'acme')).toEqual(['/p', 'zn-a.1/p']);
    expect(zones.keysOf('/p', 'globex')).toEqual(['/p', 'zn-b.1!x.b.example/p', 'zn-b.1!b.example/p']);
    expect(zones.keysOf('http://a.example')).toEqual([]);
  });
});
