import { fieldValue, listMembers, type Fields } from './fields.ts';

/** Which request fields chose a response, and what they said. */
export interface Variant {
  /** Sorted, lower case. Empty for a response that does not vary. */
  readonly names: readonly string[];
  /** The normalised value of each; undefined where the request did not have it. */
  readonly values: readonly (string | undefined)[];
}

/** The content codings that are worth telling apart, in the order in which the origin is asked for them. */
const codings = ['br', 'gzip', 'zstd'];

/** Hardly two browsers spell Accept-Encoding the same; what matters is which of the known codings are acceptable. */
export function normaliseAcceptEncoding(value: string): string {
  const accepted = new Set<string>();
  for (const member of listMembers(value)) {
    const [coding, ...parameters] = member.split(';').map((part) => part.trim().toLowerCase());
    // RFC 9110 section 12.4.2: a weight of zero means "not acceptable".
    if (parameters.some((parameter) => /^q=0(\.0{0,3})?$/.test(parameter))) continue;
    if (coding === '*') codings.forEach((known) => accepted.add(known));
    else if (coding !== undefined) accepted.add(coding === 'x-gzip' ? 'gzip' : coding);
  }
  return codings.filter((coding) => accepted.has(coding)).join(', ');
}

/** A language range with its weight (RFC 9110 section 12.5.4). */
const weighted = /^([a-z0-9*-]+)\s*(?:;\s*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?$/;

/**
 * Language ranges in the order of their weights. RFC 9110 section 12.5.4 gives the order of the list no meaning, nor its
 * case: ranges of one weight are sorted. A field that holds anything else is compared as it stands.
 */
export function normaliseAcceptLanguage(value: string): string {
  const ranges: { readonly range: string; readonly weight: number }[] = [];
  for (const member of listMembers(value)) {
    const match = weighted.exec(member.toLowerCase());
    if (match === null) return listMembers(value).join(', ');
    ranges.push({ range: match[1] as string, weight: Number(match[2] ?? 1) });
  }
  ranges.sort((a, b) => b.weight - a.weight || (a.range < b.range ? -1 : a.range > b.range ? 1 : 0));
  return ranges.map(({ range, weight }) => (weight === 1 ? range : `${range};q=${weight}`)).join(', ');
}

/**
 * A field in the form in which it is compared. RFC 9111 section 4.1: whitespace may be added or removed where the
 * syntax allows it, fields of one name may be combined, and values may be normalised as their semantics allow.
 */
export function normaliseSelecting(name: string, value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  if (name === 'accept-encoding') return normaliseAcceptEncoding(value) || undefined;
  if (name === 'accept-language') return normaliseAcceptLanguage(value);
  return listMembers(value).join(', ');
}

/** The field names in Vary; undefined for `*`, which no later request can match (RFC 9110 section 12.5.5). */
export function varyNames(fields: Fields): readonly string[] | undefined {
  const value = fieldValue(fields, 'vary');
  if (value === undefined) return [];
  const names = listMembers(value).map((name) => name.toLowerCase());
  return names.includes('*') ? undefined : [...new Set(names)].sort();
}

/** Of all responses that do not vary. */
const unvaried: Variant = { names: [], values: [] };

/** The variant that a request asks for, along the given names. */
export function variantOf(names: readonly string[], request: { field(name: string): string | undefined }): Variant {
  if (names.length === 0) return unvaried;
  return { names, values: names.map((name) => normaliseSelecting(name, request.field(name))) };
}

/** RFC 9111 section 4.1: all the fields nominated by the stored Vary match those of the original request. */
export function matchesVariant(variant: Variant, request: { field(name: string): string | undefined }): boolean {
  const { names, values } = variant;
  for (let at = 0; at < names.length; at++) {
    const name = names[at] as string;
    if (normaliseSelecting(name, request.field(name)) !== values[at]) return false;
  }
  return true;
}

export function sameVariant(a: Variant, b: Variant): boolean {
  return a.names.length === b.names.length && a.names.every((name, at) => name === b.names[at] && a.values[at] === b.values[at]);
}
