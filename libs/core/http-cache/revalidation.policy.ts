import { confirms, updatedFields } from './conditional.core.ts';
import { fieldValue, type Fields, type ResponseHead } from './fields.ts';
import { endToEndFields } from './forwarding.policy.ts';
import { freshnessOf, type ExchangeTimes } from './freshness.policy.ts';
import type { StoredResponse } from './stored-response.ts';
import { responseControl } from './targeted-control.policy.ts';
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
  return withFields(stored, target, notModified, times, settings);
}

/** The stored response with the fields of a newer one, its freshness counted from there; undefined when it may not be kept. */
function withFields(stored: StoredResponse, target: string, newer: ResponseHead, times: ExchangeTimes, settings: TtlSettings): StoredResponse | undefined {
  const timeFields = new Set(['date', 'age']);
  // Age and Date count from this exchange: those of the stored response would make it look old.
  const before = stored.fields.filter(([name]) => !timeFields.has(name));
  const merged = updatedFields(before, newer.fields);
  const response = responseControl(merged);
  const { control } = response;
  const withheld = new Set([...control.noCacheFields, ...control.privateFields]);
  const cookie = fieldValue(newer.fields, 'set-cookie') !== undefined && !withheld.has('set-cookie');
  if ((control.noStore && !control.mustUnderstand) || control.isPrivate || cookie) return undefined;
  const rule = ttlRuleFor(settings, fieldValue(merged, 'content-type'), target);
  const freshness = freshnessOf({ status: stored.status, fields: merged, control: response, times, rule, settings, mayGuess: true });
  const fields = endToEndFields(merged, times.responseTimeMs).filter(([name]) => !withheld.has(name));
  return { ...stored, fields, freshness, validators: { etag: fieldValue(fields, 'etag'), lastModified: fieldValue(fields, 'last-modified') } };
}

export type HeadVerdict = { readonly kind: 'renewed'; readonly response: StoredResponse } | { readonly kind: 'outdated' } | { readonly kind: 'unrelated' };

/**
 * What a 200 to HEAD says about a stored response (RFC 9111 section 4.3.5). It renews it when all the validators that it
 * brings, and its length, are the stored ones. One that brings no validator proves nothing about the stored bytes, so it
 * only ever tells that they are outdated, by another length.
 * @param length of the stored body, bytes
 */
export function updatedByHead(
  stored: StoredResponse,
  length: number,
  target: string,
  head: ResponseHead,
  times: ExchangeTimes,
  settings: TtlSettings,
): HeadVerdict {
  if (head.status !== 200 || stored.status !== 200) return { kind: 'unrelated' };
  const stated = fieldValue(head.fields, 'content-length');
  if (stated !== undefined && stated !== String(length)) return { kind: 'outdated' };
  const etag = fieldValue(head.fields, 'etag');
  const lastModified = fieldValue(head.fields, 'last-modified');
  if (etag === undefined && lastModified === undefined) return { kind: 'unrelated' };
  const sameTag = etag === undefined || etag === stored.validators.etag;
  const sameDate = lastModified === undefined || lastModified === stored.validators.lastModified;
  if (!sameTag || !sameDate) return { kind: 'outdated' };
  const response = withFields(stored, target, head, times, settings);
  return response === undefined ? { kind: 'outdated' } : { kind: 'renewed', response };
}

function strongTag(fields: Fields): string | undefined {
  const etag = fieldValue(fields, 'etag');
  return etag === undefined || etag.startsWith('W/') ? undefined : etag;
}

/** Whether parts of two responses are of one representation: only the same strong validator says so (RFC 9111 section 3.4). */
export function combinesWith(stored: Fields, newer: Fields): boolean {
  const tag = strongTag(stored);
  return tag !== undefined && tag === strongTag(newer);
}

/** The head of the whole that stored parts and the rest form: with the newer fields, but for Content-Range (RFC 9111 section 3.4). */
export function completed(stored: Fields, rest: ResponseHead): ResponseHead {
  const newer = rest.fields.filter(([name]) => name !== 'content-range' && name !== 'content-length');
  const timeFields = new Set(['date', 'age']);
  return {
    status: 200,
    fields: updatedFields(
      stored.filter(([name]) => !timeFields.has(name)),
      newer,
    ),
  };
}
