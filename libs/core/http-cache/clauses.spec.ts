import { describe, expect, test } from '@jest/globals';
import { parseCacheControl } from './cache-control.codec.ts';
import { formatCacheStatus, withCacheStatus, type CacheOutcome } from './cache-status.codec.ts';
import { fieldValue, type Field, type Fields, type RequestHead, type ResponseHead } from './fields.ts';
import { endToEndFields, fillFields, isLoop } from './forwarding.policy.ts';
import { formatHttpDate } from './http-date.codec.ts';
import { invalidatedKeys } from './invalidation.policy.ts';
import { withProxyStatus } from './proxy-status.codec.ts';
import { renewed, updatedByHead } from './revalidation.policy.ts';
import { acceptsStale, judgeReuse, mayServeOnError, satisfies } from './reuse.policy.ts';
import * as reuse from './reuse.cases.ts';
import { select } from './selection.core.ts';
import { storingCases, targetedCases } from './storing.cases.ts';
import { judgeStoring } from './storing.policy.ts';
import type { StoredResponse } from './stored-response.ts';
import { responseControl } from './targeted-control.policy.ts';
import { mediaTtlSettings } from './ttl.policy.ts';
import { matchesVariant, variantOf, varyNames } from './vary.core.ts';

const t0 = Date.UTC(2026, 10, 27, 12, 0, 0);
const times = { requestTimeMs: t0, responseTimeMs: t0 };
const known = { purgesKnown: true, doubtFreshMs: 2000 };
const short: Readonly<Record<string, string>> = {
  cc: 'cache-control',
  cdn: 'cdn-cache-control',
  own: 'streams-cache-control',
  lm: 'last-modified',
  ct: 'content-type',
};

const rows = (table: string): string[][] =>
  table
    .trim()
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()));

function fieldsOf(text: string): Field[] {
  if (text.trim() === '') return [];
  return text.split(' ; ').map((line) => {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).trim();
    const value = line.slice(colon + 1).trim();
    return [short[name] ?? name, /^@-?\d+$/.test(value) ? formatHttpDate(t0 + Number(value.slice(1)) * 1000) : value] as const;
  });
}

function requestOf(text: string): RequestHead {
  const [, method = 'GET', target = '/x', rest = ''] = /^(?:([A-Z-]+)(?:\s+|$))?(\/\S*)?\s*(.*)$/.exec(text) ?? [];
  const fields = fieldsOf(rest);
  return { method, target, field: (name) => fieldValue(fields, name) };
}

function responseOf(text: string): ResponseHead {
  const fields = fieldsOf(text.slice(4));
  const dated = fieldValue(fields, 'date') === undefined ? [...fields, ['date', formatHttpDate(t0)] as const] : fields.filter(([, value]) => value !== 'none');
  return { status: Number(text.slice(0, 3)), fields: dated };
}

function stored(response: ResponseHead, request = requestOf('')): StoredResponse {
  const verdict = judgeStoring(request, response, times, mediaTtlSettings);
  if (!verdict.store) throw new Error(`not stored: ${verdict.reason}`);
  return verdict.response;
}

/** A response that is kept, whatever else it says. */
const lasting = (text: string): StoredResponse => {
  const { fields, status } = responseOf(text);
  return stored({ status, fields: fieldValue(fields, 'cache-control') === undefined ? [...fields, ['cache-control', 'max-age=60']] : fields });
};

describe('RFC 9111 and 9213, by clause', () => {
  test.each(rows(storingCases))('%s: %s -> %s is stored: %s', (_clause, request = '', response = '', expected) => {
    const verdict = judgeStoring(requestOf(request), responseOf(response), times, mediaTtlSettings);
    const seconds = verdict.store ? (verdict.response.freshness.freshUntilMs - t0) / 1000 : 0;
    expect(verdict.store ? (verdict.keeps ? String(seconds) : 'shared') : verdict.reason).toBe(expected);
  });

  test.each(rows(targetedCases))('%s: CDN-Cache-Control %s is %s', (_clause, value = '', expected) => {
    const { control, targeted } = responseControl([
      ['cdn-cache-control', value],
      ['cache-control', 'max-age=5'],
    ]);
    expect(targeted ? String(control.maxAge).replace(/^0$/, '-') : 'ignored').toBe(expected);
    if (!targeted) expect(control.maxAge).toBe(5);
  });

  test.each(rows(reuse.reuseCases))('%s: %s after %s s, asked for with %s: %s', (_clause, response = '', seconds, asked, expected) => {
    const { freshness } = stored(responseOf(response));
    const nowMs = t0 + Number(seconds) * 1000;
    const control = parseCacheControl(asked);
    const judged = judgeReuse(freshness, nowMs, known);
    const wanted = satisfies(control, freshness, nowMs);
    const usable = { fresh: 'fresh', 'stale-while-revalidate': 'swr', 'must-validate': 'validate' }[judged];
    expect(judged !== 'fresh' && acceptsStale(control, freshness, nowMs, known) ? 'stale' : wanted ? usable : 'validate').toBe(expected);
  });

  test.each(rows(reuse.errorCases))('%s: %s after %s s stands in for an error: %s', (_clause, response = '', seconds, expected) => {
    expect(mayServeOnError(stored(responseOf(response)).freshness, t0 + Number(seconds) * 1000, known)).toBe(expected === 'yes');
  });

  test.each(rows(reuse.varyCases))('%s: Vary %s, %s and %s: %s', (_clause, vary = '', first = '', second = '', expected) => {
    const names = varyNames(vary === '' ? [] : [['vary', vary]]) ?? [];
    expect(matchesVariant(variantOf(names, requestOf(first)), requestOf(second))).toBe(expected === 'same');
  });

  test.each(rows(reuse.selectionCases))('%s: %s asked for with %s: %s', (_clause, response = '', request = '', expected) => {
    const selection = select(requestOf(request), lasting(response), 10, t0);
    expect(selection.kind === 'part' ? `part ${selection.span.first}-${selection.span.last}` : selection.kind).toBe(expected);
  });

  test.each(rows(reuse.freshenCases))('%s: %s and a 304 with %s: %s', (_clause, before = '', brought = '', expected = '') => {
    const fresh = renewed(lasting(`200 ${before}`), '/x', { status: 304, fields: fieldsOf(brought) }, times, mediaTtlSettings);
    const [name = '', value] = expected.split(/=(.*)/s);
    expect(fresh === undefined ? 'no' : fieldValue(fresh.fields, name)).toBe(expected === 'no' ? 'no' : value === '-' ? undefined : value);
  });

  test.each(rows(reuse.headCases))('%s: %s and a HEAD with %s: %s', (_clause, before = '', head = '', expected) => {
    const response = { status: Number(head.slice(0, 3)), fields: fieldsOf(head.slice(4)) };
    expect(updatedByHead(lasting(`200 ${before}`), 10, '/x', response, times, mediaTtlSettings).kind).toBe(expected);
  });

  test.each(rows(reuse.invalidationCases))('%s: %s answered by %s voids %s', (_clause, method = '', response = '', keys = '') => {
    const request = { method, target: '/a/b?q', host: 'edge.example' };
    expect(invalidatedKeys(request, responseOf(response)).join(' ')).toBe(keys);
  });

  test.each(rows(reuse.fieldCases))('%s: %s is %s', (_clause, field = '', expected) => {
    const [one] = fieldsOf(field) as [Field];
    expect(endToEndFields([one], t0).some(([name]) => name === one[0])).toBe(expected === 'stored');
  });
});

describe('what one client can change about the answer of others', () => {
  test.each(rows(reuse.fillCases))('%s: %s %s', (_clause, field = '', expected) => {
    const [one] = fieldsOf(field) as [Field];
    expect(fillFields([one], 'e').some(([name, value]) => name === one[0] && value === one[1])).toBe(expected === 'goes');
  });

  test.each([
    [undefined, false],
    ['1.1 other', false],
    ['1.1 other, 1.1 edge-1', true],
    ['HTTP/1.1 edge-1 (Streams), 1.0 other', true],
    ['1.1 edge-11', false],
  ])('Via %j is a loop: %s', (via, loop) => {
    expect(isLoop(via, 'edge-1')).toBe(loop);
  });
});

describe('RFC 9211 and 9209', () => {
  const outcomes: readonly (readonly [CacheOutcome, string])[] = [
    [{}, 'e; hit'],
    [{ ttl: 30 }, 'e; hit; ttl=30'],
    [{ ttl: -5 }, 'e; hit; ttl=-5'],
    [{ ttl: 0 }, 'e; hit; ttl=0'],
    [{ detail: 'origin-failed' }, 'e; hit; detail=origin-failed'],
    [{ forwarded: 'bypass' }, 'e; fwd=bypass'],
    [{ forwarded: 'method' }, 'e; fwd=method'],
    [{ forwarded: 'uri-miss' }, 'e; fwd=uri-miss'],
    [{ forwarded: 'vary-miss' }, 'e; fwd=vary-miss'],
    [{ forwarded: 'miss' }, 'e; fwd=miss'],
    [{ forwarded: 'request' }, 'e; fwd=request'],
    [{ forwarded: 'stale' }, 'e; fwd=stale'],
    [{ forwarded: 'partial' }, 'e; fwd=partial'],
    [{ forwarded: 'uri-miss', forwardStatus: 200 }, 'e; fwd=uri-miss; fwd-status=200'],
    [{ forwarded: 'uri-miss', stored: true }, 'e; fwd=uri-miss; stored'],
    [{ forwarded: 'uri-miss', stored: false }, 'e; fwd=uri-miss'],
    [{ forwarded: 'uri-miss', collapsed: true }, 'e; fwd=uri-miss; collapsed'],
    [{ forwarded: 'uri-miss', collapsed: false }, 'e; fwd=uri-miss'],
    [{ forwarded: 'stale', forwardStatus: 304, ttl: 60 }, 'e; fwd=stale; fwd-status=304; ttl=60'],
    [{ forwarded: 'stale', forwardStatus: 503, detail: 'x' }, 'e; fwd=stale; fwd-status=503; detail=x'],
    [{ forwarded: 'miss', forwardStatus: 200, stored: true, collapsed: true }, 'e; fwd=miss; fwd-status=200; stored; collapsed'],
  ];
  test.each(outcomes)('9211-2: %j is %s', (outcome, text) => {
    expect(formatCacheStatus('e', outcome)).toBe(text);
  });

  const before: Fields = [
    ['cache-status', 'origin; hit'],
    ['x', '1'],
    ['cache-status', '"near; far"; fwd=miss'],
  ];
  test("9211-2: this cache's member comes last, nearest to the user", () => {
    expect(fieldValue(withCacheStatus(before, 'e', {}), 'cache-status')).toBe('origin; hit, "near; far"; fwd=miss, e; hit');
  });

  test("9209-2: so does this intermediary's", () => {
    const told = withProxyStatus([['proxy-status', 'origin; error=dns_error']], 'e', 'connection_refused');
    expect(told).toEqual([['proxy-status', 'origin; error=dns_error, e; error=connection_refused']]);
  });
});
