import type { Field, Fields } from './fields.ts';
import { hostLabel, tagLabel, type PurgeLabel } from './purge-label.codec.ts';
import { hostOfKey } from './target.codec.ts';

/** Tags of one object that count; an origin that sends more means none of the rest. */
export const tagsMax = 128;
export const tagLengthMax = 256;

/** The fields by which origins tag what they send, and what stands between two tags: Cloudflare, Fastly, Varnish. */
const separators: Readonly<Record<string, RegExp>> = {
  'cache-tag': /[\s,]+/,
  'surrogate-key': /\s+/,
  xkey: /[\s,]+/,
};

const tagFields = new Set(Object.keys(separators));

/** Whether a field is between the origin and its caches, and goes no further. */
export function isTagField(field: Field): boolean {
  return tagFields.has(field[0]);
}

/** The fields of a response as its viewers get them. */
export function viewerFields(fields: Fields): Fields {
  return fields.some(isTagField) ? fields.filter((field) => !isTagField(field)) : fields;
}

/** The tags that an origin gave a response, each once, in no case but the lower. */
export function tagsOf(fields: Fields, most = { tagsMax, tagLengthMax }): readonly string[] {
  let tags: Set<string> | undefined;
  for (const field of fields) {
    const separator = isTagField(field) ? separators[field[0]] : undefined;
    if (separator === undefined) continue;
    tags ??= new Set();
    for (const tag of field[1].split(separator)) {
      if (tag !== '' && tag.length <= most.tagLengthMax && tags.size < most.tagsMax) tags.add(tag.toLowerCase());
    }
  }
  return tags === undefined ? [] : [...tags];
}

/** Whose the objects of a zone are, and what they all have in common. */
export interface LabelScope {
  readonly tenant: string;
  /** What every object of the zone can be purged by: its zone and its tenant. */
  readonly labels: readonly PurgeLabel[];
}

/**
 * By what a response can be purged. A tenant's tag is its own: its purge does not reach another's objects of the same
 * tag, while the platform's reaches all.
 */
export function labelsOf(fields: Fields, key: string, scope: LabelScope): readonly PurgeLabel[] {
  const tags = tagsOf(fields);
  const host = hostOfKey(key);
  if (tags.length === 0 && host === undefined) return scope.labels;
  const { tenant } = scope;
  const labels = [...scope.labels];
  if (host !== undefined) labels.push(hostLabel(host));
  for (const tag of tags) labels.push(tagLabel(tag), tagLabel(tag, tenant));
  return labels;
}
