/** Longer references are nobody's. */
export const referenceLengthMax = 2048;

const scheme = /^[A-Za-z][A-Za-z0-9+.-]*:/;
/** What no path holds unescaped, and what some origins read as a slash. */
// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const unfit = /[\x00-\x20\x7f\\<>"^`{|}#]/;

/** Where references are resolved: the target of what named them, and its host. */
export interface ReferenceBase {
  /** Path, with or without a query. */
  readonly target: string;
  /** As the request named it; references to any other are ignored. */
  readonly host: string | undefined;
}

function pathOf(target: string): string {
  const mark = target.indexOf('?');
  return mark < 0 ? target : target.slice(0, mark);
}

/** RFC 3986 section 5.2.4, but a path that climbs above the root is none: who writes one is looking for something else. */
function withoutDots(path: string): string | undefined {
  const out: string[] = [];
  const segments = path.slice(1).split('/');
  for (const [at, segment] of segments.entries()) {
    const plain = segment.replaceAll(/%2e/gi, '.');
    if (plain === '..') {
      if (out.pop() === undefined) return undefined;
    } else if (plain !== '.') out.push(segment);
    if (at === segments.length - 1 && (plain === '.' || plain === '..')) out.push('');
  }
  return `/${out.join('/')}`;
}

/** The target of a path relative to another; undefined for what is none (RFC 3986 section 5.2). */
export function resolveRelative(reference: string, target: string): string | undefined {
  if (reference === '' || reference.length > referenceLengthMax || unfit.test(reference)) return undefined;
  if (scheme.test(reference) || reference.startsWith('/') || reference.startsWith('?')) return undefined;
  const base = pathOf(target);
  const mark = reference.indexOf('?');
  const path = withoutDots(base.slice(0, base.lastIndexOf('/') + 1) + pathOf(reference));
  return path === undefined || mark < 0 ? path : path + reference.slice(mark);
}

/** The target of what a manifest names: relative, an absolute path, or a URL on the same host; undefined for everything else. */
export function resolveReference(reference: string, { host, target }: ReferenceBase): string | undefined {
  if (reference.length > referenceLengthMax || unfit.test(reference)) return undefined;
  const [whole, authority] = /^https?:\/\/([^/?]*)/i.exec(reference) ?? [];
  if (whole !== undefined && authority?.toLowerCase() !== host?.toLowerCase()) return undefined;
  const local = whole === undefined ? reference : reference.slice(whole.length);
  if (!local.startsWith('/') || local.startsWith('//')) return whole === undefined ? resolveRelative(local, target) : undefined;
  const mark = local.indexOf('?');
  const path = withoutDots(pathOf(local));
  return path === undefined || mark < 0 ? path : path + local.slice(mark);
}
