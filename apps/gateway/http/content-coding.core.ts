/** What answers are compressed with, best first where a client takes several alike: by what it costs to make, then by size. */
export const contentCodings = ['zstd', 'br', 'gzip'] as const;

export type ContentCoding = (typeof contentCodings)[number];

/** RFC 9110 section 12.4.2. */
const weight = /^q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/;

/**
 * The coding for a request's Accept-Encoding (RFC 9110 section 12.5.3); undefined for none: what is not listed is not taken, unless
 * by `*`, and identity is preferred where the client says that it prefers it.
 */
export function codingFor(field: string | undefined): ContentCoding | undefined {
  if (field === undefined || field === '') return undefined;
  const weights = new Map<string, number>();
  for (const member of field.toLowerCase().split(',')) {
    const [name = '', ...parameters] = member.split(';').map((part) => part.trim());
    const told = parameters.flatMap((parameter) => weight.exec(parameter)?.[1] ?? [])[0];
    weights.set(name === 'x-gzip' ? 'gzip' : name, told === undefined ? 1 : Number(told));
  }
  const others = weights.get('*') ?? 0;
  let best: { readonly coding: ContentCoding; readonly weight: number } | undefined;
  for (const coding of contentCodings) {
    const own = weights.get(coding) ?? others;
    if (own > (best?.weight ?? 0)) best = { coding, weight: own };
  }
  return best === undefined || best.weight < (weights.get('identity') ?? 0) ? undefined : best.coding;
}
