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

/** Parameters in the order of their names; those of one name keep theirs, which may matter to the origin. */
function normaliseQuery(query: string): string {
  return query
    .split('&')
    .filter((parameter) => parameter !== '')
    .map((parameter, at) => ({ parameter, name: nameOf(parameter), at }))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.at - b.at))
    .map(({ parameter }) => parameter)
    .join('&');
}

/**
 * The cache key of a request target in origin form (path and query), which is also the target that the origin is asked
 * for: what shares a key is the same request to the origin, so a key cannot be poisoned by a spelling. The host is no
 * part of it (there is one origin), nor is the method: only GET is stored, and HEAD is answered from it.
 * Undefined when the text is not an absolute path.
 */
export function normaliseTarget(target: string): string | undefined {
  if (!target.startsWith('/') || target.length > targetLengthMax) return undefined;
  if (!needsWork.test(target)) return target;
  const hash = target.indexOf('#');
  const bare = hash < 0 ? target : target.slice(0, hash);
  const mark = bare.indexOf('?');
  const path = removeDotSegments(normaliseEscapes(mark < 0 ? bare : bare.slice(0, mark)));
  const query = mark < 0 ? '' : normaliseQuery(normaliseEscapes(bare.slice(mark + 1)));
  return query === '' ? path : `${path}?${query}`;
}

const absoluteForm = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?#]*/;

/** The key that a purge or an invalidation names: an absolute URL on any host, or an absolute path. */
export function keyOfUrl(url: string): string | undefined {
  const rest = url.replace(absoluteForm, '');
  if (rest === url) return normaliseTarget(url);
  return normaliseTarget(rest.startsWith('/') ? rest : `/${rest}`);
}

/** The extension of a target's path, in lower case, without the dot; empty when there is none. */
export function extensionOf(target: string): string {
  const mark = target.indexOf('?');
  const path = mark < 0 ? target : target.slice(0, mark);
  const dot = path.lastIndexOf('.');
  return dot > path.lastIndexOf('/') ? path.slice(dot + 1).toLowerCase() : '';
}
