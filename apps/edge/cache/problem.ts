import { withCacheStatus, withProxyStatus, type CacheOutcome, type Field, type ProxyError } from '#core/http-cache';
import { replyHead, type EdgeReply } from '../server/exchange.ts';

/** Title, and the last part of the type, as the gateway's own problems have them. */
const kinds: Readonly<Record<number, readonly [string, string]>> = {
  400: ['Bad Request', 'malformed-request'],
  401: ['Unauthorized', 'unauthenticated'],
  403: ['Forbidden', 'forbidden'],
  408: ['Request Timeout', 'request-too-slow'],
  413: ['Payload Too Large', 'body-too-large'],
  414: ['URI Too Long', 'url-too-long'],
  421: ['Misdirected Request', 'unknown-host'],
  422: ['Unprocessable Content', 'idempotency-key-reused'],
  429: ['Too Many Requests', 'rate-limited'],
  431: ['Request Header Fields Too Large', 'head-too-large'],
  500: ['Internal Server Error', 'internal'],
  501: ['Not Implemented', 'method-not-supported'],
  502: ['Bad Gateway', 'bad-origin'],
  508: ['Loop Detected', 'bad-origin'],
  503: ['Service Unavailable', 'unavailable'],
  504: ['Gateway Timeout', 'origin-timeout'],
};
const targetCharsMax = 200;
/** Players are on sites of everybody: what the platform serves there anybody may read, and so why it does not. */
const openPrefix = '/live/';

export interface ProblemInit {
  readonly status: number;
  readonly detail: string;
  /** What was asked for; a very long one is cut. */
  readonly target: string;
  readonly cacheName: string;
  /** Undefined where no cache was asked. */
  readonly outcome: CacheOutcome | undefined;
  /** Absent where nothing went wrong on the way: the cache was told to answer by itself. */
  readonly error?: ProxyError | undefined;
}

/** An error that the edge itself answers with: a problem document (RFC 9457), shaped as the gateway's, that nobody stores. */
export function problem({ status, detail, target, cacheName, outcome, error }: ProblemInit, more: readonly Field[] = []): EdgeReply {
  const [title, code] = kinds[status] ?? ['Error', 'internal'];
  const document = JSON.stringify({ type: `urn:streams:problem:${code}`, title, status, detail, instance: target.slice(0, targetCharsMax) });
  const fields: Field[] = [['content-type', 'application/problem+json; charset=utf-8'], ['cache-control', 'no-store'], ...more];
  if (target.startsWith(openPrefix)) fields.push(['access-control-allow-origin', '*']);
  const told = error === undefined ? fields : withProxyStatus(fields, cacheName, error);
  return { head: replyHead(status, outcome === undefined ? told : withCacheStatus(told, cacheName, outcome)), body: new TextEncoder().encode(document) };
}
