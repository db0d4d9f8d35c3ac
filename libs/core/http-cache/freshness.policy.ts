import type { CacheControl } from './cache-control.codec.ts';
import { fieldValue, listMembers, type Fields } from './fields.ts';
import { parseHttpDate } from './http-date.codec.ts';
import type { Freshness } from './stored-response.ts';
import type { ResponseControl } from './targeted-control.policy.ts';
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
export function statedLifetimeMs(fields: Fields, { control, targeted }: ResponseControl, responseTimeMs: number): number | undefined {
  if (control.sMaxAge !== undefined) return control.sMaxAge * 1000;
  if (control.maxAge !== undefined) return control.maxAge * 1000;
  // RFC 9213 section 2.2: beside a targeted field, Expires does not count.
  const expires = targeted ? undefined : fieldValue(fields, 'expires');
  if (expires === undefined) return undefined;
  // RFC 9111 section 5.3: an invalid date, "0" in particular, lies in the past. So do two lines of it, whatever they say.
  const expiresMs = parseHttpDate(expires, responseTimeMs);
  const dateMs = parseHttpDate(fieldValue(fields, 'date') ?? '', responseTimeMs) ?? responseTimeMs;
  return expiresMs === undefined ? 0 : Math.max(0, expiresMs - dateMs);
}

/** RFC 9110 section 15.1: statuses that may be stored without a stated lifetime. 206 has its own rules. */
const heuristicallyCacheable = new Set([200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501]);
const negative = new Set([404, 405, 410, 414, 501]);
/** RFC 9111 section 4.2.2 gives a tenth of the time since the last change as the usual share. */
const heuristicShare = 0.1;

/** The lifetime where the origin states none: a share of the response's age, within the table's bounds, ms (RFC 9111 section 4.2.2). */
export function heuristicLifetimeMs({ control, fields, rule, status, times }: Omit<FreshnessInput, 'control'> & { readonly control: CacheControl }): number {
  if (negative.has(status)) return rule.negativeMs;
  // RFC 9111 section 5.2.2.9: public makes any final status heuristically cacheable.
  if (!heuristicallyCacheable.has(status) && !control.isPublic) return 0;
  const modifiedMs = parseHttpDate(fieldValue(fields, 'last-modified') ?? '', times.responseTimeMs);
  const dateMs = parseHttpDate(fieldValue(fields, 'date') ?? '', times.responseTimeMs) ?? times.responseTimeMs;
  const shareMs = modifiedMs === undefined ? 0 : Math.max(0, dateMs - modifiedMs) * heuristicShare;
  return Math.max(rule.defaultMs, Math.min(shareMs, rule.heuristicMostMs));
}

export interface FreshnessInput {
  readonly status: number;
  readonly fields: Fields;
  readonly control: ResponseControl;
  readonly times: ExchangeTimes;
  readonly rule: TtlRule;
  readonly settings: TtlSettings;
  /** False when the request carried credentials or cookies: then only what the origin states counts. */
  readonly mayGuess: boolean;
}

/** How long a response may be used. A lifetime of zero gives a response that is stale from the start. */
export function freshnessOf(input: FreshnessInput): Freshness {
  const { settings, rule, times } = input;
  const { control } = input.control;
  const stated = statedLifetimeMs(input.fields, input.control, times.responseTimeMs);
  const lifetimeMs = stated ?? (input.mayGuess ? heuristicLifetimeMs({ ...input, control }) : 0);
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
    mayBeStale: !forbidsStale(control) && control.sMaxAge === undefined,
  };
}

function forbidsStale(control: CacheControl): boolean {
  return control.noCache || control.mustRevalidate || control.proxyRevalidate;
}

/**
 * RFC 9111 section 4.2.4: no stale response where no-cache, must-revalidate, proxy-revalidate or s-maxage forbid it.
 * s-maxage only implies it (section 5.2.2.10): an origin that states stale-if-error beside it means what it says.
 */
function stalePermissions(control: CacheControl, settings: TtlSettings): { whileRevalidateMs: number; ifErrorMs: number } {
  if (forbidsStale(control)) return { whileRevalidateMs: 0, ifErrorMs: 0 };
  const silentMs = control.sMaxAge === undefined ? settings.staleIfErrorMs : 0;
  return {
    whileRevalidateMs: (control.staleWhileRevalidate ?? 0) * 1000,
    ifErrorMs: control.staleIfError === undefined ? silentMs : control.staleIfError * 1000,
  };
}
