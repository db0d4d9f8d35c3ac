import { listMembers } from './fields.ts';

/** The directives of a Cache-Control field that this cache knows (RFC 9111 section 5.2, RFC 5861). Durations in seconds. */
export interface CacheControl {
  readonly noStore: boolean;
  readonly noCache: boolean;
  readonly isPrivate: boolean;
  readonly isPublic: boolean;
  readonly mustRevalidate: boolean;
  readonly proxyRevalidate: boolean;
  readonly mustUnderstand: boolean;
  readonly onlyIfCached: boolean;
  readonly maxAge: number | undefined;
  readonly sMaxAge: number | undefined;
  readonly staleWhileRevalidate: number | undefined;
  readonly staleIfError: number | undefined;
}

// RFC 9111 section 1.2.2: a cache that cannot represent a greater number uses 2^31.
const deltaSecondsMax = 2 ** 31;

function argument(text: string): string {
  return text.length >= 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text;
}

/**
 * RFC 9111 section 4.2.1: a directive whose value is not a number of seconds is encouraged to make the response stale,
 * hence zero.
 */
function deltaSeconds(text: string): number {
  const digits = argument(text);
  return /^\d+$/.test(digits) ? Math.min(Number(digits), deltaSecondsMax) : 0;
}

/** RFC 5861 gives no rule for a bad number; no permission to serve stale is the careful reading, hence zero too. */
export function parseCacheControl(value: string | undefined): CacheControl {
  const directives = new Map<string, string>();
  for (const member of value === undefined ? [] : listMembers(value)) {
    const equals = member.indexOf('=');
    const name = (equals < 0 ? member : member.slice(0, equals)).trim().toLowerCase();
    // RFC 9111 section 4.2.1: of a directive that appears twice, the first occurrence is used.
    if (!directives.has(name)) directives.set(name, equals < 0 ? '' : member.slice(equals + 1).trim());
  }
  const seconds = (name: string): number | undefined => (directives.has(name) ? deltaSeconds(directives.get(name) as string) : undefined);
  return {
    noStore: directives.has('no-store'),
    // RFC 9111 sections 5.2.2.4 and 5.2.2.7: the forms with field names may be treated as the ones without.
    noCache: directives.has('no-cache'),
    isPrivate: directives.has('private'),
    isPublic: directives.has('public'),
    mustRevalidate: directives.has('must-revalidate'),
    proxyRevalidate: directives.has('proxy-revalidate'),
    mustUnderstand: directives.has('must-understand'),
    onlyIfCached: directives.has('only-if-cached'),
    maxAge: seconds('max-age'),
    sMaxAge: seconds('s-maxage'),
    staleWhileRevalidate: seconds('stale-while-revalidate'),
    staleIfError: seconds('stale-if-error'),
  };
}
