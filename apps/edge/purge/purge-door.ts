import { tagsOf, type Fields } from '#core/http-cache';
import type { EdgeCache } from '../cache/edge-cache.ts';
import { problem } from '../cache/problem.ts';
import type { EdgeHandler, EdgeReply, EdgeRequest } from '../server/exchange.ts';
import { platformZoneId } from '../zones/zone-table.ts';

const purgePath = '/api/v1/cdn/cache/purge';

/** Fields of the request that go on: who it is, and what it is called. */
const passed = ['authorization', 'idempotency-key', 'traceparent', 'user-agent'];

/** RFC 9110 section 11.6.1. */
const challenge = ['www-authenticate', 'Bearer realm="purge"'] as const;

interface Order {
  readonly urls?: readonly string[];
  readonly prefixes?: readonly string[];
  readonly tags?: readonly string[];
  readonly mode: 'hard' | 'soft';
  readonly reason: string;
}

/** What a PURGE names: the tags in its fields, as Varnish's xkey has them; else its URL, with `*` behind it all that begins so. */
function orderOf(request: EdgeRequest): Order {
  const common = { mode: request.field('fastly-soft-purge') === '1' ? ('soft' as const) : ('hard' as const), reason: 'PURGE' };
  const tags = tagsOf(request.fields());
  if (tags.length > 0) return { tags, ...common };
  const url = `${request.scheme}://${request.field('host') ?? ''}${request.target}`;
  return url.endsWith('*') ? { prefixes: [url.slice(0, -1)], ...common } : { urls: [url], ...common };
}

/** The same as the API takes it, from the same client. */
function asked(request: EdgeRequest): EdgeRequest {
  const body = new TextEncoder().encode(JSON.stringify(orderOf(request)));
  const fields: Fields = [
    ...passed.flatMap((name) => {
      const value = request.field(name);
      return value === undefined ? [] : [[name, value] as const];
    }),
    ['host', request.field('host') ?? ''],
    ['content-type', 'application/json'],
    ['content-length', String(body.length)],
  ];
  const byName = new Map(fields);
  let left: Uint8Array | undefined = body;
  return {
    ...{ method: 'POST', target: purgePath, version: request.version, hasBody: true, contentLength: body.length, scheme: request.scheme, gone: request.gone },
    clientAddress: request.clientAddress,
    field: (name) => byName.get(name),
    fields: () => fields,
    body: () => ({
      read: async () => {
        const sent = left;
        left = undefined;
        return sent;
      },
      cancel: () => (left = undefined),
    }),
    allowSilence: () => request.allowSilence(),
    tunnel: async () => undefined,
  };
}

export interface PurgeDoorDeps {
  readonly zones: EdgeCache['zones'];
  /** What this edge is called in Cache-Status. */
  readonly cacheName: string;
}

/**
 * PURGE with a key of the platform's becomes a purge by the API: authenticated, audited and rate-limited there, and on the log
 * for every edge. It goes to the gateway whatever host it names: no tenant's origin sees the key. Without a key nobody is asked,
 * and nothing forgotten: many an origin purges for whoever comes by its own CDN, and an edge invalidates what it has when an
 * unknown method succeeds.
 */
export function purgeDoor({ cacheName, zones }: PurgeDoorDeps, handler: EdgeHandler): EdgeHandler {
  const refused = ({ target }: EdgeRequest, status: 401 | 501, detail: string): EdgeReply =>
    problem({ status, detail, target, cacheName, outcome: {} }, [['connection', 'close'], ...(status === 401 ? [challenge] : [])]);
  return (request) => {
    if (request.method !== 'PURGE' && request.method !== 'BAN') return handler(request);
    if (!/^bearer +\S/i.test(request.field('authorization') ?? ''))
      return refused(request, 401, `${request.method} needs a key of the platform: authorization: Bearer KEY.`);
    if (request.method === 'BAN') return refused(request, 501, 'The edge does not know BAN: PURGE it, or ask the API for a purge by pattern.');
    const platform = zones.get(platformZoneId);
    return platform === undefined ? handler(request) : platform.handler.handle(asked(request), request.field('host'), '');
  };
}
