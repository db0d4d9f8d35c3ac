import { describe, expect, test } from '@jest/globals';
import { isNotModified, ifRangeHolds, revalidationFields } from './conditional.core.ts';
import { fieldValue, type Fields, type RequestHead } from './fields.ts';
import { endToEndFields, cdnHops, fillFields, passThroughFields } from './forwarding.policy.ts';
import { initialAgeMs } from './freshness.policy.ts';
import { formatHttpDate } from './http-date.codec.ts';
import { invalidatedKeys } from './invalidation.policy.ts';
import { renewed } from './revalidation.policy.ts';
import { ageSeconds, judgeReuse, mayServeOnError, ttlSeconds } from './reuse.policy.ts';
import { select, selectedHead } from './selection.core.ts';
import { judgeStoring } from './storing.policy.ts';
import type { StoredResponse } from './stored-response.ts';
import { mediaTtlSettings } from './ttl.policy.ts';
import { matchesVariant, normaliseAcceptEncoding, sameVariant, variantOf, varyNames } from './vary.core.ts';

const t0 = Date.UTC(2026, 10, 22, 12, 0, 0);
const date = formatHttpDate(t0);
const times = { requestTimeMs: t0, responseTimeMs: t0 };
const known = { purgesKnown: true, doubtFreshMs: 2000 };

function request(fields: Readonly<Record<string, string>> = {}, init: { method?: string; target?: string } = {}): RequestHead {
  return { method: init.method ?? 'GET', target: init.target ?? '/x', field: (name) => fields[name] };
}

/** The lifetime in ms that a response gets, or why it is not stored. */
function verdict(
  status: number,
  fields: Readonly<Record<string, string>>,
  asked = request({}, fields['content-type'] === undefined ? { target: '/x.m4s' } : {}),
): number | string {
  const result = judgeStoring(asked, { status, fields: Object.entries({ date, ...fields }) }, times, mediaTtlSettings);
  return result.store ? result.response.freshness.freshUntilMs - t0 : result.reason;
}

function stored(fields: Readonly<Record<string, string>> = {}, status = 200): StoredResponse {
  const result = judgeStoring(request(), { status, fields: Object.entries({ date, 'cache-control': 'max-age=60', ...fields }) }, times, mediaTtlSettings);
  if (!result.store) throw new Error(result.reason);
  return result.response;
}

describe('lifetime (RFC 9111 section 4.2)', () => {
  test.each([
    ['s-maxage before max-age before Expires', 200, { 'cache-control': 'max-age=10, s-maxage=20', expires: formatHttpDate(t0 + 30_000) }, 20_000],
    ['max-age before Expires', 200, { 'cache-control': 'max-age=10', expires: formatHttpDate(t0 + 30_000) }, 10_000],
    ['Expires minus Date', 200, { expires: formatHttpDate(t0 + 30_000) }, 30_000],
    ['Expires in the past', 200, { expires: formatHttpDate(t0 - 1000) }, 'no-lifetime'],
    ['Expires that is no date', 200, { expires: '0' }, 'no-lifetime'],
    ['Age counts against it', 200, { 'cache-control': 'max-age=60', age: '20' }, 40_000],
    ['an old Date counts against it', 200, { 'cache-control': 'max-age=60', date: formatHttpDate(t0 - 15_000) }, 45_000],
    ['max-age=0 with nothing to validate', 200, { 'cache-control': 'max-age=0' }, 'no-lifetime'],
    ['max-age=0 with a validator', 200, { 'cache-control': 'max-age=0', etag: '"a"' }, 0],
    ['no-cache with a validator', 200, { 'cache-control': 'no-cache, max-age=60', etag: '"a"' }, 0],
    ['no-cache without one', 200, { 'cache-control': 'no-cache, max-age=60' }, 'no-lifetime'],
    ['a year at most', 200, { 'cache-control': 'max-age=99999999999' }, 365 * 86_400_000],
    ['media without a word', 200, { 'content-type': 'video/mp4; codecs=x' }, 3_600_000],
    ['a playlist without a word', 200, { 'content-type': 'application/vnd.apple.mpegurl' }, 1000],
    ['a playlist is capped', 200, { 'content-type': 'Application/X-MpegURL', 'cache-control': 'max-age=999999' }, 3_600_000],
    ['JSON without a word', 200, { 'content-type': 'application/json' }, 'no-lifetime'],
    ['an event stream whatever it says', 200, { 'content-type': 'text/event-stream', 'cache-control': 'max-age=60' }, 'no-lifetime'],
    ['no media type: the extension', 200, {}, 3_600_000],
    ['404 without a word', 404, { 'content-type': 'text/html' }, 60_000],
    ['410 without a word', 410, {}, 60_000],
    ['404 with a word', 404, { 'cache-control': 'max-age=5' }, 5000],
    ['404 with no-store', 404, { 'cache-control': 'no-store' }, 'no-store'],
    ['503 without a word: shared by those who wait, and no longer', 503, {}, 0],
    ['503 with a word', 503, { 'cache-control': 'max-age=7' }, 7000],
    ['302 without a word', 302, {}, 'no-lifetime'],
    ['302 with a word', 302, { 'cache-control': 'max-age=7' }, 7000],
    ['301 without a word', 301, { 'content-type': 'text/html' }, 10_000],
  ])('%s', (_name, status, fields, expected) => {
    expect(verdict(status, fields as unknown as Record<string, string>)).toBe(expected);
  });

  test('a playlist that is not there yet is asked for again soon', () => {
    expect(verdict(404, { 'content-type': 'application/problem+json' }, request({}, { target: '/live/a/master.m3u8?x=1' }))).toBe(1000);
  });

  test.each([
    [{}, 0, 0],
    [{ date }, 999, 0],
    [{ date }, 2500, 2000],
    [{ date: formatHttpDate(t0 + 60_000) }, 0, 0],
    [{ date, age: '30' }, 500, 30_500],
    [{ date, age: '30, 99' }, 0, 30_000],
    [{ date, age: '-1' }, 0, 0],
    [{ date, age: 'x' }, 0, 0],
    [{ date: 'x', age: '7' }, 0, 7000],
  ])('initial age of %j after %i ms', (fields, delayMs, ageMs) => {
    expect(initialAgeMs(Object.entries(fields), { requestTimeMs: t0, responseTimeMs: t0 + delayMs })).toBe(ageMs);
  });
});

describe('storing (RFC 9111 section 3)', () => {
  const fresh = 'max-age=60';
  test.each([
    ['no-store', 200, { 'cache-control': `${fresh}, no-store` }, {}, 'no-store'],
    ['must-understand makes no-store void', 200, { 'cache-control': `${fresh}, no-store, must-understand` }, {}, 60_000],
    ['private', 200, { 'cache-control': `${fresh}, private` }, {}, 'private'],
    ['206', 206, { 'cache-control': fresh }, {}, 'partial'],
    ['an unknown status that says how long it lasts', 299, { 'cache-control': fresh }, {}, 60_000],
    ['Authorization', 200, { 'cache-control': fresh }, { authorization: 'x' }, 'authorization'],
    ['Authorization with public', 200, { 'cache-control': `${fresh}, public` }, { authorization: 'x' }, 60_000],
    ['Authorization with s-maxage', 200, { 'cache-control': 's-maxage=30' }, { authorization: 'x' }, 30_000],
    ['Authorization with must-revalidate', 200, { 'cache-control': `${fresh}, must-revalidate` }, { authorization: 'x' }, 60_000],
    ['Set-Cookie', 200, { 'cache-control': fresh, 'set-cookie': 'a=b' }, {}, 'set-cookie'],
    ['Vary: *', 200, { 'cache-control': fresh, vary: 'accept, *' }, {}, 'vary'],
    ['a cookie and no stated lifetime', 200, { 'content-type': 'text/html' }, { cookie: 'a=b' }, 'no-lifetime'],
    ['a cookie and a stated lifetime', 200, { 'content-type': 'text/html', 'cache-control': fresh }, { cookie: 'a=b' }, 60_000],
    ['a cookie and public', 200, { 'content-type': 'text/html', 'cache-control': 'public' }, { cookie: 'a=b' }, 10_000],
  ])('%s', (_name, status, fields, asked, expected) => {
    expect(verdict(status, fields as unknown as Record<string, string>, request(asked as unknown as Record<string, string>))).toBe(expected);
  });

  test('only GET is stored', () => {
    expect(verdict(200, { 'cache-control': fresh }, request({}, { method: 'POST' }))).toBe('method');
    expect(verdict(200, { 'cache-control': fresh }, request({}, { method: 'HEAD' }))).toBe('method');
  });

  test('what is kept travels end to end, and has a date', () => {
    const fields: Fields = [
      ['connection', 'x-secret, close'],
      ['x-secret', '1'],
      ['keep-alive', '5'],
      ['transfer-encoding', 'chunked'],
      ['content-length', '3'],
      ['age', '4'],
      ['cache-status', 'a; hit'],
      ['etag', '"a"'],
    ];
    expect(endToEndFields(fields, t0)).toEqual([
      ['etag', '"a"'],
      ['date', date],
    ]);
    expect(endToEndFields([['date', 'Sun, 06 Nov 1994 08:49:37 GMT']], t0)).toEqual([['date', 'Sun, 06 Nov 1994 08:49:37 GMT']]);
  });
});

describe('reuse', () => {
  const at = (control: string, secondsLater: number, trust = known) =>
    judgeReuse(stored({ 'cache-control': control }).freshness, t0 + secondsLater * 1000, trust);
  test.each([
    ['max-age=60', 59.999, 'fresh'],
    ['max-age=60', 60, 'must-validate'],
    ['max-age=60, stale-while-revalidate=10', 69, 'stale-while-revalidate'],
    ['max-age=60, stale-while-revalidate=10', 70, 'must-validate'],
    ['max-age=60, stale-while-revalidate=10, must-revalidate', 61, 'must-validate'],
    ['max-age=60, stale-while-revalidate=10, proxy-revalidate', 61, 'must-validate'],
    ['s-maxage=60, stale-while-revalidate=10', 61, 'stale-while-revalidate'],
  ])('%s after %d s is %s', (control, seconds, expected) => {
    expect(at(control, seconds)).toBe(expected);
  });

  test("while purges are not known, only the origin's last word counts, and nothing stale", () => {
    const doubt = { purgesKnown: false, doubtFreshMs: 2000 };
    expect(at('max-age=60', 1.999, doubt)).toBe('fresh');
    expect(at('max-age=60', 2, doubt)).toBe('must-validate');
    expect(at('max-age=1, stale-while-revalidate=60', 1.5, doubt)).toBe('must-validate');
    expect(mayServeOnError(stored({ 'cache-control': 'max-age=60, stale-if-error=60' }).freshness, t0, doubt)).toBe(false);
  });

  test('who prefers to be served in doubt is served by lifetimes as ever', () => {
    const doubt = { purgesKnown: false, doubtFreshMs: 2000, inDoubt: 'serve' as const };
    expect(at('max-age=60', 59, doubt)).toBe('fresh');
    expect(at('max-age=1, stale-while-revalidate=60', 1.5, doubt)).toBe('stale-while-revalidate');
    expect(mayServeOnError(stored({ 'cache-control': 'max-age=60, stale-if-error=60' }).freshness, t0, doubt)).toBe(true);
  });

  test.each([
    ['max-age=60, stale-if-error=10', 69, true],
    ['max-age=60, stale-if-error=10', 70, false],
    ['max-age=60', 89, true],
    ['max-age=60', 90, false],
    ['max-age=60, must-revalidate', 61, false],
    ['max-age=60, stale-if-error=10, must-revalidate', 61, false],
    ['s-maxage=60', 61, false],
    ['s-maxage=60, stale-if-error=10', 61, true],
  ])('%s: an error after %d s may be covered: %s', (control, seconds, expected) => {
    expect(mayServeOnError(stored({ 'cache-control': control }).freshness, t0 + seconds * 1000, known)).toBe(expected);
  });

  test('age and the seconds left', () => {
    const { freshness } = stored({ age: '5' });
    expect([ageSeconds(freshness, t0), ageSeconds(freshness, t0 + 1999), ttlSeconds(freshness, t0), ttlSeconds(freshness, t0 + 60_000)]).toEqual([
      5, 6, 55, -5,
    ]);
  });
});

describe('Vary (RFC 9111 section 4.1)', () => {
  test.each([
    ['gzip, deflate, br', 'br, gzip'],
    ['br;q=1.0, gzip;q=0.5, *;q=0', 'br, gzip'],
    ['GZIP', 'gzip'],
    ['x-gzip', 'gzip'],
    ['*', 'br, gzip, zstd'],
    ['gzip;q=0', ''],
    ['gzip; q=0.000', ''],
    ['gzip; q=0.001', 'gzip'],
    ['identity', ''],
  ])('Accept-Encoding %j asks for %j', (value, codings) => {
    expect(normaliseAcceptEncoding(value)).toBe(codings);
  });

  test('names are one sorted list; * matches nothing', () => {
    expect(
      varyNames([
        ['vary', 'Origin, accept-encoding'],
        ['vary', 'ORIGIN'],
      ]),
    ).toEqual(['accept-encoding', 'origin']);
    expect(varyNames([['vary', 'origin, *']])).toBeUndefined();
    expect(varyNames([])).toEqual([]);
  });

  test('a request matches by what the fields mean, not by how they are spelt', () => {
    const variant = variantOf(['accept-encoding', 'accept-language'], request({ 'accept-encoding': 'br, gzip', 'accept-language': 'de,  en' }));
    expect(matchesVariant(variant, request({ 'accept-encoding': 'gzip;q=0.8,br', 'accept-language': 'de,en' }))).toBe(true);
    expect(matchesVariant(variant, request({ 'accept-encoding': 'gzip', 'accept-language': 'de,en' }))).toBe(false);
    expect(matchesVariant(variant, request({ 'accept-encoding': 'br, gzip' }))).toBe(false);
    expect(sameVariant(variant, variantOf(variant.names, request({ 'accept-encoding': '*;q=0, br, gzip', 'accept-language': 'de, en' })))).toBe(true);
  });

  test('no field and an empty one are the same for Accept-Encoding', () => {
    expect(matchesVariant(variantOf(['accept-encoding'], request()), request({ 'accept-encoding': 'identity' }))).toBe(true);
  });
});

describe('conditional requests (RFC 9110 section 13)', () => {
  const modified = formatHttpDate(t0 - 10_000);
  const response = stored({ etag: '"a"', 'last-modified': modified });
  test.each([
    [{ 'if-none-match': '"a"' }, true],
    [{ 'if-none-match': 'W/"a"' }, true],
    [{ 'if-none-match': '"b", "a"' }, true],
    [{ 'if-none-match': '"b,a"' }, false],
    [{ 'if-none-match': '*' }, true],
    [{ 'if-none-match': '"b"' }, false],
    [{ 'if-none-match': '"b"', 'if-modified-since': date }, false],
    [{ 'if-modified-since': modified }, true],
    [{ 'if-modified-since': date }, true],
    [{ 'if-modified-since': formatHttpDate(t0 - 11_000) }, false],
    [{ 'if-modified-since': 'yesterday' }, false],
    [{}, false],
  ])('%j: not modified %s', (fields, expected) => {
    expect(isNotModified(request(fields as unknown as Record<string, string>), response, t0)).toBe(expected);
  });

  test('without Last-Modified the Date stands in', () => {
    expect(isNotModified(request({ 'if-modified-since': date }), stored(), t0)).toBe(true);
  });

  test.each([
    [undefined, true],
    ['"a"', true],
    ['W/"a"', false],
    ['"b"', false],
    [modified, true],
    [date, false],
  ])('If-Range %s holds: %s', (value, expected) => {
    expect(ifRangeHolds(value, response, t0)).toBe(expected);
  });

  test('a weak tag, or a date of the same second, is no ground for a range', () => {
    expect(ifRangeHolds('W/"a"', stored({ etag: 'W/"a"' }), t0)).toBe(false);
    expect(ifRangeHolds(date, stored({ 'last-modified': date }), t0)).toBe(false);
  });

  test('the origin is asked with what is there', () => {
    expect(revalidationFields(response.validators)).toEqual([
      ['if-none-match', '"a"'],
      ['if-modified-since', modified],
    ]);
    expect(revalidationFields(stored().validators)).toEqual([]);
  });
});

describe('what of a stored response answers', () => {
  const response = stored({ etag: '"a"', 'content-type': 'video/mp4', 'accept-ranges': 'none' });
  const kind = (fields: Record<string, string>, init = {}, of = response, length: number | undefined = 100) =>
    select(request(fields, init), of, length, t0).kind;

  test('preconditions come before ranges', () => {
    expect(kind({ 'if-none-match': '"a"', range: 'bytes=0-1' })).toBe('not-modified');
    expect(kind({ range: 'bytes=0-1' })).toBe('part');
    expect(kind({ range: 'bytes=0-1', 'if-range': '"b"' })).toBe('whole');
    expect(kind({ range: 'bytes=100-' })).toBe('unsatisfiable');
  });

  test('ranges are for GET and 200, and need a known length', () => {
    expect(kind({ range: 'bytes=0-1' }, { method: 'HEAD' })).toBe('whole');
    expect(kind({ range: 'bytes=0-1' }, {}, stored({}, 404))).toBe('whole');
    expect(select(request({ range: 'bytes=0-1' }), response, undefined, t0).kind).toBe('whole');
    expect(kind({ 'if-none-match': '*' }, {}, stored({}, 404))).toBe('whole');
  });

  test('heads', () => {
    const part = selectedHead({ kind: 'part', span: { first: 2, last: 5 } }, response, 100);
    expect([part.status, Object.fromEntries(part.fields)['content-range']]).toEqual([206, 'bytes 2-5/100']);
    const none = selectedHead({ kind: 'unsatisfiable' }, response, 100);
    expect([none.status, Object.fromEntries(none.fields)['content-range']]).toEqual([416, 'bytes */100']);
    const same = selectedHead({ kind: 'not-modified' }, response, 100);
    expect([same.status, same.fields.map(([name]) => name)]).toEqual([304, ['cache-control', 'etag', 'date']]);
    expect(Object.fromEntries(selectedHead({ kind: 'whole' }, response, 100).fields)['accept-ranges']).toBe('bytes');
    expect(selectedHead({ kind: 'whole' }, stored({}, 404), 9).status).toBe(404);
  });
});

describe('revalidation (RFC 9111 sections 3.2 and 4.3.4)', () => {
  const old = stored({ etag: '"a"', 'content-type': 'video/mp4', 'cache-control': 'max-age=60', age: '30', 'x-kept': '1' });
  const later = { requestTimeMs: t0 + 90_000, responseTimeMs: t0 + 90_000 };
  const renew = (fields: Fields, of = old) => renewed(of, '/x.m4s', { status: 304, fields }, later, mediaTtlSettings);

  test('a 304 makes it fresh again and updates its fields', () => {
    const fresh = renew([
      ['etag', '"a"'],
      ['cache-control', 'max-age=10'],
      ['date', formatHttpDate(t0 + 90_000)],
      ['content-length', '0'],
      ['x-new', '2'],
    ]) as StoredResponse;
    expect(ageSeconds(fresh.freshness, t0 + 90_000)).toBe(0);
    expect(ttlSeconds(fresh.freshness, t0 + 90_000)).toBe(10);
    expect(Object.fromEntries(fresh.fields)).toEqual({
      etag: '"a"',
      'content-type': 'video/mp4',
      'x-kept': '1',
      'cache-control': 'max-age=10',
      'x-new': '2',
      date: formatHttpDate(t0 + 90_000),
    });
  });

  test('a 304 without a word keeps the old lifetime, counted anew', () => {
    const fresh = renew([]) as StoredResponse;
    expect(ttlSeconds(fresh.freshness, t0 + 90_000)).toBe(60);
  });

  test.each([
    ['another tag', [['etag', '"b"']]],
    ['another date', [['last-modified', formatHttpDate(t0)]]],
    ['no-store', [['cache-control', 'no-store']]],
    ['private', [['cache-control', 'private']]],
    ['a cookie', [['set-cookie', 'a=b']]],
  ] as const)('a 304 with %s confirms nothing', (name, fields) => {
    const of = name === 'another date' ? stored({ 'last-modified': formatHttpDate(t0 - 5000) }) : old;
    expect(renew(fields, of)).toBeUndefined();
  });
});

describe('forwarding', () => {
  const fields: Fields = [
    ['host', 'edge.example'],
    ['connection', 'x-hop'],
    ['x-hop', '1'],
    ['accept-encoding', 'deflate, gzip, br'],
    ['range', 'bytes=0-1'],
    ['if-none-match', '"a"'],
    ['x-forwarded-host', 'evil.example'],
    ['x-forwarded-for', '6.6.6.6'],
    ['x-original-url', '/admin'],
    ['accept-language', 'de'],
    ['via', '1.0 old'],
    ['expect', '100-continue'],
  ];

  test('a fill asks for the whole, on behalf of everybody', () => {
    expect(fillFields(fields, 'edge-1')).toEqual([
      ['accept-language', 'de'],
      ['accept-encoding', 'br, gzip'],
      ['via', '1.0 old, 1.1 edge-1'],
      ['cdn-loop', 'streams; edge=edge-1'],
    ]);
    expect(fillFields([], 'edge-1')).toEqual([
      ['accept-encoding', 'identity'],
      ['via', '1.1 edge-1'],
      ['cdn-loop', 'streams; edge=edge-1'],
    ]);
  });

  test('edges of this CDN are counted by CDN-Loop, and no others', () => {
    const loop = fieldValue(fillFields([['cdn-loop', 'other; streams=1, Streams; edge=a']], 'edge-1'), 'cdn-loop');
    expect([loop, cdnHops(loop), cdnHops('other, streamsx'), cdnHops(undefined)]).toEqual(['other; streams=1, Streams; edge=a, streams; edge=edge-1', 2, 0, 0]);
  });

  test('a request that is passed through says who asked, and what it asked', () => {
    expect(passThroughFields(fields, { clientAddress: '10.0.0.1', scheme: 'http', pseudonym: 'edge-1' })).toEqual([
      ['accept-encoding', 'deflate, gzip, br'],
      ['range', 'bytes=0-1'],
      ['if-none-match', '"a"'],
      ['accept-language', 'de'],
      ['via', '1.0 old, 1.1 edge-1'],
      ['cdn-loop', 'streams; edge=edge-1'],
      ['x-forwarded-for', '10.0.0.1'],
      ['x-forwarded-proto', 'http'],
      ['x-forwarded-host', 'edge.example'],
    ]);
  });
});

describe('invalidation (RFC 9111 section 4.4)', () => {
  const keys = (method: string, status: number, fields: Fields = []) => invalidatedKeys({ method, target: '/a/b', host: 'edge.example' }, { status, fields });
  test('an unsafe request that succeeded voids its target', () => {
    expect(keys('POST', 200)).toEqual(['/a/b']);
    expect(keys('DELETE', 303)).toEqual(['/a/b']);
    expect(keys('FOO', 204)).toEqual(['/a/b']);
    expect(keys('POST', 404)).toEqual([]);
    expect(keys('POST', 500)).toEqual([]);
    expect(keys('GET', 200)).toEqual([]);
    expect(keys('OPTIONS', 200)).toEqual([]);
  });

  test.each([
    ['/c', '/c'],
    ['c', '/a/c'],
    ['../c', '/c'],
    ['http://EDGE.example/c?b&a', '/c?a&b'],
    ['http://other.example/c', undefined],
    ['//other.example/c', undefined],
    ['mailto:x', undefined],
  ])('and what Location %s names on the same origin', (location, key) => {
    expect(keys('POST', 201, [['location', location]])).toEqual(key === undefined ? ['/a/b'] : ['/a/b', key]);
    expect(keys('POST', 201, [['content-location', location]])).toEqual(key === undefined ? ['/a/b'] : ['/a/b', key]);
  });
});
