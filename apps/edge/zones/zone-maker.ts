import { cacheName } from '#core/http-cache';
import type { ZoneOrigin as OriginSetting } from '#events';
import { edgeLimits } from '../edge.constants.ts';
import type { EdgeCache, ZonePlan } from '../cache/edge-cache.ts';
import type { EdgeCounters } from '../edge-counters.ts';
import type { AddressGuard } from '../origin/address-guard.ts';
import { GuardedOrigin, type OriginLimits } from '../origin/guarded-origin.ts';
import type { OriginClient } from '../origin/origin-client.ts';
import type { ConnectOrigin, OriginEndpoint } from '../origin/origin-endpoint.ts';
import { OriginPool } from '../origin/origin-pool.ts';
import { RecentPurges } from './recent-purges.ts';
import { HealthCheck } from './zone-health.ts';
import { carriedTagsHider, shieldProof } from './shield-tags.ts';
import { ZoneOrigin } from './zone-origin.ts';
import { zonePlan, type ZoneVersion } from './zone-plan.ts';
import { ZoneRules } from './zone-rules.ts';
import { ZoneWebSockets } from './zone-websockets.ts';
import type { Zone } from './zone.ts';

export interface ZoneMakerDeps {
  /** This edge's own id: it is its own shield's origin side. */
  readonly edgeId: string;
  /** Shared by all edges: without it none can be told from a stranger, and there is no shield. */
  readonly edgeSecret?: string | undefined;
  readonly cache: EdgeCache;
  readonly connect: ConnectOrigin;
  readonly guard: AddressGuard;
  readonly counters: EdgeCounters;
  readonly now: () => number;
}

/** A zone that serves, and the origins that it asks. */
export interface MadeZone {
  readonly zone: Zone;
  readonly pool: OriginPool;
}

/** What a client is good for: two versions of a zone with the same share its connections. */
function endpointOf({ http2, tls, url }: OriginSetting, connectTimeoutMs: number, guard: AddressGuard): OriginEndpoint {
  return { url, connectTimeoutMs, http2: http2 === true, serverName: tls?.serverName, ca: tls?.ca, guard };
}

interface SharedClient {
  readonly client: OriginClient;
  users: number;
}

/** Makes of versions of zones what serves them. */
export class ZoneMaker {
  readonly #deps: ZoneMakerDeps;
  readonly #clients = new Map<string, SharedClient>();
  readonly #purges: RecentPurges;

  constructor(deps: ZoneMakerDeps) {
    this.#deps = deps;
    this.#purges = new RecentPurges(deps.cache.ledger, deps.now);
  }

  /** @param before whose knowledge of the origins lives on */
  async make(version: ZoneVersion, before: OriginPool | undefined): Promise<MadeZone> {
    const { cache, edgeId, edgeSecret, now } = this.#deps;
    const { configuration } = version;
    const rules = new ZoneRules(configuration);
    const { limits, connectTimeoutMs } = limitsOf(version);
    const held: string[] = [];
    const source = async (endpoint: OriginEndpoint): Promise<GuardedOrigin> => {
      const [key, client] = await this.#clientFor(version.id, endpoint);
      held.push(key);
      return new GuardedOrigin(client, limits, this.#deps.counters, now);
    };
    const endpoints = configuration.origins.map((origin) => endpointOf(origin, connectTimeoutMs, this.#deps.guard));
    const members = await Promise.all(
      configuration.origins.map(async ({ backup = false, url, weight = 1 }, at) => {
        return { url, weight, backup, source: await source(endpoints[at] as OriginEndpoint) };
      }),
    );
    const { balance = 'weighted', ejection = {}, retries = {} } = configuration;
    const pool = new OriginPool(
      members,
      {
        ...{ balance, attempts: retries.attempts ?? 1, budget: (retries.budgetPercent ?? 20) / 100 },
        ...{ failures: ejection.failures ?? 5, holdMs: (ejection.holdSeconds ?? 10) * 1000 },
      },
      now,
    );
    if (before !== undefined) pool.inherit(before);
    const checks = this.#checks(version, pool, members);
    const { shieldUrl } = version;
    const isShield = configuration.shield === edgeId;
    const shielded = shieldUrl !== null && !isShield && edgeSecret !== undefined;
    const shield = shielded ? await source({ url: shieldUrl, connectTimeoutMs, http2: false }) : undefined;
    const proof = shielded ? shieldProof(edgeSecret, version.id) : undefined;
    const origin = new ZoneOrigin(
      { configuration, rules, isShield, proof, shieldHost: (configuration.hosts[0] as string).replace(/^\*\./, 'shield.') },
      { origins: pool, shield, purgedLately: () => this.#purges.any(), now },
    );
    const close = (): void => {
      for (const check of checks) check.stop();
      for (const key of held) this.#release(key);
    };
    const finish = isShield ? { finish: carriedTagsHider(edgeSecret, version.id) } : {};
    const webSockets = new ZoneWebSockets({ pseudonym: edgeId, cacheName: cacheName(edgeId) }, { pool, endpoints, origin, now });
    const local: ZonePlan['local'] = (request, path) => webSockets.open(request, path);
    return { zone: cache.zone({ ...zonePlan(version, rules, { origin, local, close }), ...finish }), pool };
  }

  #checks({ configuration }: ZoneVersion, pool: OriginPool, members: readonly { readonly url: string; readonly source: GuardedOrigin }[]): HealthCheck[] {
    const { healthCheck, hostHeader = 'origin', hosts } = configuration;
    if (healthCheck === undefined) return [];
    const host = hostHeader === 'origin' ? undefined : hostHeader === 'request' ? hosts.find((name) => !name.startsWith('*')) : hostHeader;
    return members.map(({ source, url }) => new HealthCheck(healthCheck, { pool, source, url, host }));
  }

  async #clientFor(zoneId: string, { guard, ...endpoint }: OriginEndpoint): Promise<readonly [string, OriginClient]> {
    const key = JSON.stringify([zoneId, guard !== undefined, endpoint]);
    const known = this.#clients.get(key);
    const shared = known ?? { client: await this.#deps.connect({ ...endpoint, guard }), users: 0 };
    shared.users++;
    this.#clients.set(key, shared);
    return [key, shared.client];
  }

  #release(key: string): void {
    const shared = this.#clients.get(key);
    if (shared === undefined || --shared.users > 0) return;
    this.#clients.delete(key);
    void shared.client.close();
  }
}

function limitsOf({ configuration }: ZoneVersion): { readonly limits: OriginLimits; readonly connectTimeoutMs: number } {
  const { connectSeconds, headSeconds, silenceSeconds } = configuration.timeouts ?? {};
  const { origin } = edgeLimits;
  const headTimeoutMs = headSeconds === undefined ? origin.headTimeoutMs : headSeconds * 1000;
  return {
    connectTimeoutMs: connectSeconds === undefined ? edgeLimits.connectTimeoutMs : connectSeconds * 1000,
    limits: {
      ...origin,
      headTimeoutMs,
      // Only the platform's own gateway holds requests on purpose.
      waitTimeoutMs: headTimeoutMs,
      silenceTimeoutMs: silenceSeconds === undefined ? origin.silenceTimeoutMs : silenceSeconds * 1000,
    },
  };
}
