import { cacheOutcomes } from '#events';
import { withCacheStatus, withProxyStatus, type CacheOutcome, type Fields, type ProxyError } from '#core/http-cache';
import { describe, expect, test } from '@jest/globals';
import { replyHead } from '../server/exchange.ts';
import { agentClassOf } from './agent-class.core.ts';
import { headLogOf } from './head-log.ts';
import { ClientNames } from './request-line.ts';
import { toldPath } from './told-path.core.ts';

describe('what is told of a target', () => {
  test.each([
    ['/a', '/a'],
    ['/a?', '/a'],
    ['/a?b=1&c=2', '/a?b=1&c=2'],
    ['/v.m4s?token=abc&t=5', '/v.m4s?t=5'],
    ['/v.m4s?Access_Token=abc', '/v.m4s'],
    ['/v?X-Amz-Signature=1&X-Amz-Credential=2&part=3', '/v?part=3'],
    ['/v?Policy=1&Signature=2&Key-Pair-Id=3', '/v'],
    ['/v?%74oken=abc&x=1', '/v?x=1'],
    ['/v?to%6ben=abc', '/v'],
    ['/v?%E0%A4%A=1&sig=2', '/v?%E0%A4%A=1'],
    ['/v?a=1&&b=2', '/v?a=1&&b=2'],
    ['/v?jwt', '/v'],
    ['/v?design=1&monkey=2&signal=3&hashtag=4', '/v?design=1&monkey=2&signal=3&hashtag=4'],
    ['/live/s/720p.m3u8?CMCD=sid%3D%22x%22&_HLS_msn=3', '/live/s/720p.m3u8?_HLS_msn=3'],
    ['/api/v1/events?after=v1.eyJ', '/api/v1/events'],
    ['/login?password=1&PASSWD=2&api-key=3&sessionId=4&auth=5', '/login'],
  ])('%s is %s', (target, told) => {
    expect(toldPath(target, 1024)).toBe(told);
  });

  test('a long one is cut, whatever it consists of', () => {
    expect(toldPath(`/${'a'.repeat(5000)}`, 1024)).toHaveLength(1024);
    expect(toldPath(`/a?b=${'a'.repeat(5000)}`, 1024)).toHaveLength(1024);
  });
});

describe('what is told of a client', () => {
  test('the same name the whole day, another on the next, and never its address', () => {
    const names = new ClientNames();
    const noon = Date.UTC(2026, 5, 1, 12);
    const first = names.nameOf('192.0.2.1', noon);
    expect(first).toMatch(/^[A-Za-z0-9_-]{11}$/);
    expect(names.nameOf('192.0.2.1', noon + 3_600_000)).toBe(first);
    expect(names.nameOf('192.0.2.2', noon)).not.toBe(first);
    expect(new ClientNames().nameOf('192.0.2.1', noon)).not.toBe(first);
    const next = names.nameOf('192.0.2.1', noon + 86_400_000);
    expect(next).not.toBe(first);
    // What came before midnight and ended after it gets no name of the day before: that salt is gone.
    expect(names.nameOf('192.0.2.1', noon)).toBe(next);
  });

  test.each([
    ['Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1', 'apple'],
    ['AppleCoreMedia/1.0.0.21A329 (iPhone; U; CPU OS 17_0 like Mac OS X; en_us)', 'apple'],
    ['Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15', 'apple'],
    ['Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36', 'chromium'],
    ['Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36', 'android'],
    ['Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0', 'firefox'],
    ['Mozilla/5.0 (SMART-TV; Linux; Tizen 7.0) AppleWebKit/537.36 (KHTML, like Gecko) Version/7.0 TV Safari/537.36', 'tv'],
    ['Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)', 'bot'],
    ['curl/8.5.0', 'tool'],
    ['Lavf/60.3.100', 'tool'],
    ['', 'other'],
    [undefined, 'other'],
  ])('%s is %s', (agent, kind) => {
    expect(agentClassOf(agent)).toBe(kind);
  });
});

describe('what is told of an answer', () => {
  const told = (outcome: CacheOutcome | undefined, status = 200, error?: ProxyError, fields: Fields = []): string => {
    const proxied = error === undefined ? fields : withProxyStatus(fields, 'e', error);
    const head = replyHead(status, outcome === undefined ? proxied : withCacheStatus(proxied, 'e', outcome));
    return cacheOutcomes[headLogOf(head).outcome] as string;
  };

  test.each<[string, CacheOutcome | undefined, number, ProxyError | undefined]>([
    ['hit', { ttl: 60 }, 200, undefined],
    ['hit', { ttl: 0 }, 304, undefined],
    ['stale', { ttl: -5 }, 200, undefined],
    ['stale', { forwarded: 'stale', forwardStatus: 503, detail: 'origin-failed', ttl: -1 }, 200, undefined],
    ['revalidated', { forwarded: 'stale', forwardStatus: 304, ttl: 60 }, 200, undefined],
    ['miss', { forwarded: 'uri-miss', forwardStatus: 200, stored: true }, 200, undefined],
    ['miss', { forwarded: 'vary-miss', forwardStatus: 404 }, 404, undefined],
    ['hit', { forwarded: 'uri-miss', forwardStatus: 200, collapsed: true, stored: true }, 200, undefined],
    ['pass', { forwarded: 'method', forwardStatus: 201 }, 201, undefined],
    ['pass', { forwarded: 'bypass', forwardStatus: 500 }, 500, undefined],
    ['error', { forwarded: 'miss', detail: 'origin_down' }, 502, 'destination_unavailable'],
    ['error', { forwarded: 'bypass' }, 400, 'http_request_error'],
    ['error', {}, 429, 'http_request_denied'],
    ['pass', undefined, 308, undefined],
    ['error', undefined, 421, undefined],
  ])('%s: %j, %i', (name, outcome, status, error) => {
    expect(told(outcome, status, error)).toBe(name);
  });

  test('what a shield said before counts as the shield’s', () => {
    expect(told({ forwarded: 'uri-miss', forwardStatus: 200 }, 200, undefined, [['cache-status', 'shield; hit; ttl=5']])).toBe('miss');
    expect(told({ ttl: 5 }, 200, undefined, [['cache-status', 'shield; fwd=uri-miss']])).toBe('hit');
  });

  test('its type without parameters, its class of status, and no second look', () => {
    const head = replyHead(404, [['content-type', 'Text/HTML; charset=utf-8']]);
    expect(headLogOf(head)).toMatchObject({ statusClass: 3, contentType: 'text/html' });
    expect(headLogOf(head)).toBe(head.log);
  });
});
