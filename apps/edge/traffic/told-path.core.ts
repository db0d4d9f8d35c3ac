/** Parameters whose values open doors, or name sessions: none of them gets into a log. Compared in lower case. */
const secretNames = new Set([
  ...['key', 'apikey', 'sig', 'sign', 'hmac', 'hash', 'md5', 'st', 'sid', 'pwd', 'pass', 'code', 'state', 'policy', 'ticket', 'expires_sig'],
  // Players' reports about themselves: they make each request another, and name a session.
  ...['cmcd', 'hdnea', 'hdnts', 'hdntl'],
]);
const secretWords = /token|secret|passw|passphrase|signature|credential|api[-_]?key|auth|jwt|session|hmac|awsaccesskeyid|^x-amz-|^x-goog-|key-pair-id/;

function isSecret(name: string): boolean {
  return secretNames.has(name) || secretWords.test(name);
}

function nameOf(parameter: string): string {
  const end = parameter.indexOf('=');
  const name = end < 0 ? parameter : parameter.slice(0, end);
  try {
    return decodeURIComponent(name.replaceAll('+', ' ')).toLowerCase();
  } catch {
    return name.toLowerCase();
  }
}

/** What is fit to be told of a target: without secrets in the query, without the query of the API, and no longer than `lengthMax`. */
export function toldPath(target: string, lengthMax: number): string {
  const at = target.indexOf('?');
  if (at < 0) return target.slice(0, lengthMax);
  const path = target.slice(0, at);
  if (path.startsWith('/api/')) return path.slice(0, lengthMax);
  const kept = target
    .slice(at + 1)
    .split('&')
    .filter((parameter) => !isSecret(nameOf(parameter)))
    .join('&');
  return (kept === '' ? path : `${path}?${kept}`).slice(0, lengthMax);
}
