import { fieldValue, type Field, type Fields } from '#core/http-cache';
import { notTunnelled, type EdgeRequest } from '../server/exchange.ts';

/** Of who made something likely, what the next request of the same player will say, too: it may choose the variant. */
const kept = new Set(['accept', 'accept-encoding', 'accept-language', 'host', 'origin', 'user-agent']);

/** Undefined for a request with a credential: what follows it is for one person. */
export function aheadFields(fields: Fields): Fields | undefined {
  return fieldValue(fields, 'authorization') === undefined ? fields.filter(([name]) => kept.has(name)) : undefined;
}

const nobody = new AbortController().signal;

/** A request that nobody made. */
export function aheadRequest(target: string, fields: Fields, range?: string): EdgeRequest {
  const all: readonly Field[] = range === undefined ? fields : [...fields, ['range', range]];
  return {
    method: 'GET',
    target,
    version: '1.1',
    field: (name) => fieldValue(all, name),
    fields: () => all,
    hasBody: false,
    contentLength: undefined,
    clientAddress: '',
    scheme: 'http',
    gone: nobody,
    body: () => undefined,
    allowSilence: () => undefined,
    tunnel: async () => notTunnelled,
  };
}
