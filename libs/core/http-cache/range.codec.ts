/** Both ends inclusive, as in Content-Range. */
export interface ByteSpan {
  readonly first: number;
  readonly last: number;
}

/** A part of a representation, and how long that is as a whole. */
export interface ContentRange extends ByteSpan {
  readonly length: number;
}

const contentRangePattern = /^bytes +(\d{1,15})-(\d{1,15})\/(\d{1,15})$/i;

/** Reads Content-Range (RFC 9110 section 14.4). Undefined when it is invalid, or does not say how long the whole is. */
export function parseContentRange(value: string | undefined): ContentRange | undefined {
  const match = contentRangePattern.exec(value ?? '');
  if (match === null) return undefined;
  const [first, last, length] = match.slice(1).map(Number) as [number, number, number];
  return first <= last && last < length ? { first, last, length } : undefined;
}

const oneRange = /^bytes=(?:(\d{1,15})-\d{0,15}|-\d{1,15})$/i;

/**
 * The Range field of a request that is worth being asked for as it stands while nothing is stored: one range that does not
 * begin at the beginning. Players that want the whole ask from its start, and are best served by a fill of the whole.
 */
export function rangeToAskFor(value: string | undefined): string | undefined {
  const match = oneRange.exec(value ?? '');
  return match === null || (match[1] !== undefined && Number(match[1]) === 0) ? undefined : (value as string);
}

export type RangeChoice =
  /** No usable range: the whole representation. */
  { readonly kind: 'whole' } | { readonly kind: 'part'; readonly span: ByteSpan } | { readonly kind: 'unsatisfiable' };

const whole: RangeChoice = { kind: 'whole' };
const rangeSpec = /^(?:(\d{1,15})-(\d{0,15})|-(\d{1,15}))$/;

/** More ranges than this in one request are an attack or a mistake (RFC 9110 section 14.2 lets a server ignore them). */
const rangesMax = 32;

function readSpan(spec: string, length: number): ByteSpan | 'invalid' | 'beyond' {
  const match = rangeSpec.exec(spec);
  if (match === null) return 'invalid';
  const [, firstText, lastText, suffixText] = match;
  if (suffixText !== undefined) {
    // RFC 9110 section 14.1.2: a suffix longer than the representation means all of it; one of zero cannot be satisfied.
    const suffix = Math.min(Number(suffixText), length);
    return suffix === 0 ? 'beyond' : { first: length - suffix, last: length - 1 };
  }
  const first = Number(firstText);
  const last = lastText === '' || lastText === undefined ? Number.MAX_SAFE_INTEGER : Number(lastText);
  // RFC 9110 section 14.1.1: an int-range whose last is less than its first is invalid.
  if (last < first) return 'invalid';
  // RFC 9110 section 14.1.2: satisfiable when the first position is less than the current length.
  if (first >= length) return 'beyond';
  return { first, last: Math.min(last, length - 1) };
}

/** The one span that several cover without a gap, or undefined. */
function coalesce(spans: readonly ByteSpan[]): ByteSpan | undefined {
  const sorted = [...spans].sort((a, b) => a.first - b.first);
  let merged: ByteSpan | undefined;
  for (const span of sorted) {
    if (merged === undefined) merged = span;
    else if (span.first > merged.last + 1) return undefined;
    else merged = { first: merged.first, last: Math.max(merged.last, span.last) };
  }
  return merged;
}

/**
 * Reads a Range field against a representation of `length` bytes (RFC 9110 section 14). A field that is invalid or of
 * another unit is ignored, as section 14.2 says. Several ranges that touch are served as the one they form; several that
 * do not are answered with the whole representation, which section 14.2 allows and every client must accept.
 */
export function chooseRange(value: string, length: number): RangeChoice {
  const equals = value.indexOf('=');
  // RFC 9110 section 14.1: range units are case-insensitive.
  if (equals < 0 || value.slice(0, equals).trim().toLowerCase() !== 'bytes') return whole;
  const specs = value
    .slice(equals + 1)
    .split(',', rangesMax + 1)
    .map((spec) => spec.trim())
    .filter((spec) => spec !== '');
  if (specs.length === 0 || specs.length > rangesMax) return whole;
  const spans: ByteSpan[] = [];
  for (const spec of specs) {
    const span = readSpan(spec, length);
    if (span === 'invalid') return whole;
    if (span !== 'beyond') spans.push(span);
  }
  // RFC 9110 section 15.5.17: 416 when none of the ranges can be satisfied.
  if (spans.length === 0) return { kind: 'unsatisfiable' };
  const span = coalesce(spans);
  return span === undefined ? whole : { kind: 'part', span };
}
