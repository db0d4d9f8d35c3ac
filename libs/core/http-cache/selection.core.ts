import { viewerFields } from './cache-tag.codec.ts';
import { ifRangeHolds, isNotModified } from './conditional.core.ts';
import type { Field, Fields, RequestHead } from './fields.ts';
import { chooseRange, type ByteSpan } from './range.codec.ts';
import type { StoredResponse } from './stored-response.ts';

/** What of a stored response answers a request. */
export type Selection =
  | { readonly kind: 'whole' }
  | { readonly kind: 'not-modified' }
  | { readonly kind: 'part'; readonly span: ByteSpan }
  | { readonly kind: 'unsatisfiable' };

const whole: Selection = { kind: 'whole' };

const acceptRanges: Field = ['accept-ranges', 'bytes'];

/**
 * Evaluates the preconditions and the range of a request against a stored response, in the order of RFC 9110 section
 * 13.2.2. If-Match and If-Unmodified-Since are the origin's business (sections 13.1.1 and 13.1.4).
 * @param length of the stored body, bytes; undefined while nobody knows it, when no range can be taken.
 */
export function select(request: RequestHead, response: StoredResponse, length: number | undefined, nowMs: number): Selection {
  // RFC 9110 section 13.2.1: preconditions are for responses that would be successful without them.
  if (response.status !== 200) return whole;
  if (isNotModified(request, response, nowMs)) return { kind: 'not-modified' };
  // RFC 9110 section 14.2: Range is defined for GET alone.
  const range = request.method === 'GET' ? request.field('range') : undefined;
  if (range === undefined || length === undefined) return whole;
  if (!ifRangeHolds(request.field('if-range'), response, nowMs)) return whole;
  return chooseRange(range, length);
}

/** RFC 9110 section 15.4.5: what a 304 repeats; the rest of the metadata would be lost on the client. */
const repeatedInNotModified = new Set([
  'cache-control',
  'content-location',
  'date',
  'etag',
  'expires',
  'vary',
  'last-modified',
  'access-control-allow-origin',
  'access-control-allow-credentials',
  'access-control-expose-headers',
  'timing-allow-origin',
  'cross-origin-resource-policy',
]);

/** Status and fields of the answer, without Age and Cache-Status, and without what only caches are told. */
export function selectedHead(selection: Selection, response: StoredResponse, length: number | undefined): { readonly status: number; readonly fields: Fields } {
  const fields = viewerFields(response.fields);
  switch (selection.kind) {
    case 'whole':
      return {
        status: response.status,
        fields: response.status === 200 ? [...fields.filter((field) => field[0] !== 'accept-ranges'), acceptRanges] : fields,
      };
    case 'not-modified':
      return { status: 304, fields: fields.filter(([name]) => repeatedInNotModified.has(name)) };
    case 'part': {
      // RFC 9110 section 15.3.7.1: a single part carries Content-Range.
      const contentRange: Field = ['content-range', `bytes ${selection.span.first}-${selection.span.last}/${length}`];
      return { status: 206, fields: [...fields, contentRange] };
    }
    case 'unsatisfiable':
      // RFC 9110 section 15.5.17: the current length goes with a 416.
      return { status: 416, fields: [...fields.filter(([name]) => repeatedInNotModified.has(name)), ['content-range', `bytes */${length}`]] };
  }
}
