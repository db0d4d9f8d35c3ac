import { cacheName, defaultKeyPolicy, mediaTtlSettings, type TtlSettings } from '#core/http-cache';
import type { ZoneConfiguration } from '#events';
import { createLogger, endOnError, endOnSignal, Lifecycle } from '#runtime';
import { createEdgeCache, type EdgeCache } from '../cache/edge-cache.ts';
import { EdgeCounters } from '../edge-counters.ts';
import { closeAll, platformOf, type EdgePlatform } from '../edge-platform.ts';
import { edgeLimits } from '../edge.constants.ts';
import { ClientLoad } from '../server/client-load.ts';
import { openListeners, type EdgeListeners } from '../server/edge-listeners.ts';
import { AddressGuard } from '../origin/address-guard.ts';
import { openSiteTier } from '../shared-tier/open-shared-tier.ts';
import { openEdgeDisk } from '../store/edge-disk.ts';
import { keepToSite, siteName } from './site-disk.ts';
import { ZoneMaker } from '../zones/zone-maker.ts';
import { purgersOf } from '../zones/zone-plan.ts';
import { webSocketPaths } from '../websocket-paths.ts';
import { siteHandler } from './site-handler.ts';
import type { SiteSettings } from './site.config.ts';

const edgeId = 'edge';

/** What the origin says counts; this is for what it does not say. */
function ttlOf(ttlMs: number | undefined): TtlSettings {
  if (ttlMs === undefined) return mediaTtlSettings;
  const { rules, otherwise, ...rest } = mediaTtlSettings;
  return { ...rest, rules: rules.map((rule) => ({ ...rule, defaultMs: ttlMs })), otherwise: { ...otherwise, defaultMs: ttlMs } };
}

/** An edge in front of one origin: no platform, no log. What is purged here is purged here alone. */
export async function runAlone(site: SiteSettings): Promise<void> {
  const runtime = 'Bun' in globalThis ? 'bun' : 'node';
  const logger = await createLogger({ name: 'edge', node: edgeId, logFormat: 'pretty', logLevel: 'warn' });
  const lifecycle = new Lifecycle({ logger, deadlineMs: edgeLimits.drainMs + 1000 });
  endOnError(logger);
  endOnSignal(logger, lifecycle, false);
  const platform = await platformOf({ runtime, originUrls: [site.originUrl], originConnectionsMax: site.originConnectionsMax });
  const trust = { purgesKnown: true, doubtFreshMs: 0 };
  const counters = new EdgeCounters();
  const now = (): number => Date.now();
  const { disk, ledger } = await openEdgeDisk(site.disk, { platform, logger, lifecycle, now });
  const shared = site.shared === undefined ? undefined : await openSiteTier(site.shared, siteName(site), { lifecycle, logger, now });
  const cache = createEdgeCache(
    {
      edgeId,
      eviction: site.eviction,
      memoryBytesMax: site.memoryBytesMax,
      ttl: ttlOf(site.ttlMs),
      keys: defaultKeyPolicy,
      passPrefixes: [],
      prefetch: site.prefetch,
    },
    {
      client: platform.client,
      keep: platform.keep,
      bytesOf: platform.bytesOf,
      ...{ counters, disk, ledger, now, shared: shared?.tier },
      trust: () => trust,
      local: webSocketPaths({ originUrls: [site.originUrl], pseudonym: edgeId, cacheName: cacheName(edgeId) }),
      onError: (err) => logger.error({ err }, 'a request failed in the edge itself'),
    },
  );
  if (site.disk !== undefined && disk !== undefined) await keepToSite(site, site.disk.path, { disk, purger: cache.purger });
  if (site.zone !== undefined) await serveZone(site.zone, { cache, counters, platform });
  const { hosts, purgeKey, purgers } = site;
  const whole = siteHandler(
    {
      hosts,
      isPurger: purgersOf(purgers),
      purgeKey,
      cacheName: cacheName(edgeId),
      purger: cache.purger,
      flush: () => cache.store.flush(),
      shared: shared?.epoch,
    },
    cache.handler,
  );
  const handler = new ClientLoad({ requestsMax: edgeLimits.clientRequestsMax, cacheName: cacheName(edgeId) }).limit(whole);
  const listeners = await openListeners(listeningOf(site, runtime === 'bun'), { listen: platform.listen, handler, logger, now: () => Date.now() });
  lifecycle.onStop('accept', 'server', () => listeners.close(edgeLimits.drainMs));
  lifecycle.onStop('leases', 'origin client', () => closeAll(platform.origins));
  process.stdout.write(welcome(site, listeners));
}

interface ZoneParts {
  readonly cache: EdgeCache;
  readonly counters: EdgeCounters;
  readonly platform: EdgePlatform;
}

/** As the edges of a platform serve the same configuration. Whoever wrote the file may name origins of the own network. */
async function serveZone(configuration: ZoneConfiguration, { cache, counters, platform }: ZoneParts): Promise<void> {
  const guard = new AddressGuard({ privateAddresses: true });
  const maker = new ZoneMaker({ edgeId, cache, connect: platform.connect, guard, counters, now: () => Date.now() });
  const { zone } = await maker.make({ id: 'site', tenant: '', version: 1, epoch: 1, configuration, shieldUrl: null }, undefined);
  cache.zones.put(zone, configuration.hosts);
}

function listeningOf(site: SiteSettings, speaksHttp3: boolean): Parameters<typeof openListeners>[0] {
  const { tls } = site;
  const certificates = tls === undefined ? undefined : ({ kind: 'folder', path: tls.folder } as const);
  return {
    host: site.host,
    port: site.port,
    shared: false,
    speaksHttp3,
    idleTimeoutS: edgeLimits.idleTimeoutS,
    tls:
      tls === undefined || certificates === undefined
        ? undefined
        : { port: tls.port, certificates, minVersion: 'TLSv1.3', http3: true, redirect: false, hstsSeconds: 0 },
    balancers: undefined,
    clientConnectionsMax: edgeLimits.clientConnectionsMax,
    clientRequestsMax: edgeLimits.clientRequestsMax,
  };
}

function welcome(site: SiteSettings, { port, tlsPort }: EdgeListeners): string {
  const name = site.hosts.find((host) => !host.startsWith('*.'));
  const host = /^(?:0\.0\.0\.0|\[?::\]?)$/.test(site.host) ? 'localhost' : site.host;
  const url = `http://${host}:${port}`;
  const named = name === undefined ? '' : `-H 'host: ${name}' `;
  return [
    `The edge serves ${site.originUrl} at ${url}${tlsPort === undefined ? '' : ` and https://${host}:${tlsPort}`}`,
    '',
    `  try it, twice:  curl -si ${named}${url}/ | grep -i -e ^http -e cache-status -e ^age`,
    `  forget a page:  curl -X PURGE -H 'authorization: Bearer ${site.purgeKeyIsNew ? site.purgeKey : 'KEY'}' ${url}/page`,
    `  forget all:     the same for ${url}/*`,
    ...(site.purgeKeyIsNew ? ['', '  The key is new at each start; purgeKey in the file keeps one.'] : []),
    '',
    'Ctrl-C ends it.',
    '',
  ].join('\n');
}
