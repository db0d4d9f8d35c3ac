import { withCacheStatus, type CacheOutcome, type Field } from '#core/http-cache';
import { replyHead, type EdgeReply } from '../server/edge-server.ts';

const titles: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  413: 'Content Too Large',
  414: 'URI Too Long',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

/** An error that the edge itself answers with: a problem document (RFC 9457) that nobody stores. */
export function problem(status: number, detail: string, cacheName: string, outcome: CacheOutcome, more: readonly Field[] = []): EdgeReply {
  const document = JSON.stringify({ type: 'about:blank', title: titles[status] ?? 'Error', status, detail });
  const fields: Field[] = [['content-type', 'application/problem+json'], ['cache-control', 'no-store'], ...more];
  return { head: replyHead(status, withCacheStatus(fields, cacheName, outcome)), body: new TextEncoder().encode(document) };
}
