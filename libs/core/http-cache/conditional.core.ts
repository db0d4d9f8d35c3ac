import { fieldValue, listMembers, type Field, type Fields, type RequestHead, type ResponseHead } from './fields.ts';
import { parseHttpDate } from './http-date.codec.ts';
import type { StoredResponse, Validators } from './stored-response.ts';

const opaque = (etag: string): string => (etag.startsWith('W/') ? etag.slice(2) : etag);

/** RFC 9110 section 8.8.3.2: weak comparison looks at the opaque tags alone. */
function weaklyEqual(a: string, b: string): boolean {
  return opaque(a) === opaque(b);
}

/** RFC 9110 section 8.8.3.2: strong comparison needs two equal tags, neither weak. */
function stronglyEqual(a: string, b: string): boolean {
  return a === b && !a.startsWith('W/');
}

/** Whether the client's copy is the stored one, so that 304 says it all (RFC 9110 section 13.2.2, steps 3 and 4). */
export function isNotModified(request: Pick<RequestHead, 'field'>, response: StoredResponse, nowMs: number): boolean {
  const ifNoneMatch = request.field('if-none-match');
  if (ifNoneMatch !== undefined) {
    // RFC 9110 section 13.1.2: * is false when there is a current representation; otherwise weak comparison.
    if (ifNoneMatch.trim() === '*') return true;
    const { etag } = response.validators;
    return etag !== undefined && listMembers(ifNoneMatch).some((candidate) => weaklyEqual(candidate, etag));
  }
  const ifModifiedSince = request.field('if-modified-since');
  if (ifModifiedSince === undefined) return false;
  // RFC 9110 section 13.1.3: ignored when it is no date; otherwise the modification date is not later.
  const sinceMs = parseHttpDate(ifModifiedSince, nowMs);
  if (sinceMs === undefined) return false;
  // RFC 9111 section 4.3.2: without Last-Modified, the cache uses Date.
  const modified = response.validators.lastModified ?? fieldValue(response.fields, 'date');
  const modifiedMs = modified === undefined ? undefined : parseHttpDate(modified, nowMs);
  return modifiedMs !== undefined && modifiedMs <= sinceMs;
}

/** Whether a range may be taken from this representation (RFC 9110 section 13.1.5). */
export function ifRangeHolds(ifRange: string | undefined, response: StoredResponse, nowMs: number): boolean {
  if (ifRange === undefined) return true;
  const { etag, lastModified } = response.validators;
  if (ifRange.startsWith('"') || ifRange.startsWith('W/')) return etag !== undefined && stronglyEqual(ifRange, etag);
  // A date must match exactly, and be a strong validator: at least one second older than Date (section 8.8.2.2).
  if (lastModified === undefined || ifRange !== lastModified) return false;
  const modifiedMs = parseHttpDate(lastModified, nowMs);
  const dateMs = parseHttpDate(fieldValue(response.fields, 'date') ?? '', nowMs);
  return modifiedMs !== undefined && dateMs !== undefined && dateMs - modifiedMs >= 1000;
}

/** The fields that make a request conditional on the stored response (RFC 9111 section 4.3.1). */
export function revalidationFields(validators: Validators): Field[] {
  const fields: Field[] = [];
  if (validators.etag !== undefined) fields.push(['if-none-match', validators.etag]);
  if (validators.lastModified !== undefined) fields.push(['if-modified-since', validators.lastModified]);
  return fields;
}

/**
 * Whether a 304 confirms the stored response: its validators, where it has any, are the stored ones (RFC 9111 section
 * 4.3.4). One that names another representation says nothing about what is stored.
 */
export function confirms(notModified: ResponseHead, stored: StoredResponse): boolean {
  const etag = fieldValue(notModified.fields, 'etag');
  if (etag !== undefined) return stored.validators.etag !== undefined && weaklyEqual(etag, stored.validators.etag);
  const lastModified = fieldValue(notModified.fields, 'last-modified');
  return lastModified === undefined || stored.validators.lastModified === undefined || lastModified === stored.validators.lastModified;
}

/**
 * Describe the stored bytes themselves, which a 304 does not bring anew: an update would no longer fit them (RFC 9111
 * section 3.2, which names Content-Length).
 */
const ofTheContent = new Set(['content-length', 'content-encoding', 'content-range', 'content-digest', 'repr-digest']);

/** The stored fields as a newer response updates them: each field it brings replaces the stored ones of that name (RFC 9111 section 3.2). */
export function updatedFields(stored: Fields, newer: Fields): Fields {
  const brought = newer.filter(([name]) => !ofTheContent.has(name));
  const names = new Set(brought.map(([name]) => name));
  return [...stored.filter(([name]) => !names.has(name)), ...brought];
}
