import { fieldValue, type ResponseHead } from './fields.ts';
import { keyOfUrl, type KeyPolicy } from './target.codec.ts';

/** RFC 9110 section 9.2.1. */
const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

export function isSafe(method: string): boolean {
  return safeMethods.has(method);
}

export interface UnsafeRequest {
  readonly method: string;
  /** Its key. */
  readonly target: string;
  readonly host: string | undefined;
}

/**
 * The keys that a response to an unsafe request makes void: its target, and what Location and Content-Location name on
 * the same origin (RFC 9111 section 4.4). Nothing when the response is an error.
 */
export function invalidatedKeys(request: UnsafeRequest, response: ResponseHead, policy?: KeyPolicy): readonly string[] {
  const { target } = request;
  if (isSafe(request.method) || response.status < 200 || response.status >= 400) return [];
  const keys = new Set([target]);
  for (const name of ['location', 'content-location']) {
    const url = fieldValue(response.fields, name);
    const key = url === undefined ? undefined : sameOriginKey(url, request, policy);
    if (key !== undefined) keys.add(key);
  }
  return [...keys];
}

/** RFC 9111 section 4.4: a cache must not invalidate under another origin than the request's. */
function sameOriginKey(url: string, { target, host }: UnsafeRequest, policy: KeyPolicy | undefined): string | undefined {
  if (url.startsWith('//')) return undefined;
  if (url.startsWith('/')) return keyOfUrl(url, policy);
  const authority = /^https?:\/\/([^/?#]*)/i.exec(url)?.[1];
  if (authority !== undefined) return authority.toLowerCase() === host?.toLowerCase() ? keyOfUrl(url, policy) : undefined;
  if (/^[A-Za-z][A-Za-z0-9+.-]*:/.test(url)) return undefined;
  const path = target.split('?', 1)[0] as string;
  if (url.startsWith('?')) return keyOfUrl(path + url, policy);
  return keyOfUrl(path.slice(0, path.lastIndexOf('/') + 1) + url, policy);
}
