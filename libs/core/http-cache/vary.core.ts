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

/**
 * A field in the form in which it is compared. RFC 9111 section 4.1: whitespace may be added or removed where the
 * syntax allows it, fields of one name may be combined, and values may be normalised as their semantics allow.
 */
export function normaliseSelecting(name: string, value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  if (name === 'accept-encoding') return normaliseAcceptEncoding(value) || undefined;
  return listMembers(value).join(', ');
}

/** The field names in Vary; undefined for `*`, which no later request can match (RFC 9110 section 12.5.5). */
export function varyNames(fields: Fields): readonly string[] | undefined {
  const value = fieldValue(fields, 'vary');
  if (value === undefined) return [];
  const names = listMembers(value).map((name) => name.toLowerCase());
  return names.includes('*') ? undefined : [...new Set(names)].sort();
}

/** The variant that a request asks for, along the given names. */
export function variantOf(names: readonly string[], request: { field(name: string): string | undefined }): Variant {
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
