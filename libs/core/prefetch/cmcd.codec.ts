import { resolveRelative } from './reference.core.ts';

/** What a player says it asks for next. */
export interface NextRequest {
  readonly target: string;
  /** `bytes=…` for a part of it; undefined for the whole. */
  readonly range: string | undefined;
}

/** Longer values are not looked at, in characters. */
const valueLengthMax = 2048;
/** Of a list (CTA-5004-A), so many count. */
const nextMax = 3;

/** The parameter's place in a query: the first only. */
const inQuery = /[?&]CMCD=([^&]*)/;
/** A key of CTA-5004 at its beginning, with its string, or the inner list of strings of its second version. */
const nextObject = /(?:^|,)nor=(?:"((?:[^"\\]|\\.){0,2048})"|\(([^)]{0,2048})\))/;
const nextRange = /(?:^|,)nrr="(\d{1,12})-(\d{1,12})"/;
const members = /"((?:[^"\\]|\\.)*)"/g;
/** A longer part is not fetched ahead, bytes. */
const partBytesMax = 4 * 1024 * 1024;

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** The CMCD text of a request: of its query, or of the field CMCD-Request (CTA-5004 section 2). */
function payloadOf(target: string, field: string | undefined): string | undefined {
  const parameter = target.includes('CMCD=') ? inQuery.exec(target)?.[1] : undefined;
  const payload = parameter === undefined ? field : parameter.length > valueLengthMax ? undefined : decoded(parameter);
  return payload === undefined || payload.length > valueLengthMax ? undefined : payload;
}

/** Null for one that is not taken. */
function rangeOf(payload: string): string | null | undefined {
  if (!/(?:^|,)nrr=/.test(payload)) return undefined;
  const [, first, last] = nextRange.exec(payload) ?? [];
  if (first === undefined || last === undefined) return null;
  const length = Number(last) - Number(first) + 1;
  return length > 0 && length <= partBytesMax ? `bytes=${Number(first)}-${Number(last)}` : null;
}

/**
 * What a request says by CMCD will be asked for next: `nor`, a path relative to this request, and `nrr`, a part of it; without
 * `nor` of the same object (CTA-5004 section 3). A stranger's word: other hosts, absolute paths, queries, climbing and endless
 * lists are ignored.
 */
export function nextRequests(target: string, field: string | undefined): readonly NextRequest[] {
  if (field === undefined && !target.includes('CMCD=')) return [];
  const payload = payloadOf(target, field);
  if (payload === undefined) return [];
  const range = rangeOf(payload);
  if (range === null) return [];
  const [, single, list] = nextObject.exec(payload) ?? [];
  if (single === undefined && list === undefined) return range === undefined || /(?:^|,)nor=/.test(payload) ? [] : [{ target: ownPath(target), range }];
  const named = single === undefined ? [...(list as string).matchAll(members)].slice(0, nextMax).map(([, text = '']) => text) : [single];
  return named.flatMap((text) => {
    const reference = decoded(text);
    const next = reference === undefined || reference.includes('?') ? undefined : resolveRelative(reference, target);
    return next === undefined || (next === ownPath(target) && range === undefined) ? [] : [{ target: next, range: named.length === 1 ? range : undefined }];
  });
}

function ownPath(target: string): string {
  const mark = target.indexOf('?');
  return mark < 0 ? target : target.slice(0, mark);
}
