/** Longest request target that is looked at, in characters. */
export const targetLengthMax = 8192;

/** A target that holds none of these is already normal: the quick test for the path of a hit. */
const needsWork = /[^\x21-\x7e]|[%?#\\"<>^`{|}]|\/\./;
const unreserved = /[A-Za-z0-9\-._~]/;
/** What may stand unescaped in a path or a query (RFC 3986 sections 3.3 and 3.4). */
const allowed = /[A-Za-z0-9\-._~!$&'()*+,;=:@/?%]/;

/** RFC 3986 section 6.2.2: escapes in upper case, none where the character needs none; what must be escaped is. */
function normaliseEscapes(text: string): string {
  const decoded = text.replace(/%([0-9A-Fa-f]{2})?/g, (_escape, hex: string | undefined) => {
    if (hex === undefined) return '%25';
    const char = String.fromCharCode(Number.parseInt(hex, 16));
    return unreserved.test(char) ? char : `%${hex.toUpperCase()}`;
  });
  let out = '';
  for (const char of decoded) out += allowed.test(char) ? char : escapeChar(char);
  return out;
}

function escapeChar(char: string): string {
  const code = char.codePointAt(0) as number;
  // A lone surrogate has no UTF-8 form.
  if (code >= 0xd800 && code <= 0xdfff) return '%EF%BF%BD';
  return encodeURIComponent(char);
}

/** RFC 3986 section 5.2.4. */
function removeDotSegments(path: string): string {
  const out: string[] = [];
  const segments = path.slice(1).split('/');
  segments.forEach((segment, at) => {
    const last = at === segments.length - 1;
    if (segment === '..') out.pop();
    else if (segment !== '.') out.push(segment);
    if (last && (segment === '.' || segment === '..')) out.push('');
  });
  return `/${out.join('/')}`;
}

function nameOf(parameter: string): string {
  const equals = parameter.indexOf('=');
  return equals < 0 ? parameter : parameter.slice(0, equals);
}

/** Which parameters of a query make a difference to the origin. */
export type QueryRule =
  /** All of them. */
  | { readonly kind: 'all' }
  /** All but these; a name that ends in `*` stands for all that begin so. */
  | { readonly kind: 'without'; readonly names: readonly string[] }
  /** These alone. */
  | { readonly kind: 'only'; readonly names: readonly string[] };

/** How spellings of one resource become one key. */
export interface KeyPolicy {
  readonly query: QueryRule;
  /** Whether the order of parameters of different names means nothing. */
  readonly sortQuery: boolean;
}

/** What advertisers, mailers and players (CTA-5004) append to links, which no origin answers by: each click would be a miss. */
const clickParameters = [
  'utm_*',
  'fbclid',
  'gclid',
  'gclsrc',
  'dclid',
  'gbraid',
  'wbraid',
  'msclkid',
  'twclid',
  'yclid',
  'igshid',
  'mc_cid',
  'mc_eid',
  '_hsenc',
  '_hsmi',
  'CMCD',
];

export const defaultKeyPolicy: KeyPolicy = { query: { kind: 'without', names: clickParameters }, sortQuery: true };

function names(list: readonly string[], name: string): boolean {
  return list.some((known) => (known.endsWith('*') ? name.startsWith(known.slice(0, -1)) : known === name));
}

function counts(rule: QueryRule, name: string): boolean {
  return rule.kind === 'all' || names(rule.names, name) === (rule.kind === 'only');
}

/** Parameters in the order of their names; those of one name keep theirs, which may matter to the origin. */
function normaliseQuery(query: string, { query: rule, sortQuery }: KeyPolicy): string {
  const parameters = query
    .split('&')
    .filter((parameter) => parameter !== '')
    .map((parameter, at) => ({ parameter, name: nameOf(parameter), at }))
    .filter(({ name }) => counts(rule, name));
  if (sortQuery) parameters.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.at - b.at));
  return parameters.map(({ parameter }) => parameter).join('&');
}

/**
 * The cache key of a request target in origin form (path and query), which is also the target that the origin is asked
 * for: what shares a key is the same request to the origin, so a key cannot be poisoned by a spelling. The host is no
 * part of it (there is one origin), nor is the method: only GET is stored, and HEAD is answered from it.
 * Undefined when the text is not an absolute path: RFC 9112 section 3.2 has no fragment in a request target.
 */
export function normaliseTarget(target: string, policy: KeyPolicy = defaultKeyPolicy): string | undefined {
  if (!target.startsWith('/') || target.length > targetLengthMax) return undefined;
  if (!needsWork.test(target)) return target;
  if (target.includes('#')) return undefined;
  const mark = target.indexOf('?');
  const path = removeDotSegments(normaliseEscapes(mark < 0 ? target : target.slice(0, mark)));
  const query = mark < 0 ? '' : normaliseQuery(normaliseEscapes(target.slice(mark + 1)), policy);
  return query === '' ? path : `${path}?${query}`;
}

const readDifferently = /\/\/|\\|%2f|%5c/i;

/**
 * The path of a normal target as origins may read it that take several slashes for one, and an escaped one, or a backslash, for a
 * slash; undefined where there is nothing to read differently.
 */
export function otherReading(path: string): string | undefined {
  if (!readDifferently.test(path)) return undefined;
  return removeDotSegments(path.replaceAll(/\\|%2f|%5c/gi, '/').replaceAll(/\/{2,}/g, '/')).replaceAll(/\/{2,}/g, '/');
}

/**
 * The normal target within a key. What stands before it tells the zone, and what else parts the objects of one target; it
 * holds no slash, and a target begins with one.
 */
export function pathOfKey(key: string): string {
  const at = key.indexOf('/');
  return at <= 0 ? key : key.slice(at);
}

/** The host within a key, where a zone's hosts share nothing: it stands behind an exclamation mark. */
export function hostOfKey(key: string): string | undefined {
  const end = key.indexOf('/');
  const mark = end <= 0 ? -1 : key.lastIndexOf('!', end);
  return mark < 0 ? undefined : key.slice(mark + 1, end);
}

const absoluteForm = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?#]*/;

/** The key that a purge or an invalidation names: an absolute URL on any host, or an absolute path. */
export function keyOfUrl(url: string, policy: KeyPolicy = defaultKeyPolicy): string | undefined {
  const [whole = ''] = url.split('#', 1);
  const rest = whole.replace(absoluteForm, '');
  if (rest === whole) return normaliseTarget(whole, policy);
  return normaliseTarget(rest.startsWith('/') ? rest : `/${rest}`, policy);
}

/** The extension of a target's path, in lower case, without the dot; empty when there is none. */
export function extensionOf(target: string): string {
  const mark = target.indexOf('?');
  const path = mark < 0 ? target : target.slice(0, mark);
  const dot = path.lastIndexOf('.');
  return dot > path.lastIndexOf('/') ? path.slice(dot + 1).toLowerCase() : '';
}
