import { tagsOf, type Field } from '#core/http-cache';
import type { EdgeRequest } from '../server/exchange.ts';

/** What a PURGE or BAN names. */
export type Named = { readonly soft: boolean } & (
  | { readonly tags: readonly string[] }
  /** In origin form. */
  | { readonly target: string }
  /** All that begins so. */
  | { readonly begin: string }
  /** In the syntax of RE2, found anywhere in path and query. */
  | { readonly pattern: string }
  | { readonly everything: true }
);

/** Why an edge does not take it. */
export interface NotNamed {
  readonly status: 400 | 501;
  readonly detail: string;
}

/** Under which names caches are told tags, besides those by which origins tag: Drupal, and the xkey of Varnish. */
const tagFields: Readonly<Record<string, string>> = { 'cache-tags': 'cache-tag', 'xkey-purge': 'xkey', 'xkey-softpurge': 'xkey' };
/** What else selects by the answer's own fields: purging the URL alone would be less than was asked for. */
const unknownFields = ['x-magento-tags-pattern', 'x-cache-tags', 'x-content-type', 'x-url', 'x-host'];
/** What plugins send for a whole site. */
const everything = new Set(['/.*', '.*', '/(.*)']);
const noLimits = { tagsMax: Number.POSITIVE_INFINITY, tagLengthMax: Number.POSITIVE_INFINITY };

function tagsNamed(request: EdgeRequest): readonly string[] {
  return tagsOf(
    request.fields().map(([name, value]): Field => [tagFields[name] ?? name, value]),
    noLimits,
  );
}

/**
 * As the field has it: tags in `Surrogate-Key`, `Cache-Tag`, `Cache-Tags` or `xkey`; else the target as a pattern where
 * `X-Purge-Method: regex` says so, as all that begins so where it ends in `*`, or as the one URL that it is. BAN takes tags
 * alone: what else it means is each program's own.
 */
export function namedBy(request: EdgeRequest): Named | NotNamed {
  const soft = request.field('fastly-soft-purge') === '1' || request.field('xkey-softpurge') !== undefined;
  const unknown = unknownFields.find((name) => request.field(name) !== undefined);
  if (unknown !== undefined)
    return { status: 501, detail: `The edge does not select by ${unknown}: name tags in Surrogate-Key, Cache-Tag, Cache-Tags or xkey.` };
  const tags = tagsNamed(request);
  if (tags.length > 0) return { tags, soft };
  if (request.method === 'BAN')
    return {
      status: 501,
      detail: 'The edge takes BAN with tags (Surrogate-Key, Cache-Tag, Cache-Tags, xkey): PURGE URLs, or patterns with X-Purge-Method: regex.',
    };
  const { target } = request;
  const method = request.field('x-purge-method')?.toLowerCase();
  if (method === 'regex') return everything.has(target) ? { everything: true, soft } : { pattern: target, soft };
  if (method !== undefined && method !== 'default' && method !== 'exact')
    return { status: 400, detail: `X-Purge-Method is regex, default or exact, but not ${JSON.stringify(method.slice(0, 40))}.` };
  if (target === '/*') return { everything: true, soft };
  return target.endsWith('*') ? { begin: target.slice(0, -1), soft } : { target, soft };
}
