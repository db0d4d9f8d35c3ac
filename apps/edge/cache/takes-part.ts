import type { EdgeRequest } from '../server/exchange.ts';

const conditions = ['if-range', 'if-none-match', 'if-modified-since', 'if-match', 'if-unmodified-since'];

/** Whether a request asks for bytes without conditions, so that a part of the stored ones, or of the origin's, is its answer. */
export function takesPart(request: EdgeRequest): boolean {
  return request.method === 'GET' && conditions.every((name) => request.field(name) === undefined);
}
