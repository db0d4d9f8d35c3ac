import type { CacheControl } from './cache-control.codec.ts';
import { isDeceptive } from './deception.policy.ts';
import { fieldValue, type Fields, type RequestHead, type ResponseHead } from './fields.ts';
import { freshnessOf, statedLifetimeMs, type ExchangeTimes } from './freshness.policy.ts';
import { endToEndFields } from './forwarding.policy.ts';
import type { StoredResponse } from './stored-response.ts';
import { responseControl, type ResponseControl } from './targeted-control.policy.ts';
import { ttlRuleFor, type TtlSettings } from './ttl.policy.ts';
import { variantOf, varyNames } from './vary.core.ts';

export type NotStoredReason = 'method' | 'status' | 'no-store' | 'private' | 'authorization' | 'set-cookie' | 'vary' | 'partial' | 'no-lifetime' | 'deception';

export type StoringVerdict =
  | {
      readonly store: true;
      readonly response: StoredResponse;
      /** What only the client gets whose request brought the response: fields of a qualified no-cache or private. */
      readonly withheld: Fields;
      /** False for a failure without a stated lifetime: those who wait for it share it, nobody gets it later. */
      readonly keeps: boolean;
    }
  | { readonly store: false; readonly reason: NotStoredReason };

/** Final statuses that mean to a cache what this one does with them (RFC 9111 section 5.2.2.3). */
const understood = new Set([200, 203, 204, 300, 301, 302, 303, 307, 308, 400, 403, 404, 405, 410, 414, 451, 500, 501, 502, 503, 504]);

/**
 * Statuses that are not stored whatever they say: they answer the conditions, the credentials, the pace or the connection
 * of one client. RFC 6585 forbids 428, 429, 431 and 511; RFC 8470 section 5.2 speaks of 425.
 */
const ofOneClient = new Set([304, 401, 407, 408, 412, 413, 416, 417, 421, 425, 426, 428, 429, 431, 511]);

/** Answers of an origin that fails: without a stated lifetime they are not guessed to last. */
const failures = new Set([500, 502, 503, 504]);

/** RFC 9111 section 3.5: what allows to store the response to a request with Authorization. */
function sharesAuthorized(control: CacheControl): boolean {
  return control.isPublic || control.sMaxAge !== undefined || control.mustRevalidate;
}

/** Whether what a response to this request brings may reach others: a 304 to one client's credential, too, is that client's. */
export function mayReachOthers(request: Pick<RequestHead, 'field'>, fields: Fields): boolean {
  return request.field('authorization') === undefined || sharesAuthorized(responseControl(fields).control);
}

/** Why a response must not be stored by a shared cache; undefined when it may (RFC 9111 section 3). */
function obstacle(request: RequestHead, response: ResponseHead, control: CacheControl, withheld: ReadonlySet<string>): NotStoredReason | undefined {
  // "the request method is understood by the cache"; only GET is stored.
  if (request.method !== 'GET') return 'method';
  if (response.status === 206) return 'partial';
  if (ofOneClient.has(response.status)) return 'status';
  // RFC 9111 section 5.2.2.3: must-understand makes no-store void for a cache that understands the status, and forbids others to store.
  if (control.mustUnderstand && !understood.has(response.status)) return 'status';
  if (control.noStore && !control.mustUnderstand) return 'no-store';
  // "if the cache is shared: the private response directive is either not present or allows a shared cache to store a modified response".
  if (control.isPrivate) return 'private';
  // RFC 9111 section 3.5: public, s-maxage or must-revalidate must allow it when the request had Authorization.
  if (request.field('authorization') !== undefined && !sharesAuthorized(control)) return 'authorization';
  // RFC 9111 section 7.3 leaves Set-Cookie to the cache: one viewer's cookie is never another's.
  if (fieldValue(response.fields, 'set-cookie') !== undefined && !withheld.has('set-cookie')) return 'set-cookie';
  return undefined;
}

/** True for what the origin said with a cache like this one in mind. */
function speaksToSharedCaches({ control, targeted }: ResponseControl): boolean {
  return targeted || control.isPublic || control.sMaxAge !== undefined;
}

const nothing: ReadonlySet<string> = new Set();

/** Decides whether a complete response to a GET may be stored, and how long it may be used. */
export function judgeStoring(request: RequestHead, response: ResponseHead, times: ExchangeTimes, settings: TtlSettings): StoringVerdict {
  const said = responseControl(response.fields);
  const { control } = said;
  const isWhole = control.noCacheFields.length === 0 && control.privateFields.length === 0;
  const withheldNames = isWhole ? nothing : new Set([...control.noCacheFields, ...control.privateFields]);
  const reason = obstacle(request, response, control, withheldNames);
  if (reason !== undefined) return { store: false, reason };
  // RFC 9111 section 4.1: a Vary of * never matches, so storing it would be in vain.
  const names = varyNames(response.fields);
  if (names === undefined) return { store: false, reason: 'vary' };
  const ok = response.status < 400;
  const contentType = ok ? fieldValue(response.fields, 'content-type') : undefined;
  if (response.status === 200 && !speaksToSharedCaches(said) && isDeceptive(request.target, contentType)) return { store: false, reason: 'deception' };
  // What was made for a person who showed a cookie or a credential is not guessed to be for everybody.
  const mayGuess = control.isPublic || (request.field('authorization') === undefined && request.field('cookie') === undefined);
  const rule = ttlRuleFor(settings, contentType, request.target);
  const freshness = freshnessOf({ status: response.status, fields: response.fields, control: said, times, rule, settings, mayGuess });
  const validators = { etag: fieldValue(response.fields, 'etag'), lastModified: fieldValue(response.fields, 'last-modified') };
  const lives = freshness.freshUntilMs > times.responseTimeMs || freshness.staleWhileRevalidateUntilMs > times.responseTimeMs;
  const revalidates = response.status === 200 && (validators.etag !== undefined || validators.lastModified !== undefined) && rule.mostMs > 0;
  const statesLifetime = statedLifetimeMs(response.fields, said, times.responseTimeMs) !== undefined;
  const stated = statesLifetime || control.noCache;
  const fails = failures.has(response.status) && !statesLifetime;
  // A response that is stale at once is worth its room only if the origin can confirm it without sending it again.
  if (!lives && !(revalidates && stated) && !fails) return { store: false, reason: 'no-lifetime' };
  const fields = endToEndFields(response.fields, times.responseTimeMs);
  return {
    store: true,
    keeps: !fails,
    withheld: withheldNames.size === 0 ? [] : fields.filter(([name]) => withheldNames.has(name)),
    response: {
      status: response.status,
      fields: withheldNames.size === 0 ? fields : fields.filter(([name]) => !withheldNames.has(name)),
      validators,
      freshness,
      variant: variantOf(names, request),
    },
  };
}
