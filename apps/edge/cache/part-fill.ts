import { combinesWith, fieldValue, parseContentRange, PartialBody, type ContentRange, type StoredResponse } from '#core/http-cache';
import { OriginError, type OriginResponse } from '../origin/origin-client.ts';
import type { ByteSource } from '../server/exchange.ts';
import type { StoredParts } from './part-store.ts';

/** A larger part is not kept: it goes to the one who asked as it comes, bytes. */
const partBytesMax = 8 * 1024 * 1024;

/** What a 206 brings, when it is a part that can be kept: one range, whose length and whole are known. */
export function partOf(response: OriginResponse): ContentRange | undefined {
  const part = response.status === 206 ? parseContentRange(fieldValue(response.fields, 'content-range')) : undefined;
  return part === undefined || part.last - part.first >= partBytesMax ? undefined : part;
}

/** Reads a part whole. @throws OriginError when it is shorter or longer than its Content-Range says */
export async function readPart(source: ByteSource | null, { first, last }: ContentRange): Promise<Uint8Array> {
  const bytes = new Uint8Array(last - first + 1);
  let at = 0;
  for (let chunk = await source?.read(); chunk !== undefined; chunk = await source?.read()) {
    if (at + chunk.length > bytes.length) {
      source?.cancel();
      throw new OriginError('ORIGIN_BROKEN', `The origin sent more than the ${bytes.length} bytes of the part that it named.`);
    }
    bytes.set(chunk, at);
    at += chunk.length;
  }
  if (at < bytes.length) throw new OriginError('ORIGIN_BROKEN', `The origin named a part of ${bytes.length} bytes and sent ${at}.`);
  return bytes;
}

/** The parts with one more: beside those that are stored, if they are of the same representation, else alone (RFC 9111 section 3.4). */
export function withPart(
  stored: StoredParts | undefined,
  part: Omit<StoredParts, 'body'> & { readonly range: ContentRange; readonly bytes: Uint8Array },
): StoredParts {
  const { bytes, generation, key, labels, range, response } = part;
  const same = stored !== undefined && stored.body.length === range.length && combinesWith(stored.response.fields, response.fields);
  const body = same ? stored.body : new PartialBody(range.length);
  body.add(range.first, bytes);
  return { key, labels, response, body, generation: same ? Math.min(stored.generation, generation) : generation };
}

/** What the origin is asked for so that stored parts become whole: the one gap, if what is stored still holds. */
export function askForGap({ body, response }: StoredParts): { readonly range: string; readonly etag: string } | undefined {
  const gap = body.gap();
  const { etag } = response.validators;
  // RFC 9110 section 13.1.5: If-Range needs a strong tag; without one, the parts can never be combined.
  if (gap === undefined || etag === undefined || etag.startsWith('W/')) return undefined;
  return { range: `bytes=${gap.first}-${gap.last === body.length - 1 ? '' : gap.last}`, etag };
}

/** The whole as a stream: what is stored before the gap, what comes, what is stored behind it. Undefined when it does not fit. */
export function aroundGap({ body }: StoredParts, stored: StoredResponse, response: OriginResponse): ByteSource | undefined {
  const gap = body.gap();
  const range = response.status === 206 ? parseContentRange(fieldValue(response.fields, 'content-range')) : undefined;
  if (gap === undefined || range === undefined || range.first !== gap.first || range.last !== gap.last || range.length !== body.length) return undefined;
  if (response.body === null || !combinesWith(stored.fields, response.fields)) return undefined;
  const before = gap.first === 0 ? undefined : body.slice({ first: 0, last: gap.first - 1 });
  const after = gap.last === body.length - 1 ? undefined : body.slice({ first: gap.last + 1, last: body.length - 1 });
  return chained(before, response.body, after);
}

function chained(before: Uint8Array | undefined, middle: ByteSource, after: Uint8Array | undefined): ByteSource {
  let [head, tail] = [before, after];
  return {
    read: async () => {
      const first = head;
      head = undefined;
      if (first !== undefined) return first;
      const bytes = await middle.read();
      if (bytes !== undefined) return bytes;
      const last = tail;
      tail = undefined;
      return last;
    },
    cancel: () => middle.cancel(),
  };
}
