import { openEngines } from '#adapters/engines';
import { cacheName, type Trust } from '#core/http-cache';
import { topicPartitions } from '#events';
import { hasCode, OperatingError } from '#kernel';
import type { EventLog } from '#ports';
import {
  endOnError,
  endOnSignal,
  exitCodeOf,
  misconfigured,
  createLogger,
  FactPublisher,
  Lifecycle,
  observeEngines,
  openTelemetry,
  type Logger,
  type Telemetry,
  waitingLog,
} from '#runtime';
import { join } from 'node:path';
import { Revalidator } from './cache/revalidator.ts';
import { createEdgeCache, type EdgeCache } from './cache/edge-cache.ts';
import { edgeLimits } from './edge.constants.ts';
import type { EdgeSettings } from './edge.config.ts';
import { EdgeCounters } from './edge-counters.ts';
import { observeEdge, observeRevalidations } from './edge.telemetry.ts';
import { AudienceCounter } from './facts/audience.core.ts';
import { EdgeFacts } from './facts/edge-facts.ts';
import { closingWhileDraining } from './fleet/draining.ts';
import type { Gateways } from './gateway/gateways.ts';
import { joinFleet } from './fleet/join-fleet.ts';
import { Membership } from './fleet/membership.ts';
import { StandingBook } from './fleet/standing-book.ts';
import { closeAll, platformOf, type EdgePlatform } from './edge-platform.ts';
import { localPaths } from './local-paths.ts';
import { dryRunsOf } from './purge/dry-runs.ts';
import { Leaving } from './processes/leaving.ts';
import type { SiblingSettings } from './processes/processes.config.ts';
import { SiblingDoor, type SiblingDoorDeps } from './processes/sibling-door.ts';
import { Siblings, type SiblingsDeps } from './processes/siblings.ts';
import { DoubtPolicies } from './purge/doubt-policies.ts';
import { AppliedPurges } from './purge/applied-purges.ts';
import { OriginDoor } from './purge/origin-door.ts';
import { purgeDoor } from './purge/purge-door.ts';
import { followPeers } from './peers/follow-peers.ts';
import { peerPaths } from './peers/peer-paths.ts';
import { PurgeTail, purgeTopic } from './purge/purge-tail.ts';
import { reclaimPurged } from './purge/reclaim-purged.ts';
import { ClientLoad } from './server/client-load.ts';
import { openListeners } from './server/edge-listeners.ts';
import type { EdgeHandler } from './server/exchange.ts';
import { openSharedTier, type OpenSharedTier, type SharedTierParts } from './shared-tier/open-shared-tier.ts';
import type { SharedPurges } from './shared-tier/shared-purges.ts';
import type { KnownPurges, SharedTier } from './shared-tier/shared-tier.ts';
import type { DiskStore } from './store/disk-store.ts';
import { openEdgeDisk } from './store/edge-disk.ts';
import { takeIncarnation } from './state/incarnation.file.ts';
import { followModels } from './prefetch/follow-models.ts';
import type { ModelKeeper } from './prefetch/model-keeper.ts';
import { followZones } from './zones/follow-zones.ts';
import type { ZoneKeeper } from './zones/zone-keeper.ts';
import { WarmBook } from './warm/warm-book.ts';
import { warmerOf, type Warmer } from './warm/warmer.ts';
import { WarmsFile } from './warm/warms.file.ts';
import { openWitness, type OpenWitnessDeps } from './witness/open-witness.ts';
import type { WitnessAnswers } from './witness/witness-answers.ts';
import { recordTraffic } from './traffic/record-traffic.ts';
import { webSocketPaths } from './websocket-paths.ts';
import { witnessPaths } from './witness/witness-paths.ts';
import { OffsetsFile } from './state/offsets.file.ts';

/** Runs an edge until it is told to stop: catch up with the purges, listen, follow the log, report. */
export async function runEdge(settings: EdgeSettings): Promise<void> {
  // Its state is nobody else's to read.
  process.umask(0o077);
  const logger = await createLogger({ name: 'edge', ...settings });
  const lifecycle = new Lifecycle({ logger, deadlineMs: edgeLimits.drainMs + 2000 });
  endOnError(logger);
  endOnSignal(logger, lifecycle, settings.supervised);
  try {
    await start(settings, logger, lifecycle);
  } catch (err) {
    if (lifecycle.stopping.aborted) return;
    const taken = hasCode(err, 'EADDRINUSE') || hasCode(err, 'PORT_TAKEN');
    logger.fatal({ err: taken ? undefined : err }, taken ? portTaken(settings, err) : `the edge cannot start: ${String(err)}`);
    process.exit(taken || hasCode(err, 'CERTIFICATE_INVALID') ? misconfigured : exitCodeOf(err));
  }
}

function portTaken({ listening }: EdgeSettings, err: unknown): string {
  const secure = listening.tls !== undefined && (err as { port?: unknown }).port === listening.tls.port;
  return `Port ${secure ? listening.tls?.port : listening.port} is taken: stop what listens there, or set ${secure ? 'EDGE_TLS_PORT' : 'EDGE_PORT'} to another port.`;
}

async function start(settings: EdgeSettings, logger: Logger, lifecycle: Lifecycle): Promise<void> {
  const now = (): number => Date.now();
  const platform = await platformOf(settings);
  const { gateways } = platform;
  const telemetry = await openTelemetry({ app: 'edge', node: settings.edgeId, settings: settings.telemetry, logger, lifecycle });
  const engines = observeEngines(await openEngines({ ...settings, onWaiting: waitingLog(logger) }, 'log'), telemetry);
  lifecycle.onStop('engines', 'engines', () => engines.close());
  const takeEpoch = (): Promise<number> => takeIncarnation(join(settings.statePath, 'incarnation'), now());
  const incarnation = await takeEpoch();
  const publisher = new FactPublisher({ ...engines, source: `/edge/${settings.edgeId}`, actor: `edge:${settings.edgeId}` });
  const facts = new EdgeFacts({ edgeId: settings.edgeId, incarnation }, { publisher, takeEpoch, stopping: lifecycle.stopping });
  const counters = new EdgeCounters();
  const { book, membership } = membershipOf(settings);
  const { disk, ledger } = await openEdgeDisk(settings.disk, { platform, logger, lifecycle, now });
  const policies = new DoubtPolicies(settings.inDoubt, edgeLimits.doubtFreshMs);
  const parts: EdgeParts = { disk };
  const purgesKnown = (): boolean => parts.tail !== undefined && now() - parts.tail.knownUntilMs <= edgeLimits.purgeDoubtAfterMs;
  const view = {
    edgeId: settings.edgeId,
    health: telemetry.health,
    status: () => statusOf({ edgeId: settings.edgeId, incarnation, purgesKnown: purgesKnown(), fleet: membership.status() }, counters, parts),
  };
  const mark = () => (purgesKnown() ? parts.tail?.mark : undefined);
  const shared = await sharedTierOf(settings, { log: engines.log, lifecycle, logger, now, known: () => (purgesKnown() ? knownTo(parts.tail) : undefined) });
  const peers = peerPaths({ secret: settings.edgeSecret, store: () => parts.cache?.store, bytesOf: platform.bytesOf, mark, now });
  const onError = (err: unknown): void => logger.error({ err }, 'a request failed in the edge itself');
  const positions = (): readonly bigint[] => parts.tail?.positions ?? [];
  const { siblings, witness } = await withSiblings(settings, { positions, gateways, logger, now });
  const cache = createEdgeCache(settings, {
    ...{ client: platform.client, gateways: platform.origins, keep: platform.keep, bytesOf: platform.bytesOf },
    ...{ ledger, disk, shared: shared?.tier, siblings },
    counters,
    now,
    local: localOf(peers, localPaths(view, now), witnessPaths(witness, onError), webSocketsOf(settings)),
    onError,
    trust: (tenant) => policies.trust(tenant, purgesKnown()),
  });
  parts.cache = cache;
  parts.shared = shared?.tier;
  const onFatal = (err: unknown): void => endFenced(err, logger);
  const warms = new WarmBook({ topic: purgeTopic, file: new WarmsFile(join(settings.statePath, 'warms.json')), log: engines.log, logger });
  const warmer = warmerOf(settings, { book: warms, bytesOf: platform.bytesOf, cache, facts, lifecycle, onFatal, logger, now });
  const told = { applied: new AppliedPurges(now), gateways, logger, now, onFatal, telemetry };
  const tail = purgeTailOf(settings, { ...told, cache, disk, engines, facts, shared: shared?.purges(cache.purger), warmer, warms });
  parts.tail = tail;
  observeEdge(telemetry, { counters, cache, disk, shared: shared?.tier, tail, purgesKnown, now });
  // First the zones: under which key a URL is purged is theirs to say.
  const models = await followModels(settings, { gateways, prefetch: cache.prefetch, lifecycle, logger });
  parts.models = models;
  const about = { log: engines.log, logger, now, telemetry };
  const zones = await followZones(settings, { ...about, book, cache, counters, lifecycle, models, onFatal, platform, policies });
  if (zones === undefined) return;
  parts.zones = zones;
  cache.zones.watch(({ id }) => shared?.tier.zoneChanged(id));
  await warmer.resume();
  await tail.catchUp(lifecycle.stopping);
  await engines.log.ensureTopic('edge', topicPartitions);
  if (lifecycle.stopping.aborted) return;
  const following = tail.run(lifecycle.stopping);
  lifecycle.onStop('work', 'purge tail', () => following);
  const trust = (tenant: string): Trust => policies.trust(tenant, purgesKnown());
  if (settings.siblings !== undefined)
    await openSiblingDoor(settings.siblings, { cache, shared: shared?.tier, bytesOf: platform.bytesOf, positions, trust, witness, now, logger }, lifecycle);
  parts.revalidator = revalidate(settings, { cache, lifecycle, now, onFatal });
  observeRevalidations(telemetry, parts.revalidator);
  await followPeers(settings, { gateways, cache, tail, purgesKnown, keep: platform.keep, lifecycle, logger, now });
  const watch = recordTraffic(settings, { cache, facts, incarnation, lifecycle, log: engines.log, logger, now, onFatal, telemetry });
  const fleet = { membership, disk, shared: shared?.tier, behindMs: behindOf(tail, purgesKnown) };
  await serve(settings, { ...told, platform, cache, facts, counters, lifecycle, watch, ...fleet });
}

/** The other processes of this edge, and the witness of all of them. */
async function withSiblings(
  settings: EdgeSettings,
  deps: SiblingsDeps & OpenWitnessDeps,
): Promise<{ readonly siblings: Siblings | undefined; readonly witness: WitnessAnswers }> {
  const siblings = settings.siblings === undefined ? undefined : new Siblings(settings.siblings, deps);
  return { siblings, witness: siblings?.witness ?? (await openWitness(settings, deps)) };
}

/** What operators decide about this edge, or the edge whose process it is, and what its key is worth. */
function membershipOf({ edgeId, fleet }: EdgeSettings): { readonly book: StandingBook; readonly membership: Membership } {
  const book = new StandingBook([edgeId, fleet.node]);
  return { book, membership: new Membership(book, fleet.key !== undefined) };
}

/** How far the edge may be behind with purges, ms. */
function behindOf(tail: PurgeTail, purgesKnown: () => boolean): () => number {
  return () => (purgesKnown() ? 0 : Math.max(0, Date.now() - tail.knownUntilMs));
}

function sharedTierOf({ sharedTier }: EdgeSettings, parts: SharedTierParts): Promise<OpenSharedTier> | undefined {
  return sharedTier === undefined ? undefined : openSharedTier(sharedTier, parts);
}

/** How far the purges were read, once they are. */
function knownTo(tail: PurgeTail | undefined): KnownPurges | undefined {
  return tail?.log === undefined ? undefined : { log: tail.log, positions: tail.positions };
}

interface TailParts {
  readonly applied: AppliedPurges;
  readonly cache: EdgeCache;
  readonly disk: DiskStore | undefined;
  readonly engines: { readonly log: EventLog };
  readonly facts: EdgeFacts;
  readonly logger: Logger;
  readonly now: () => number;
  readonly onFatal: (err: unknown) => void;
  readonly shared: SharedPurges | undefined;
  readonly telemetry: Telemetry;
  readonly warmer: Warmer;
  readonly warms: WarmBook;
}

function purgeTailOf(
  { edgeId, statePath }: EdgeSettings,
  { applied: known, cache, disk, engines, facts, logger, now, onFatal, shared, telemetry, warmer, warms }: TailParts,
): PurgeTail {
  return new PurgeTail(
    { edgeId, waitMs: edgeLimits.purgeWaitMs },
    {
      log: engines.log,
      purger: cache.purger,
      journal: disk?.journal,
      shared,
      offsets: new OffsetsFile(join(statePath, 'offsets.json'), purgeTopic),
      ...{ logger, now },
      acknowledge: (applied, tenant, causes) => {
        for (const { data } of applied) known.note(data.purgeId);
        return facts.publish('cache', applied, tenant, causes);
      },
      onCountRequested: dryRunsOf({ edgeId, cache, facts, now, onFatal, logger }),
      onWarmRequested: (event, place) => warmer.take(event, place),
      warmsKept: () => warms.flush(),
      onFatal,
      health: telemetry.health,
    },
  );
}

/** Asks origins about what many ask for, until the edge stops. */
function revalidate(
  { revalidatePerSecond }: EdgeSettings,
  { cache, lifecycle, now, onFatal }: Pick<Serving, 'cache' | 'lifecycle' | 'onFatal'> & { readonly now: () => number },
): Revalidator {
  const revalidator = new Revalidator({ perSecond: revalidatePerSecond }, { ...cache, now });
  const running = revalidatePerSecond === 0 ? Promise.resolve() : revalidator.run(lifecycle.stopping).catch(onFatal);
  lifecycle.onStop('work', 'revalidator', () => running);
  return revalidator;
}

async function openSiblingDoor(siblings: SiblingSettings, deps: SiblingDoorDeps, lifecycle: Lifecycle): Promise<void> {
  lifecycle.onStop('accept', 'sibling door', await new SiblingDoor(deps).open(siblings));
}

/** What there is of an edge that starts. */
interface EdgeParts {
  tail?: PurgeTail;
  cache?: EdgeCache;
  readonly disk: DiskStore | undefined;
  shared?: SharedTier | undefined;
  zones?: ZoneKeeper;
  models?: ModelKeeper | undefined;
  revalidator?: Revalidator;
}

function statusOf(
  about: Readonly<Record<string, unknown>>,
  counters: EdgeCounters,
  { cache, disk, models, revalidator, shared, tail, zones }: EdgeParts,
): Readonly<Record<string, unknown>> {
  return {
    ...about,
    positions: tail?.positions.map(String),
    fills: cache?.fills.running,
    ...counters.snapshot(),
    ...gauges(cache),
    disk: disk?.status(),
    shared: shared?.status(),
    zones: zones?.status(),
    revalidated: revalidator?.counts,
    prefetch: cache?.prefetch?.counters.snapshot(),
    models: models?.status().map((model) => ({ ...model, precision: cache?.prefetch?.foresight.precision(model.zone) ?? null })),
  };
}

type LocalPaths = ReturnType<typeof localPaths>;

function webSocketsOf({ edgeId, edgeSecret, originUrls }: EdgeSettings): LocalPaths {
  return webSocketPaths({ originUrls, pseudonym: edgeId, cacheName: cacheName(edgeId), edgeSecret });
}

function localOf(peers: LocalPaths, own: LocalPaths, witness: LocalPaths, webSockets: LocalPaths): LocalPaths {
  return (request, target) => peers(request, target) ?? witness(request, target) ?? own(request, target) ?? webSockets(request, target);
}

function gauges(cache: EdgeCache | undefined): { objects: number; memoryBytes: number } {
  return { objects: cache?.store.size ?? 0, memoryBytes: cache?.store.bytes ?? 0 };
}

interface Serving {
  readonly gateways: Gateways;
  readonly applied: AppliedPurges;
  readonly platform: EdgePlatform;
  readonly cache: EdgeCache;
  readonly facts: EdgeFacts;
  readonly counters: EdgeCounters;
  readonly logger: Logger;
  readonly lifecycle: Lifecycle;
  readonly onFatal: (err: unknown) => void;
  readonly telemetry: Telemetry;
  readonly watch: (handler: EdgeHandler) => EdgeHandler;
  readonly membership: Membership;
  readonly disk: DiskStore | undefined;
  readonly shared: SharedTier | undefined;
  /** How far this edge may be behind with purges. */
  readonly behindMs: () => number;
}

async function serve(settings: EdgeSettings, parts: Serving): Promise<void> {
  const { applied, cache, counters, disk, facts, gateways, lifecycle, logger, membership, onFatal, platform, telemetry, watch } = parts;
  reclaimPurged({ cache, facts, lifecycle, onFatal, now: Date.now, edgeId: settings.edgeId });
  const audience = new AudienceCounter();
  const { edgeId, edgeSecret } = settings;
  const origins = new OriginDoor({
    edgeId,
    edgeSecret,
    cacheName: cacheName(edgeId),
    gateways,
    applied,
    now: Date.now,
    logger,
  });
  const answering = purgeDoor({ zones: cache.zones, cacheName: cacheName(edgeId), origins }, cache.handler);
  const handler: typeof cache.handler = (request) => {
    audience.see(request, Date.now());
    return answering(request);
  };
  const load = new ClientLoad({ requestsMax: settings.listening.clientRequestsMax, cacheName: cacheName(settings.edgeId) });
  const leaving = new Leaving(settings.processes.leaveMs);
  const draining = { isOutside: () => leaving.asked || membership.outside !== undefined };
  const server = await openListeners(
    { ...settings.listening, host: settings.host, shared: settings.sharesPort, idleTimeoutS: edgeLimits.idleTimeoutS, speaksHttp3: settings.runtime === 'bun' },
    { listen: platform.listen, handler: closingWhileDraining(load.limit(handler), draining), watch, logger, now: () => Date.now() },
  );
  lifecycle.onStop('accept', 'server', () => server.close(edgeLimits.drainMs));
  if (settings.siblings !== undefined) leaving.listen({ lifecycle, logger, handOver: () => server.leave(), sendAway: () => server.sendAway() });
  lifecycle.onStop('leases', 'origin client', () => closeAll(platform.origins));
  const url = `http://${settings.publicHost}:${server.port}`;
  await joinFleet(settings, server, {
    ...{ audience, facts, gateways, lifecycle, logger, membership, onFatal },
    counted: () => ({ ...counters.snapshot(), ...gauges(cache), prefetch: cache.prefetch?.counters.told() ?? [] }),
    gauges: () => ({
      activeRequests: load.total,
      diskBytes: disk?.status().bytes ?? 0,
      behindMs: parts.behindMs(),
      sharedTier: parts.shared?.status().state ?? null,
    }),
  });
  telemetry.health.needs('membership', async () => {
    if (membership.outside !== undefined) throw new Error(membership.outside);
  });
  telemetry.health.serving();
  logger.info(
    {
      ready: true,
      url,
      port: server.port,
      tlsPort: server.tlsPort,
      origin: settings.originUrls.join(', '),
      runtime: settings.runtime,
      memoryBytesMax: settings.memoryBytesMax,
    },
    `edge ${settings.edgeId} serves ${settings.originUrls.join(', ')} at ${url}`,
  );
}

/** Another process of this edge has taken over, or the log refuses what this one says: it must not go on as if it were the edge. */
function endFenced(err: unknown, logger: Logger): void {
  const fenced = err instanceof OperatingError && err.code === 'PRODUCER_FENCED';
  logger.fatal({ err }, fenced ? 'another process runs this edge: give each its own EDGE_ID' : `ending: ${String(err)}`);
  process.exit(1);
}
