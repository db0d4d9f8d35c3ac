import { ifRangeHolds } from './conditional.core.ts';
import type { ByteSpan } from './range.codec.ts';
import type { Sliced, StoredResponse } from './stored-response.ts';

/** No target and no host has one: what follows it in a key tells one part of an object from another. */
const mark = ' ';

/** The key of the object that a key is of, or of a slice of. What an object can be purged by, each of its slices can. */
export function objectKeyOf(key: string): string {
  const at = key.indexOf(mark);
  return at < 0 ? key : key.slice(0, at);
}

/** What tells that two slices are of the same bytes: the version and the cut are in it, so that no slice is ever taken for one of another. */
export function sliceKey(key: string, response: StoredResponse, sliced: Sliced, index: number): string {
  const { etag, lastModified } = response.validators;
  return [key, sliced.sliceBytes, sliced.length, etag ?? lastModified, index].join(mark);
}

/** How many slices there are. */
export function sliceCount({ length, sliceBytes }: Sliced): number {
  return Math.ceil(length / sliceBytes);
}

export function sliceAt({ sliceBytes }: Sliced, position: number): number {
  return Math.floor(position / sliceBytes);
}

/** Where a slice lies in the whole. */
export function sliceSpan({ length, sliceBytes }: Sliced, index: number): ByteSpan {
  return { first: index * sliceBytes, last: Math.min(length, (index + 1) * sliceBytes) - 1 };
}

/**
 * What If-Range can name of a response (RFC 9110 section 13.1.5): its tag if that is a strong one; where there is none, its
 * date if that is. Undefined when nothing can tell two versions of it apart.
 */
export function rangeValidator(response: StoredResponse, nowMs: number): string | undefined {
  const { etag, lastModified } = response.validators;
  const validator = etag ?? lastModified;
  return validator !== undefined && ifRangeHolds(validator, response, nowMs) ? validator : undefined;
}
