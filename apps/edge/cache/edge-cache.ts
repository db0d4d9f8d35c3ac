import { cacheName, defaultKeyPolicy, mediaTtlSettings, PurgeLedger, type KeyPolicy, type Trust, type TtlSettings } from '#core/http-cache';
import { edgeLimits, passPrefixes } from '../edge.constants.ts';
import type { EdgeCounters } from '../edge-counters.ts';
import { GuardedOrigin } from '../origin/guarded-origin.ts';
import type { OriginClient } from '../origin/origin-client.ts';
import { Purger } from '../purge/purger.ts';
import type { EdgeHandler, KeepBytes } from '../server/edge-server.ts';
import { CacheHandler, type CacheHandlerDeps } from './edge.handler.ts';
import { Fills } from './fills.ts';
import { ObjectStore } from './object-store.ts';
import { PassThrough } from './pass-through.ts';

export interface EdgeCacheInit {
  readonly edgeId: string;
  /** Shared with the gateway: proves whose address is forwarded. */
  readonly edgeSecret?: string | undefined;
  readonly memoryBytesMax: number;
  readonly ttl?: TtlSettings;
  readonly keys?: KeyPolicy;
  readonly limits?: { readonly claimTimeoutMs?: number };
}

export interface EdgeCacheDeps extends Pick<CacheHandlerDeps, 'local' | 'onError'> {
  readonly client: OriginClient;
  readonly keep: KeepBytes;
  readonly counters: EdgeCounters;
  readonly now: () => number;
  readonly trust: () => Trust;
}

export interface EdgeCache {
  readonly handler: EdgeHandler;
  readonly store: ObjectStore;
  readonly fills: Fills;
  readonly purger: Purger;
}

/** Wires the cache: store, ledger, fills, pass-through and the handler over them. */
export function createEdgeCache(init: EdgeCacheInit, deps: EdgeCacheDeps): EdgeCache {
  const limits = { ...edgeLimits, ...init.limits };
  const { counters, now, trust } = deps;
  const name = cacheName(init.edgeId);
  const keys = init.keys ?? defaultKeyPolicy;
  const ttl = init.ttl ?? mediaTtlSettings;
  const store = new ObjectStore({ bytesMax: init.memoryBytesMax, objectsMax: limits.objectsMax, variantsMax: limits.variantsMax });
  const ledger = new PurgeLedger(limits.purgesRemembered);
  const origin = new GuardedOrigin(deps.client, limits.origin, counters, now);
  const objectBytesMax = Math.min(limits.objectBytesMax, Math.floor(init.memoryBytesMax * limits.objectShareMax));
  const fills = new Fills({
    origin,
    store,
    ledger,
    ttl,
    pseudonym: init.edgeId,
    objectBytesMax,
    streamBytesMax: limits.streamBytesMax,
    claimTimeoutMs: limits.claimTimeoutMs,
    keep: deps.keep,
    now,
    trust,
  });
  const passThrough = new PassThrough({
    ...{ origin, store, ledger, counters, ttl, keys, now, cacheName: name },
    ...{ pseudonym: init.edgeId, edgeSecret: init.edgeSecret, requestBytesMax: limits.requestBytesMax },
  });
  const cache = new CacheHandler(
    { cacheName: name, pseudonym: init.edgeId, keys, passPrefixes, wholeBytesMax: limits.wholeBytesMax },
    { store, fills, passThrough, counters, now, trust, local: deps.local, onError: deps.onError },
  );
  return { handler: (request) => cache.handle(request), store, fills, purger: new Purger(ledger, store, keys) };
}
