import { otherReading } from '#core/http-cache';
import { describe, expect, test } from '@jest/globals';
import { ZoneRules } from './zone-rules.ts';

describe('how else an origin may read a path', () => {
  test.each<[path: string, other: string | undefined]>([
    ['/account/z', undefined],
    ['/a%20b', undefined],
    ['//account/z', '/account/z'],
    ['/account//z///', '/account/z/'],
    ['/account%2fz', '/account/z'],
    ['/account%2Fz', '/account/z'],
    ['/account%5Cz', '/account/z'],
    ['/account\\z', '/account/z'],
    ['/static%2f..%2faccount/z', '/account/z'],
    ['/static/%2f../account', '/account'],
    ['/static//..//account', '/account'],
    ['/%2f..%2f..%2faccount', '/account'],
  ])('%s', (path, other) => expect(otherReading(path)).toBe(other));
});

describe('a path that origins may read otherwise', () => {
  const zone = (rules: ConstructorParameters<typeof ZoneRules>[0]['rules']) =>
    new ZoneRules({ hosts: ['a.example'], origins: [{ url: 'http://origin.example' }], ...(rules === undefined ? {} : { rules }) });

  test('is in doubt where that reading fits other rules, either way', () => {
    const rules = zone([
      { match: { paths: ['/account/**'] }, bypass: { always: true } },
      { match: { paths: ['/static/*'] }, ttl: { default: 60 } },
    ]);
    for (const path of ['//account/z', '/account%2fz', '/static%2f..%2faccount/z', '/static//a', '/static/a%2fb', '/account/..%2fpublic'])
      expect([path, rules.isAmbiguous(path)]).toEqual([path, true]);
    for (const path of ['/account/z', '/account//z', '/account/a%2fb', '/other//page', '/static/a'])
      expect([path, rules.isAmbiguous(path)]).toEqual([path, false]);
  });

  test('is as good as any where no rule looks at paths', () => {
    expect(zone([{ ttl: { default: 60 } }]).isAmbiguous('//a')).toBe(false);
    expect(zone(undefined).isAmbiguous('//a')).toBe(false);
  });
});
