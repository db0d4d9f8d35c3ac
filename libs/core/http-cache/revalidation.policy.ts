import { parseCacheControl } from './cache-control.codec.ts';
import { confirms, updatedFields } from './conditional.core.ts';
import { fieldValue, type ResponseHead } from './fields.ts';
import { endToEndFields } from './forwarding.policy.ts';
import { freshnessOf, type ExchangeTimes } from './freshness.policy.ts';
import type { StoredResponse } from './stored-response.ts';
import { ttlRuleFor, type TtlSettings } from './ttl.policy.ts';

/**
 * The stored response as a 304 renews it: its fields updated (RFC 9111 section 3.2), its freshness counted anew (section
 * 4.3.4). Undefined when the 304 speaks of another representation, or forbids to keep it: then the origin must be asked
 * for the whole.
 */
export function renewed(
  stored: StoredResponse,
  target: string,
  notModified: ResponseHead,
  times: ExchangeTimes,
  settings: TtlSettings,
): StoredResponse | undefined {
  if (!confirms(notModified, stored)) return undefined;
  const timeFields = new Set(['date', 'age']);
  // Age and Date count from this exchange: those of the stored response would make it look old.
  const before = stored.fields.filter(([name]) => !timeFields.has(name));
  const merged = updatedFields(before, notModified.fields);
  const control = parseCacheControl(fieldValue(merged, 'cache-control'));
  if (control.noStore || control.isPrivate || fieldValue(notModified.fields, 'set-cookie') !== undefined) return undefined;
  const rule = ttlRuleFor(settings, fieldValue(merged, 'content-type'), target);
  const freshness = freshnessOf({ status: stored.status, fields: merged, control, times, rule, settings, mayGuess: true });
  const fields = endToEndFields(merged, times.responseTimeMs);
  const lastModified = fieldValue(fields, 'last-modified');
  return { ...stored, fields, freshness, validators: { etag: stored.validators.etag, lastModified } };
}
