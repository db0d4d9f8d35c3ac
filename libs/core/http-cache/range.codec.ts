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

/** Spans in order, those that touch or overlap as one. */
function merged(spans: readonly ByteSpan[]): ByteSpan[] {
  const apart: ByteSpan[] = [];
  for (const span of [...spans].sort((a, b) => a.first - b.first)) {
    const before = apart.at(-1);
    if (before === undefined || span.first > before.last + 1) apart.push(span);
    else apart[apart.length - 1] = { first: before.first, last: Math.max(before.last, span.last) };
  }
  return apart;
}

/** The ranges of a field that can be satisfied, as they were written; undefined for a field that is to be ignored. */
function readSpans(value: string, length: number): readonly ByteSpan[] | undefined {
  const equals = value.indexOf('=');
  // RFC 9110 section 14.1: range units are case-insensitive.
  if (equals < 0 || value.slice(0, equals).trim().toLowerCase() !== 'bytes') return undefined;
  const specs = value
    .slice(equals + 1)
    .split(',', rangesMax + 1)
    .map((spec) => spec.trim())
    .filter((spec) => spec !== '');
  if (specs.length === 0 || specs.length > rangesMax) return undefined;
  const spans: ByteSpan[] = [];
  for (const spec of specs) {
    const span = readSpan(spec, length);
    if (span === 'invalid') return undefined;
    if (span !== 'beyond') spans.push(span);
  }
  return spans;
}

/**
 * Reads a Range field against a representation of `length` bytes (RFC 9110 section 14). A field that is invalid or of
 * another unit is ignored, as section 14.2 says. Several ranges that touch are served as the one they form; several that
 * do not are answered with the whole representation, which section 14.2 allows and every client must accept.
 */
export function chooseRange(value: string, length: number): RangeChoice {
  const spans = readSpans(value, length);
  if (spans === undefined) return whole;
  // RFC 9110 section 15.5.17: 416 when none of the ranges can be satisfied.
  if (spans.length === 0) return { kind: 'unsatisfiable' };
  const [span, ...others] = merged(spans);
  return span === undefined || others.length > 0 ? whole : { kind: 'part', span };
}

/**
 * The ranges of a field that {@link chooseRange} answers with the whole because they lie apart; of a large whole they are
 * better sent alone, those that touch as one (RFC 9110 section 15.3.7.2). None where there are not several.
 */
export function chooseRanges(value: string, length: number): readonly ByteSpan[] {
  const spans = merged(readSpans(value, length) ?? []);
  return spans.length > 1 ? spans : [];
}
