import type { Fields } from '#core/http-cache';
import type { EdgeCache } from '../cache/edge-cache.ts';
import { problem } from '../cache/problem.ts';
import { notTunnelled, type EdgeHandler, type EdgeReply, type EdgeRequest } from '../server/exchange.ts';
import { platformZoneId } from '../zones/zone-table.ts';
import { namedBy, type Named } from './named-by-purge.ts';
import type { OriginDoor } from './origin-door.ts';

const purgePath = '/api/v1/cdn/cache/purge';

/** Fields of the request that go on: who it is, and what it is called. */
const passed = ['authorization', 'idempotency-key', 'traceparent', 'user-agent'];

/** RFC 9110 section 11.6.1. */
const challenge = ['www-authenticate', 'Bearer realm="purge"'] as const;

function orderOf(named: Named, { field, method, scheme }: Pick<EdgeRequest, 'field' | 'method' | 'scheme'>): object {
  const host = field('host') ?? '';
  const name = host.replace(/:\d*$/, '');
  const common = { mode: named.soft ? 'soft' : 'hard', reason: method };
  if ('tags' in named) return { tags: named.tags, ...common };
  if ('everything' in named) return { hosts: [name], ...common };
  if ('pattern' in named) return { patterns: [{ pattern: named.pattern, host: name }], ...common };
  const at = `${scheme}://${host}`;
  return 'begin' in named ? { prefixes: [at + named.begin], ...common } : { urls: [at + named.target], ...common };
}

/** The same as the API takes it, from the same client. */
function asked(request: EdgeRequest, named: Named): EdgeRequest {
  const order = orderOf(named, { method: request.method, scheme: request.scheme, field: (name) => request.field(name) });
  const body = new TextEncoder().encode(JSON.stringify(order));
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
    tunnel: async () => notTunnelled,
  };
}

export interface PurgeDoorDeps {
  readonly zones: EdgeCache['zones'];
  /** What this edge is called in Cache-Status. */
  readonly cacheName: string;
  /** Where those go who have no key, but an address that the zone names. */
  readonly origins: Pick<OriginDoor, 'take'>;
}

/**
 * PURGE with a key of the platform's becomes a purge by the API: authenticated, audited and rate-limited there, and on the log
 * for every edge. It goes to the gateway whatever host it names: no tenant's origin sees the key. Without a key nobody is heard
 * but the addresses that a zone names, and nothing forgotten: many an origin purges for whoever comes by its own CDN, and an
 * edge invalidates what it has when an unknown method succeeds.
 */
export function purgeDoor({ cacheName, origins, zones }: PurgeDoorDeps, handler: EdgeHandler): EdgeHandler {
  const refused = ({ target }: EdgeRequest, status: number, detail: string): EdgeReply =>
    problem({ status, detail, target, cacheName, outcome: undefined }, [['connection', 'close'], ...(status === 401 ? [challenge] : [])]);
  return (request) => {
    if (request.method !== 'PURGE' && request.method !== 'BAN') return handler(request);
    const { zone } = zones.siteOf(request.field('host'));
    request.zone = zone;
    if (!/^bearer +\S/i.test(request.field('authorization') ?? '')) {
      if (zone.isPurger !== undefined) return origins.take(request, zone);
      return refused(request, 401, `${request.method} needs a key of the platform: authorization: Bearer KEY.`);
    }
    const named = namedBy(request);
    if ('status' in named) return refused(request, named.status, named.detail);
    const platform = zones.get(platformZoneId);
    return platform === undefined ? handler(request) : platform.handler.handle(asked(request, named), request.field('host'), '');
  };
}
