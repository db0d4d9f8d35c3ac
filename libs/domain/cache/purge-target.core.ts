import type { PurgeSelector } from '#events';

const lengthMax = 4_096;
const tagLengthMax = 256;
const patternLengthMax = 1_024;
const absoluteUrl = /^https?:\/\/[^/?#\s]+(?:[/?][^#\s]*)?$/i;
const absolutePath = /^\/(?!\/)[^#\s]*$/;
const port = /^https?:\/\/[^/?#]*:(\d*)(?:[/?]|$)/i;
const credentials = /^https?:\/\/[^/?#]*@/i;
const hostName = /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*|\[[0-9a-f:.]+\])$/i;
const zoneId = /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}$/;

/**
 * Why a text cannot name what to purge; undefined when it can. A purge names an absolute http(s) URL, or an absolute path
 * that stands for every host. A fragment never reaches a server (RFC 9110 section 4.2.5), so it cannot be part of it.
 */
export function purgeTargetProblem(target: string): string | undefined {
  if (target.length > lengthMax) return `A URL has at most ${lengthMax} characters.`;
  if (target.includes('#')) return 'A URL to purge has no fragment.';
  if (credentials.test(target)) return 'A URL that stays on the record carries no user name and no password.';
  if (!absoluteUrl.test(target) && !absolutePath.test(target)) return 'Expected an absolute http(s) URL, or a path that begins with one "/".';
  if (Number(port.exec(target)?.[1] ?? 1) > 65_535) return 'There is no such port: they end at 65535.';
  return undefined;
}

/** A query is part of a key in the order that the edge gives it: nobody outside knows with what it begins. */
function prefixProblem(prefix: string): string | undefined {
  if (prefix.includes('?')) return 'A prefix ends before the query.';
  if (/%(?![0-9A-Fa-f]{2})/.test(prefix)) return 'A prefix does not end in the middle of an escape.';
  return purgeTargetProblem(prefix);
}

function tagProblem(tag: string): string | undefined {
  if (tag.length < 1 || tag.length > tagLengthMax) return `A tag has 1 to ${tagLengthMax} characters.`;
  return /[\s,]/.test(tag) ? 'A tag holds no space and no comma.' : undefined;
}

/** Why a selector names nothing that can be purged; undefined when it does. Whether a pattern compiles is for others to say. */
export function purgeSelectorProblem({ kind, value, host, zone }: PurgeSelector): string | undefined {
  switch (kind) {
    case 'prefix':
      return prefixProblem(value);
    case 'tag':
      return tagProblem(value);
    case 'host':
      return hostName.test(value) ? undefined : 'Expected the name of a host, without a port.';
    case 'zone':
      return zoneId.test(value) ? undefined : 'Expected the id of a zone.';
    case 'regex':
      if (value.length < 1 || value.length > patternLengthMax) return `A pattern has 1 to ${patternLengthMax} characters.`;
      if (host !== undefined && !hostName.test(host)) return 'Its host is no name of one.';
      return zone === undefined || zoneId.test(zone) ? undefined : 'Its zone is no id of one.';
    case 'all':
      return value === '' ? undefined : 'Everything needs no value.';
  }
}
