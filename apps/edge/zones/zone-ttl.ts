import { fieldValue, parseHttpDate, responseControl, type Fields } from '#core/http-cache';
import type { ZoneTtl } from '#events';

/** The field that speaks to this cache alone (RFC 9213), and goes no further. */
const ownControl = 'streams-cache-control';

/** What the origin states, s (RFC 9111 section 4.2.1); undefined when it states nothing. */
function statedSeconds(fields: Fields, nowMs: number): number | undefined {
  const { control, targeted } = responseControl(fields);
  const stated = control.sMaxAge ?? control.maxAge;
  if (stated !== undefined) return stated;
  const expires = targeted ? undefined : fieldValue(fields, 'expires');
  if (expires === undefined) return undefined;
  const expiresMs = parseHttpDate(expires, nowMs);
  const dateMs = parseHttpDate(fieldValue(fields, 'date') ?? '', nowMs) ?? nowMs;
  return expiresMs === undefined ? 0 : Math.max(0, (expiresMs - dateMs) / 1000);
}

const negative = new Set([404, 405, 410, 414, 501]);
const failures = new Set([500, 502, 503, 504]);

function lifetime(rule: ZoneTtl, status: number, stated: number | undefined): number | undefined {
  const byStatus = rule.byStatus?.find(({ statuses }) => statuses.includes(status))?.seconds;
  if (byStatus !== undefined) return byStatus;
  if (negative.has(status)) return stated ?? rule.negative;
  // What an origin says while it fails is not what it would say otherwise.
  if (failures.has(status)) return undefined;
  const wanted = rule.override ?? stated ?? rule.default;
  if (wanted === undefined) return undefined;
  return Math.max(rule.min ?? 0, Math.min(wanted, rule.max ?? Number.MAX_SAFE_INTEGER));
}

/**
 * A response with what a rule says about its lifetime, as a field for this cache alone: what clients are told stays the
 * origin's. What the origin forbids to store is not stored by any rule.
 */
export function withRuledLifetime(fields: Fields, status: number, rule: ZoneTtl | undefined, nowMs: number): Fields {
  if (rule === undefined) return fields;
  const { control } = responseControl(fields);
  if (control.noStore || control.isPrivate || fieldValue(fields, 'set-cookie') !== undefined) return fields;
  const stated = statedSeconds(fields, nowMs);
  const seconds = lifetime(rule, status, stated);
  const whileRevalidate = rule.staleWhileRevalidate ?? control.staleWhileRevalidate;
  const ifError = rule.staleIfError ?? control.staleIfError;
  if (seconds === undefined && rule.staleWhileRevalidate === undefined && rule.staleIfError === undefined) return fields;
  // Without a lifetime there is nothing that could go stale.
  if (seconds === undefined && stated === undefined) return fields;
  // What it says to shared caches alone lets them share what a credential brought (RFC 9111 section 3.5).
  const directives = [`${control.sMaxAge === undefined ? 'max-age' : 's-maxage'}=${Math.floor(seconds ?? stated ?? 0)}`];
  // A lifetime of the rule stands in place of "ask me each time"; without one, that still holds.
  if (control.noCache && rule.override === undefined) directives.push('no-cache');
  if (control.mustRevalidate) directives.push('must-revalidate');
  if (control.isPublic) directives.push('public');
  if (whileRevalidate !== undefined) directives.push(`stale-while-revalidate=${Math.floor(whileRevalidate)}`);
  if (ifError !== undefined) directives.push(`stale-if-error=${Math.floor(ifError)}`);
  return [...fields.filter(([name]) => name !== ownControl), [ownControl, directives.join(', ')]];
}
