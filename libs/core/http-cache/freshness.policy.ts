import type { CacheControl } from './cache-control.codec.ts';
import { fieldValue, listMembers, type Fields } from './fields.ts';
import { parseHttpDate } from './http-date.codec.ts';
import type { Freshness } from './stored-response.ts';
import type { TtlRule, TtlSettings } from './ttl.policy.ts';

/** A response, and when it was asked for and came, ms since the Unix epoch. */
export interface ExchangeTimes {
  readonly requestTimeMs: number;
  readonly responseTimeMs: number;
}

/**
 * RFC 9111 section 4.2.3. The RFC counts in whole seconds, which is all that Date says: a part of a second between
 * Date and now is no age, or a playlist that lives for one second would lose half of it.
 */
export function initialAgeMs(fields: Fields, times: ExchangeTimes): number {
  const dateMs = parseHttpDate(fieldValue(fields, 'date') ?? '', times.responseTimeMs);
  const apparentAgeMs = dateMs === undefined ? 0 : Math.max(0, Math.floor((times.responseTimeMs - dateMs) / 1000) * 1000);
  const ageMs = ageValueMs(fields);
  if (ageMs === undefined) return apparentAgeMs;
  const responseDelayMs = times.responseTimeMs - times.requestTimeMs;
  return Math.max(apparentAgeMs, ageMs + responseDelayMs);
}

/** RFC 9111 section 5.1: of a list the first member counts; a value that is no number of seconds is ignored. */
function ageValueMs(fields: Fields): number | undefined {
  const [first] = listMembers(fieldValue(fields, 'age') ?? '');
  return first !== undefined && /^\d+$/.test(first) ? Math.min(Number(first), 2 ** 31) * 1000 : undefined;
}

/** The lifetime that the origin states, ms; undefined when it states none (RFC 9111 section 4.2.1, in its order). */
export function statedLifetimeMs(fields: Fields, control: CacheControl, responseTimeMs: number): number | undefined {
  if (control.sMaxAge !== undefined) return control.sMaxAge * 1000;
  if (control.maxAge !== undefined) return control.maxAge * 1000;
  const expires = fieldValue(fields, 'expires');
  if (expires === undefined) return undefined;
  // RFC 9111 section 5.3: an invalid date, "0" in particular, lies in the past.
  const expiresMs = parseHttpDate(expires, responseTimeMs);
  const dateMs = parseHttpDate(fieldValue(fields, 'date') ?? '', responseTimeMs) ?? responseTimeMs;
  return expiresMs === undefined ? 0 : Math.max(0, expiresMs - dateMs);
}

/** RFC 9110 section 15.1: statuses that may be stored without a stated lifetime, as far as this cache understands them. */
const heuristicallyCacheable = new Set([200, 203, 300, 301, 308, 404, 405, 410, 414, 501]);
const negative = new Set([404, 405, 410, 414, 501]);
const failures = new Set([500, 502, 503, 504]);

/** The lifetime where the origin states none: the table's, ms. */
export function defaultLifetimeMs(status: number, rule: TtlRule, settings: TtlSettings): number {
  if (failures.has(status)) return settings.errorMs;
  if (negative.has(status)) return rule.negativeMs;
  return heuristicallyCacheable.has(status) ? rule.defaultMs : 0;
}

export interface FreshnessInput {
  readonly status: number;
  readonly fields: Fields;
  readonly control: CacheControl;
  readonly times: ExchangeTimes;
  readonly rule: TtlRule;
  readonly settings: TtlSettings;
  /** False when the request carried credentials or cookies: then only what the origin states counts. */
  readonly mayGuess: boolean;
}

/** How long a response may be used. A lifetime of zero gives a response that is stale from the start. */
export function freshnessOf(input: FreshnessInput): Freshness {
  const { control, settings, rule, times } = input;
  const stated = statedLifetimeMs(input.fields, control, times.responseTimeMs);
  const lifetimeMs = stated ?? (input.mayGuess ? defaultLifetimeMs(input.status, rule, settings) : 0);
  const ageMs = initialAgeMs(input.fields, times);
  const bornAtMs = times.responseTimeMs - ageMs;
  // RFC 9111 section 5.2.2.4: no-cache must not be used without successful validation.
  const freshUntilMs = control.noCache ? bornAtMs : bornAtMs + Math.min(lifetimeMs, Math.max(rule.mostMs, 0));
  const stale = stalePermissions(control, settings);
  return {
    bornAtMs,
    validatedAtMs: times.responseTimeMs,
    freshUntilMs,
    staleWhileRevalidateUntilMs: freshUntilMs + stale.whileRevalidateMs,
    staleIfErrorUntilMs: freshUntilMs + stale.ifErrorMs,
  };
}

/**
 * RFC 9111 section 4.2.4: no stale response where no-cache, must-revalidate, proxy-revalidate or s-maxage forbid it.
 * s-maxage only implies it (section 5.2.2.10): an origin that states stale-if-error beside it means what it says.
 */
function stalePermissions(control: CacheControl, settings: TtlSettings): { whileRevalidateMs: number; ifErrorMs: number } {
  if (control.noCache || control.mustRevalidate || control.proxyRevalidate) return { whileRevalidateMs: 0, ifErrorMs: 0 };
  const silentMs = control.sMaxAge === undefined ? settings.staleIfErrorMs : 0;
  return {
    whileRevalidateMs: (control.staleWhileRevalidate ?? 0) * 1000,
    ifErrorMs: control.staleIfError === undefined ? silentMs : control.staleIfError * 1000,
  };
}
