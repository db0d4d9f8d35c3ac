const lengthMax = 4_096;
const absoluteUrl = /^https?:\/\/[^/?#\s]+(?:[/?][^#\s]*)?$/i;
const absolutePath = /^\/(?!\/)[^#\s]*$/;

/**
 * Why a text cannot name what to purge; undefined when it can. A purge names an absolute http(s) URL, or an absolute path
 * that stands for every host. A fragment never reaches a server (RFC 9110 section 4.2.5), so it cannot be part of it.
 */
export function purgeTargetProblem(target: string): string | undefined {
  if (target.length > lengthMax) return `A URL has at most ${lengthMax} characters.`;
  if (target.includes('#')) return 'A URL to purge has no fragment.';
  if (!absoluteUrl.test(target) && !absolutePath.test(target)) return 'Expected an absolute http(s) URL, or a path that begins with one "/".';
  return undefined;
}
