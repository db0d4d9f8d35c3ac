import { parseCacheControl, type CacheControl } from './cache-control.codec.ts';
import { fieldValue, type RequestHead, type ResponseHead } from './fields.ts';
import { freshnessOf, type ExchangeTimes } from './freshness.policy.ts';
import { endToEndFields } from './forwarding.policy.ts';
import type { StoredResponse } from './stored-response.ts';
import { ttlRuleFor, type TtlSettings } from './ttl.policy.ts';
import { variantOf, varyNames } from './vary.core.ts';

export type NotStoredReason = 'method' | 'status' | 'no-store' | 'private' | 'authorization' | 'set-cookie' | 'vary' | 'partial' | 'no-lifetime';

export type StoringVerdict = { readonly store: true; readonly response: StoredResponse } | { readonly store: false; readonly reason: NotStoredReason };

/** Final statuses whose meaning for a cache is known here; 206 and 304 have their own rules. */
const understood = new Set([200, 203, 204, 300, 301, 302, 303, 307, 308, 400, 403, 404, 405, 410, 414, 451, 500, 501, 502, 503, 504]);

/** Why a response must not be stored by a shared cache; undefined when it may (RFC 9111 section 3). */
function obstacle(request: RequestHead, response: ResponseHead, control: CacheControl): NotStoredReason | undefined {
  // "the request method is understood by the cache"; only GET is stored.
  if (request.method !== 'GET') return 'method';
  // "if the response status code is 206 or 304 … the cache understands the response status code".
  if (response.status === 206) return 'partial';
  if (!understood.has(response.status)) return 'status';
  // RFC 9111 section 5.2.2.3: must-understand makes no-store void for a cache that understands the status.
  if (control.noStore && !control.mustUnderstand) return 'no-store';
  // "if the cache is shared: the private response directive is not present".
  if (control.isPrivate) return 'private';
  // RFC 9111 section 3.5: public, s-maxage or must-revalidate must allow it when the request had Authorization.
  const sharedAllowed = control.isPublic || control.sMaxAge !== undefined || control.mustRevalidate;
  if (request.field('authorization') !== undefined && !sharedAllowed) return 'authorization';
  // RFC 9111 section 7.3 leaves Set-Cookie to the cache: one viewer's cookie is never another's.
  if (fieldValue(response.fields, 'set-cookie') !== undefined) return 'set-cookie';
  return undefined;
}

/** Decides whether a complete response to a GET may be stored, and how long it may be used. */
export function judgeStoring(request: RequestHead, response: ResponseHead, times: ExchangeTimes, settings: TtlSettings): StoringVerdict {
  const control = parseCacheControl(fieldValue(response.fields, 'cache-control'));
  const reason = obstacle(request, response, control);
  if (reason !== undefined) return { store: false, reason };
  // RFC 9111 section 4.1: a Vary of * never matches, so storing it would be in vain.
  const names = varyNames(response.fields);
  if (names === undefined) return { store: false, reason: 'vary' };
  const ok = response.status < 400;
  const contentType = ok ? fieldValue(response.fields, 'content-type') : undefined;
  // What was made for a person who showed a cookie or a credential is not guessed to be for everybody.
  const mayGuess = control.isPublic || (request.field('authorization') === undefined && request.field('cookie') === undefined);
  const rule = ttlRuleFor(settings, contentType, request.target);
  const freshness = freshnessOf({ status: response.status, fields: response.fields, control, times, rule, settings, mayGuess });
  const validators = { etag: fieldValue(response.fields, 'etag'), lastModified: fieldValue(response.fields, 'last-modified') };
  const lives = freshness.freshUntilMs > times.responseTimeMs || freshness.staleWhileRevalidateUntilMs > times.responseTimeMs;
  const revalidates = response.status === 200 && (validators.etag !== undefined || validators.lastModified !== undefined) && rule.mostMs > 0;
  const stated = control.maxAge !== undefined || control.sMaxAge !== undefined || control.noCache;
  // A response that is stale at once is worth its room only if the origin can confirm it without sending it again.
  if (!lives && !(revalidates && stated)) return { store: false, reason: 'no-lifetime' };
  const fields = endToEndFields(response.fields, times.responseTimeMs);
  return { store: true, response: { status: response.status, fields, validators, freshness, variant: variantOf(names, request) } };
}
