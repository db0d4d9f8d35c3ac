import { listMembers } from './fields.ts';

/** The directives of a Cache-Control field that this cache knows (RFC 9111 section 5.2, RFC 5861). Durations in seconds. */
export interface CacheControl {
  readonly noStore: boolean;
  readonly noCache: boolean;
  /** Fields named by a qualified no-cache (RFC 9111 section 5.2.2.4), lower case; empty beside an unqualified one. */
  readonly noCacheFields: readonly string[];
  readonly isPrivate: boolean;
  /** Fields named by a qualified private (RFC 9111 section 5.2.2.7), lower case. */
  readonly privateFields: readonly string[];
  readonly isPublic: boolean;
  readonly mustRevalidate: boolean;
  readonly proxyRevalidate: boolean;
  readonly mustUnderstand: boolean;
  readonly onlyIfCached: boolean;
  readonly maxAge: number | undefined;
  readonly sMaxAge: number | undefined;
  /** Of a request; without a number, any staleness is meant: the greatest number. */
  readonly maxStale: number | undefined;
  readonly minFresh: number | undefined;
  readonly staleWhileRevalidate: number | undefined;
  readonly staleIfError: number | undefined;
}

/** What a directive says: true for its bare form; false when it is not there. */
export interface Directives {
  flag(name: string): boolean;
  /** The field names of its qualified form; undefined for the unqualified one, or none. */
  names(name: string): readonly string[] | undefined;
  seconds(name: string): number | undefined;
}

/** RFC 9111 section 1.2.2: a cache that cannot represent a greater number uses 2^31. */
export const deltaSecondsMax = 2 ** 31;

export function controlFrom(directives: Directives): CacheControl {
  const noCacheFields = directives.names('no-cache');
  const privateFields = directives.names('private');
  return {
    noStore: directives.flag('no-store'),
    noCache: directives.flag('no-cache') && noCacheFields === undefined,
    noCacheFields: noCacheFields ?? [],
    isPrivate: directives.flag('private') && privateFields === undefined,
    privateFields: privateFields ?? [],
    isPublic: directives.flag('public'),
    mustRevalidate: directives.flag('must-revalidate'),
    proxyRevalidate: directives.flag('proxy-revalidate'),
    mustUnderstand: directives.flag('must-understand'),
    onlyIfCached: directives.flag('only-if-cached'),
    maxAge: directives.seconds('max-age'),
    sMaxAge: directives.seconds('s-maxage'),
    maxStale: directives.seconds('max-stale'),
    minFresh: directives.seconds('min-fresh'),
    staleWhileRevalidate: directives.seconds('stale-while-revalidate'),
    staleIfError: directives.seconds('stale-if-error'),
  };
}

const fieldName = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** The names in the argument of a qualified directive; undefined, which is the stricter reading, when it holds anything else. */
export function fieldNames(argument: string): readonly string[] | undefined {
  const names = listMembers(argument).map((name) => name.toLowerCase());
  return names.length > 0 && names.every((name) => fieldName.test(name)) ? names : undefined;
}

function unquoted(text: string): string {
  return text.length >= 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1).replace(/\\(.)/g, '$1') : text;
}

/**
 * RFC 9111 section 4.2.1: a directive whose value is not a number of seconds is encouraged to make the response stale,
 * hence zero. RFC 5861 gives no rule for a bad number; no permission to serve stale is the careful reading, hence zero too.
 */
function deltaSeconds(text: string): number {
  const digits = unquoted(text);
  return /^\d+$/.test(digits) ? Math.min(Number(digits), deltaSecondsMax) : 0;
}

/** The directives as RFC 9111 section 5.2 spells them; arguments as they stand, with the white space that does not belong there. */
class ListedDirectives implements Directives {
  readonly #arguments = new Map<string, (string | undefined)[]>();

  constructor(value: string | undefined) {
    for (const member of value === undefined ? [] : listMembers(value)) {
      const equals = member.indexOf('=');
      const name = (equals < 0 ? member : member.slice(0, equals)).trim().toLowerCase();
      const spaced = equals > 0 && member[equals - 1] === ' ';
      const argument = equals < 0 ? undefined : `${spaced ? ' ' : ''}${member.slice(equals + 1)}`;
      const before = this.#arguments.get(name);
      if (before === undefined) this.#arguments.set(name, [argument]);
      else before.push(argument);
    }
  }

  flag(name: string): boolean {
    return this.#arguments.has(name);
  }

  names(name: string): readonly string[] | undefined {
    const all = this.#arguments.get(name);
    if (all === undefined) return undefined;
    const named: string[] = [];
    for (const argument of all) {
      // One unqualified occurrence is enough: the stricter counts.
      const names = argument === undefined ? undefined : fieldNames(unquoted(argument.trim()));
      if (names === undefined) return undefined;
      named.push(...names);
    }
    return named;
  }

  seconds(name: string): number | undefined {
    // RFC 9111 section 4.2.1: of a directive that appears twice, the first occurrence is used.
    const all = this.#arguments.get(name);
    if (all === undefined) return undefined;
    const first = all[0];
    if (first !== undefined) return deltaSeconds(first);
    // RFC 9111 section 5.2.1.2: max-stale without a number accepts any staleness.
    return name === 'max-stale' ? deltaSecondsMax : 0;
  }
}

/** Of most requests. */
const silent = controlFrom(new ListedDirectives(undefined));

/** What was read lately: origins say the same about most of what they send. */
const known = new Map<string, CacheControl>();
const knownMax = 256;
/** A longer one is hardly ever said twice, characters. */
const knownCharsMax = 200;

export function parseCacheControl(value: string | undefined): CacheControl {
  if (value === undefined) return silent;
  let control = known.get(value);
  if (control !== undefined) return control;
  control = controlFrom(new ListedDirectives(value));
  if (value.length > knownCharsMax) return control;
  if (known.size >= knownMax) known.clear();
  known.set(value, control);
  return control;
}
