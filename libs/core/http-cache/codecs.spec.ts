import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseCacheControl } from './cache-control.codec.ts';
import { cacheName, formatCacheStatus, withCacheStatus } from './cache-status.codec.ts';
import { fieldValue, listMembers } from './fields.ts';
import { formatHttpDate, parseHttpDate } from './http-date.codec.ts';
import { extensionOf, keyOfUrl, normaliseTarget } from './target.codec.ts';

const now = Date.UTC(2026, 10, 22);

describe('fields', () => {
  test('several lines of a field are one list', () => {
    expect(
      fieldValue(
        [
          ['vary', 'a'],
          ['x', '1'],
          ['vary', 'b'],
        ],
        'vary',
      ),
    ).toBe('a, b');
    expect(fieldValue([['vary', 'a']], 'age')).toBeUndefined();
  });

  test.each([
    ['a, b,c', ['a', 'b', 'c']],
    ['', []],
    [' , ,a, ', ['a']],
    ['no-cache="a, b", max-age=1', ['no-cache="a, b"', 'max-age=1']],
    ['"a\\", b", c', ['"a\\", b"', 'c']],
    ['"never closed, a', ['"never closed, a']],
  ])('the members of %j', (value, members) => {
    expect(listMembers(value)).toEqual(members);
  });
});

describe('HTTP dates (RFC 9110 section 5.6.7)', () => {
  test.each([
    ['Sun, 06 Nov 1994 08:49:37 GMT', 784111777000],
    ['Sunday, 06-Nov-94 08:49:37 GMT', 784111777000],
    ['Sun Nov  6 08:49:37 1994', 784111777000],
    ['Sunday, 06-Nov-75 08:49:37 GMT', Date.UTC(2075, 10, 6, 8, 49, 37)],
    ['Sunday, 06-Nov-77 08:49:37 GMT', Date.UTC(1977, 10, 6, 8, 49, 37)],
    ['Thu, 29 Feb 2024 00:00:00 GMT', Date.UTC(2024, 1, 29)],
    ['Sun, 22 Nov 2026 23:59:60 GMT', Date.UTC(2026, 10, 23)],
  ])('%s', (text, ms) => {
    expect(parseHttpDate(text, now)).toBe(ms);
  });

  test.each([
    '',
    '0',
    '-1',
    'Sun, 6 Nov 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 08:49:37 +0000',
    'Sun, 06 Nov 1994 24:00:00 GMT',
    'Sun, 31 Feb 2026 00:00:00 GMT',
    'Sun, 06 Foo 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 08:49:37 UTC',
    'Sun 06 Nov 1994 08:49:37 GMT',
    'Sun, 6 Nov 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 8:49:37 GMT',
    '1994-11-06T08:49:37Z',
    'Sun, 00 Nov 1994 08:49:37 GMT',
  ])('%j is no date', (text) => {
    expect(parseHttpDate(text, now)).toBeUndefined();
  });

  test('what is written is what the platform writes, and is read back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 253402300799 }), (seconds) => {
        const text = formatHttpDate(seconds * 1000);
        expect(text).toBe(new Date(seconds * 1000).toUTCString());
        expect(parseHttpDate(text, now)).toBe(seconds * 1000);
      }),
    );
  });
});

describe('Cache-Control (RFC 9111 section 5.2)', () => {
  test.each([
    [undefined, {}],
    ['max-age=60', { maxAge: 60 }],
    ['MAX-AGE=60, Public', { maxAge: 60, isPublic: true }],
    ['max-age="60"', { maxAge: 60 }],
    ['max-age=60, max-age=10', { maxAge: 60 }],
    ['max-age=99999999999999999999', { maxAge: 2 ** 31 }],
    ['max-age=-1', { maxAge: 0 }],
    ['max-age=1.5', { maxAge: 0 }],
    ['max-age', { maxAge: 0 }],
    ['max-age=', { maxAge: 0 }],
    ['max-age =60', { maxAge: 0 }],
    ['max-age= 60', { maxAge: 0 }],
    ["max-age='60'", { maxAge: 0 }],
    ['private="Set-Cookie", no-cache="x, Y"', { privateFields: ['set-cookie'], noCacheFields: ['x', 'y'] }],
    ['private=x', { privateFields: ['x'] }],
    ['no-cache="x", no-cache', { noCache: true }],
    ['no-cache="x", no-cache=y', { noCacheFields: ['x', 'y'] }],
    ['no-cache=""', { noCache: true }],
    ['private="x y"', { isPrivate: true }],
    ['max-stale, min-fresh=5', { maxStale: 2 ** 31, minFresh: 5 }],
    ['max-stale=7', { maxStale: 7 }],
    ['s-maxage=1, stale-while-revalidate=2, stale-if-error=3', { sMaxAge: 1, staleWhileRevalidate: 2, staleIfError: 3 }],
    [
      'no-store, must-understand, must-revalidate, proxy-revalidate, only-if-cached',
      { noStore: true, mustUnderstand: true, mustRevalidate: true, proxyRevalidate: true, onlyIfCached: true },
    ],
    ['x="max-age=60"', {}],
    ['xmax-age=60', {}],
  ])('%j', (value, said) => {
    const silent = parseCacheControl(undefined);
    expect(parseCacheControl(value)).toEqual({ ...silent, ...said });
  });

  test('whatever comes, it is read', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', '"', '\\', ',', '=', ' ', '1', '-', 'max-age', 'é') }), (value) =>
        expect(parseCacheControl(value)).toBeDefined(),
      ),
    );
  });
});

describe('request targets', () => {
  test.each([
    ['/live/a/master.m3u8', '/live/a/master.m3u8'],
    ['/', '/'],
    ['/a//b', '/a//b'],
    ['/a/./b/../c', '/a/c'],
    ['/../../a', '/a'],
    ['/a/..', '/'],
    ['/a/.', '/a/'],
    ['/a/b/..', '/a/'],
    ['/.well-known/x', '/.well-known/x'],
    ['/a...b/..c', '/a...b/..c'],
    ['/%7euser/%c3%a9', '/~user/%C3%A9'],
    ['/a/%2e%2e/b', '/b'],
    ['/a%2fb', '/a%2Fb'],
    ['/100%', '/100%25'],
    ['/%zz', '/%25zz'],
    ['/ü', '/%C3%BC'],
    ['/\ud800x', '/%EF%BF%BDx'],
    ['/a\\b"<>', '/a%5Cb%22%3C%3E'],
    ['/a?', '/a'],
    ['/a?b=2&a=1', '/a?a=1&b=2'],
    ['/a?b=2&a=1&b=1', '/a?a=1&b=2&b=1'],
    ['/a?&&a=1&', '/a?a=1'],
    ['/a?x=/../', '/a?x=/../'],
    ['/a?x=%2f&y=a+b', '/a?x=%2F&y=a+b'],
  ])('%s has the key %s', (target, key) => {
    expect(normaliseTarget(target)).toBe(key);
  });

  test.each(['', '*', 'a/b', 'http://a/b', '/a#b', '/a?b#c', `/${'a'.repeat(8192)}`])('%s is no target', (target) => {
    expect(normaliseTarget(target)).toBeUndefined();
  });

  test('a key is its own key, whatever it was made from', () => {
    const target = fc.string({ unit: fc.constantFrom('a', '/', '.', '%', '2', 'e', 'E', 'F', '?', '&', '=', 'ü', '\\', ' ', '~') }).map((text) => `/${text}`);
    fc.assert(
      fc.property(target, (text) => {
        const key = normaliseTarget(text) as string;
        expect(normaliseTarget(key)).toBe(key);
        expect(key).toMatch(/^\/[\x21-\x7e]*$/);
        expect(key.split('?')[0]).not.toMatch(/\/\.\.?(\/|$)/);
      }),
      { numRuns: 1000 },
    );
  });

  test.each([
    ['http://edge:8081/live/a.m3u8?b&a', '/live/a.m3u8?a&b'],
    ['HTTPS://other.example/x/../y', '/y'],
    ['https://other.example', '/'],
    ['https://other.example?a=1', '/?a=1'],
    ['/a/b', '/a/b'],
    ['a/b', undefined],
  ])('the URL %s purges %s', (url, key) => {
    expect(keyOfUrl(url)).toBe(key);
  });

  test.each([
    ['/a/b.M3U8?x=y.z', 'm3u8'],
    ['/a.b/c', ''],
    ['/', ''],
  ])('the extension of %s is %j', (target, extension) => {
    expect(extensionOf(target)).toBe(extension);
  });
});

describe('Cache-Status (RFC 9211)', () => {
  test.each([
    [{ ttl: 12 }, 'edge-1; hit; ttl=12'],
    [{ ttl: -3, detail: 'origin-failed' }, 'edge-1; hit; ttl=-3; detail=origin-failed'],
    [{ forwarded: 'uri-miss', forwardStatus: 200, stored: true, collapsed: true }, 'edge-1; fwd=uri-miss; fwd-status=200; stored; collapsed'],
    [{ forwarded: 'bypass', stored: false, collapsed: false }, 'edge-1; fwd=bypass'],
  ] as const)('%j', (outcome, text) => {
    expect(formatCacheStatus('edge-1', outcome)).toBe(text);
  });

  test('a name that is no token is a string', () => {
    expect(cacheName('edge-1.eu:8081')).toBe('edge-1.eu:8081');
    expect(cacheName('1edge')).toBe('"1edge"');
    expect(cacheName('a "b\\"')).toBe('"a \\"b\\\\\\""');
  });

  test('the member is appended: the list runs from the origin to the user', () => {
    expect(
      withCacheStatus(
        [
          ['cache-status', 'shield; hit'],
          ['etag', '"a"'],
        ],
        'edge-1',
        { forwarded: 'uri-miss' },
      ),
    ).toEqual([
      ['etag', '"a"'],
      ['cache-status', 'shield; hit, edge-1; fwd=uri-miss'],
    ]);
  });
});
