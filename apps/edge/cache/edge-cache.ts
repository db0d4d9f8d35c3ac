import { compilePattern } from '#adapters/re2';
import {
  cacheName,
  defaultKeyPolicy,
  keyOfUrl,
  mediaTtlSettings,
  normaliseTarget,
  PurgeLedger,
  tenantLabel,
  zoneLabel,
  type Fields,
  type KeyPolicy,
  type Trust,
  type TtlSettings,
} from '#core/http-cache';
import type { ZoneConfiguration } from '#events';
import { edgeLimits, passPrefixes } from '../edge.constants.ts';
import type { NamedClient } from '../edge-platform.ts';
import type { EdgeCounters } from '../edge-counters.ts';
import { GuardedOrigin, type OriginSource } from '../origin/guarded-origin.ts';
import type { OriginClient } from '../origin/origin-client.ts';
import { OriginPool } from '../origin/origin-pool.ts';
import { PatientOrigin } from '../origin/patient-origin.ts';
import { ReloadOrigin } from '../origin/reload-origin.ts';
import { EdgePrefetch, type EdgePrefetchInit } from '../prefetch/edge-prefetch.ts';
import type { Siblings } from '../processes/siblings.ts';
import { Purger, type CountedPurge } from '../purge/purger.ts';
import { ReclaimedCounts } from '../purge/reclaimed-counts.ts';
import type { BytesOf, EdgeHandler, EdgeReply, EdgeRequest, KeepBytes } from '../server/exchange.ts';
import type { SharedTier } from '../shared-tier/shared-tier.ts';
import type { DiskTier } from '../store/disk-tier.ts';
import { HealthCheck } from '../zones/zone-health.ts';
import { platformZoneId, ZoneTable } from '../zones/zone-table.ts';
import type { Zone } from '../zones/zone.ts';
import { CacheHandler, type CacheHandlerDeps, type CacheHandlerInit } from './edge.handler.ts';
import { Fills } from './fills.ts';
import { ObjectStore, type Eviction } from './object-store.ts';
import { PassThrough } from './pass-through.ts';
import { Slices, type SliceSettings } from './slices.ts';

/** Of the memory, for what nobody has asked for yet. */
const aheadShare = 1 / 16;

/** Whose the platform's own media is to purge. */
const platformTenant = 'default';

export interface EdgeCacheInit {
  readonly edgeId: string;
  /** Shared with the gateway: proves whose address is forwarded. */
  readonly edgeSecret?: string | undefined;
  readonly memoryBytesMax: number;
  readonly eviction?: Eviction | undefined;
  readonly ttl?: TtlSettings;
  readonly keys?: KeyPolicy;
  /** Paths that begin with one of these are never cached; the platform's own when left out. */
  readonly passPrefixes?: readonly string[];
  /** At which the platform itself is reached, as zones name theirs: no zone answers there. */
  readonly ownHosts?: readonly string[];
  readonly limits?: { readonly claimTimeoutMs?: number };
  /** How long the platform's own origin is waited for when it cannot be reached, ms; not at all when left out. */
  readonly originPatienceMs?: number;
  /** What is fetched before it is asked for; nothing when left out. */
  readonly prefetch?: EdgePrefetchInit | undefined;
}

export interface EdgeCacheDeps extends Pick<CacheHandlerDeps, 'local' | 'onError'> {
  readonly client: OriginClient;
  /** All of them where there are several gateways, of which any does for all; that of `client` alone when left out. */
  readonly gateways?: readonly NamedClient[] | undefined;
  readonly keep: KeepBytes;
  readonly bytesOf: BytesOf;
  readonly counters: EdgeCounters;
  readonly now: () => number;
  readonly trust: (tenant: string) => Trust;
  /** The other processes of this edge. */
  readonly siblings?: Siblings | undefined;
  /** What edges keep for each other. */
  readonly shared?: SharedTier | undefined;
  /** Made here when it is not given. */
  readonly ledger?: PurgeLedger | undefined;
  /** What lies below the memory; it keeps the same ledger. */
  readonly disk?: DiskTier | undefined;
}

export interface EdgeCache {
  readonly handler: EdgeHandler;
  readonly store: ObjectStore;
  readonly fills: { readonly running: number };
  readonly purger: Purger;
  readonly ledger: PurgeLedger;
  readonly reclaimed: ReclaimedCounts<CountedPurge>;
  readonly zones: ZoneTable;
  readonly prefetch: EdgePrefetch | undefined;
  /** Makes what serves one version of a zone, over the store and the ledger that all zones share. */
  readonly zone: (plan: ZonePlan) => Zone;
}

/** What tells one zone from another at run time. */
export interface ZonePlan extends Pick<CacheHandlerInit, 'normalise' | 'bypasses' | 'avoidsHits' | 'redirect'>, Pick<CacheHandlerDeps, 'local'> {
  readonly id: string;
  readonly version: number;
  /** Under which its objects are kept: another one finds none of the old. */
  readonly epoch: number;
  readonly tenant: string;
  /** Whether two of its hosts may be answered differently, so that they share nothing. */
  readonly hostInKey: boolean;
  readonly accessSample?: Zone['accessSample'];
  readonly isPurger?: Zone['isPurger'];
  readonly keyOfUrl: (url: string) => string | undefined;
  readonly ttl: TtlSettings;
  readonly origin: OriginSource;
  /** Which of its objects are kept in slices; as everywhere when left out. */
  readonly slices?: ZoneConfiguration['slices'];
  readonly finish?: Zone['finish'];
  readonly asked?: Zone['asked'];
  readonly codings?: Zone['codings'];
  /** Of this edge's secret for its own gateway; no other origin gets it. */
  readonly edgeSecret?: string | undefined;
  readonly close: () => void;
}

/** @param onEntry gets each purge, where purges are kept */
export function createLedger(onEntry?: (entry: Uint8Array) => void): PurgeLedger {
  return new PurgeLedger({ marksMax: edgeLimits.purgesRemembered, patternsMax: edgeLimits.purgePatternsRemembered, compile: compilePattern, onEntry });
}

/** Wires the cache: store and ledger, the zone of the platform's own media over them, and the table of all others. */
export function createEdgeCache(init: EdgeCacheInit, deps: EdgeCacheDeps): EdgeCache {
  const limits = { ...edgeLimits, ...init.limits };
  const { now } = deps;
  const keys = init.keys ?? defaultKeyPolicy;
  const { objectsMax, variantsMax } = limits;
  const ledger = deps.ledger ?? createLedger();
  const reclaimed = new ReclaimedCounts<CountedPurge>();
  const onPurged = (generation: number): void => reclaimed.count(generation);
  const hooks: PrefetchHooks = { prefetch: undefined };
  const store = new ObjectStore({
    ...{ bytesMax: init.memoryBytesMax, objectsMax, variantsMax, ledger, onPurged, eviction: init.eviction, disk: deps.disk },
    aheadBytesMax: init.prefetch === undefined ? 0 : Math.floor(init.memoryBytesMax * aheadShare),
    onAhead: (object, source, outcome) => hooks.prefetch?.outcome(object, source, outcome),
  });
  const zone = zoneMaker(init, { ...deps, store, ledger, hooks });
  const media = zone({
    id: platformZoneId,
    version: 0,
    epoch: 0,
    tenant: '',
    hostInKey: false,
    normalise: (target) => normaliseTarget(target, keys),
    keyOfUrl: (url) => keyOfUrl(url, keys),
    bypasses: (path) => (init.passPrefixes ?? passPrefixes).some((prefix) => path.startsWith(prefix)),
    ttl: init.ttl ?? mediaTtlSettings,
    origin: new ReloadOrigin({ origin: ownOrigin(init, deps), generation: () => ledger.generation, now }),
    local: deps.local,
    edgeSecret: init.edgeSecret,
    close: () => undefined,
  });
  const zones = new ZoneTable(media, init.ownHosts);
  const prefetch =
    init.prefetch === undefined ? undefined : new EdgePrefetch(init.prefetch, { zones, now, has: (key) => store.has(key), onError: deps.onError });
  hooks.prefetch = prefetch;
  const handler: EdgeHandler = (request) => {
    const host = request.field('host');
    const site = zones.siteOf(host);
    const asked = site.zone.asked === undefined ? request : site.zone.asked(request);
    prefetch?.see(asked, site);
    request.zone = site.zone;
    const reply = site.zone.handler.handle(asked, host, site.keyPrefix);
    return site.zone.finish === undefined ? reply : finished(request, reply, site.zone.finish);
  };
  const fills = {
    get running(): number {
      return zones.all().reduce((sum, each) => sum + each.fills.running, 0);
    },
  };
  return { handler, store, fills, purger: new Purger({ ledger, store, zones, reclaimed, now }), ledger, reclaimed, zones, prefetch, zone };
}

/** The gateways: they hold what is asked for too early, and one that is gone is soon back. */
function ownOrigin({ originPatienceMs: patienceMs = 0 }: EdgeCacheInit, { client: first, counters, gateways = [], now }: EdgeCacheDeps): OriginSource {
  const { againMs, probeTarget } = edgeLimits.originReturn;
  // One look at a time needs no rest besides its own.
  const rests = patienceMs === 0 ? {} : { downMs: againMs, refusedMs: againMs };
  const guard = (client: OriginClient): GuardedOrigin => new GuardedOrigin(client, { ...edgeLimits.origin, ...rests }, counters, now);
  const guarded = gateways.length > 1 ? gatewayPool(gateways, guard, now) : guard(first);
  return patienceMs === 0 ? guarded : new PatientOrigin(guarded, { patienceMs, againMs, probeTarget }, { now });
}

/** Each key keeps its gateway while that is well: what a gateway has in memory is not there twice. */
function gatewayPool(gateways: readonly NamedClient[], guard: (client: OriginClient) => GuardedOrigin, now: () => number): OriginPool {
  const { health, ...fortunes } = edgeLimits.gateways;
  const members = gateways.map(({ client, url }) => ({ url, source: guard(client), weight: 1, backup: false }));
  const pool = new OriginPool(members, { balance: 'hash', attempts: members.length - 1, ...fortunes }, now);
  // What may not be repeated is not to find out that one is away.
  for (const { source, url } of members) HealthCheck.begin(health, { pool, source, url, host: undefined });
  return pool;
}

async function finished(request: EdgeRequest, reply: EdgeReply | Promise<EdgeReply>, finish: NonNullable<Zone['finish']>): Promise<EdgeReply> {
  return finish(request, await reply);
}

/** What fills tell, once there is somebody to tell it to. */
interface PrefetchHooks {
  prefetch: EdgePrefetch | undefined;
}

interface Shared extends EdgeCacheDeps {
  readonly hooks: PrefetchHooks;
  readonly store: ObjectStore;
  readonly ledger: PurgeLedger;
}

/** What may not be kept whole is cut, and no slice is larger than what may. */
function sliceSettings({ fromBytes, sliceBytes }: NonNullable<ZoneConfiguration['slices']> = {}, objectBytesMax: number): SliceSettings {
  return {
    fromBytes: Math.min(fromBytes ?? edgeLimits.slices.fromBytes, objectBytesMax),
    sliceBytes: Math.min(sliceBytes ?? edgeLimits.slices.sliceBytes, objectBytesMax),
  };
}

function zoneMaker(init: EdgeCacheInit, shared: Shared): (plan: ZonePlan) => Zone {
  const limits = { ...edgeLimits, ...init.limits };
  const { bytesOf, counters, hooks, keep, ledger, now, onError, siblings, store, shared: tier } = shared;
  // Of the processes of one node, that which asks the origin also asks the other edges.
  const tierOf = tier === undefined ? undefined : (key: string) => (siblings?.owns(key) === false ? undefined : tier);
  const name = cacheName(init.edgeId);
  const objectBytesMax = Math.min(limits.objectBytesMax, Math.floor(init.memoryBytesMax * limits.objectShareMax));
  const { claimTimeoutMs, requestBytesMax, streamBytesMax, wholeBytesMax, wholeWaitMs } = limits;
  return ({ normalise, bypasses, avoidsHits, redirect, local, ttl, origin, edgeSecret, slices: cut, ...plan }) => {
    const tenant = plan.tenant === '' ? platformTenant : plan.tenant;
    const trust = (): Trust => shared.trust(tenant);
    const scope = { tenant, labels: [zoneLabel(plan.id), tenantLabel(tenant)] };
    const behind = siblings === undefined ? origin : siblings.source(plan.id, origin);
    const common = { origin: behind, store, ledger, scope, ttl, pseudonym: init.edgeId, now };
    const slices = new Slices(sliceSettings(cut, objectBytesMax), { ...common, keep, bytesOf, streamBytesMax, shared: tierOf, trust });
    const fills = new Fills({
      ...{ ...common, slices, objectBytesMax, streamBytesMax, claimTimeoutMs, keep, bytesOf, trust },
      shared: tierOf,
      onDemand: (key, source) => hooks.prefetch?.demanded(key, source),
      looksAt: (fill, response) => hooks.prefetch?.looksAt(fill, response) === true,
      beforeStored: (fill, response, chunks) => hooks.prefetch?.prepare(fill, response, chunks),
    });
    const passThrough = new PassThrough({ ...common, siblings, shared: tier, counters, normalise, cacheName: name, edgeSecret, requestBytesMax });
    const onMiss = (key: string, fields: Fields): void => hooks.prefetch?.missed(key, fields);
    const handler = new CacheHandler(
      { cacheName: name, pseudonym: init.edgeId, normalise, bypasses, avoidsHits, redirect, wholeBytesMax, wholeWaitMs },
      { store, fills, slices, passThrough, keep, counters, now, trust, local, onError, onMiss },
    );
    return { ...plan, handler, fills };
  };
}
