/** Inclusive on both ends. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

export type RangeAnswer = { readonly kind: 'whole' } | { readonly kind: 'part'; readonly range: ByteRange } | { readonly kind: 'unsatisfiable' };

const whole: RangeAnswer = { kind: 'whole' };

/**
 * What a Range header asks of a representation of `size` bytes (RFC 9110 section 14). A malformed header, another unit or
 * several ranges are answered with the whole, as section 14.2 allows.
 */
export function rangeOf(header: string | undefined, size: number): RangeAnswer {
  const match = header === undefined ? null : /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header.trim());
  if (match === null) return whole;
  const [first, last] = [match[1] as string, match[2] as string];
  if (first === '' && last === '') return whole;
  if (first === '') {
    // 14.1.2: a suffix range, the last N bytes.
    const length = Math.min(Number(last), size);
    return length === 0 ? { kind: 'unsatisfiable' } : { kind: 'part', range: { first: size - length, last: size - 1 } };
  }
  if (last !== '' && Number(last) < Number(first)) return whole;
  if (Number(first) >= size) return { kind: 'unsatisfiable' };
  return { kind: 'part', range: { first: Number(first), last: last === '' ? size - 1 : Math.min(Number(last), size - 1) } };
}

/** True when one of an If-None-Match header's tags is ours, compared weakly (RFC 9110 section 13.1.2). */
export function matchesTag(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false;
  const opaque = tag.replace(/^W\//, '');
  return header.trim() === '*' || header.split(',').some((each) => each.trim().replace(/^W\//, '') === opaque);
}
