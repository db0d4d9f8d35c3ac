import { standsAlways, tenantAggregate, tenantAggregateId, type KeyGrant, type Scope } from '#domain/access';
import { temporaryPostgres } from '#adapters/embedded-postgres';
import { openEngines } from '#adapters/engines';
import {
  MemoryAggregateStore,
  MemoryBlobStore,
  MemoryEventIndex,
  MemoryEffectStore,
  MemoryEventLog,
  MemoryKeptErasures,
  MemoryLeaseStore,
  MemoryLedgerStore,
  MemoryOutbox,
  MemoryPastStore,
  MemoryProjectionBuilds,
  MemoryProjectionStore,
  MemoryRateLimiter,
  MemoryPublicationStore,
  MemoryReadStore,
  MemoryReadTotals,
  MemorySecretStore,
  MemorySubjectKeyStore,
} from '#adapters/memory';
import { LocalMasterKey, MemoryKeyRing } from '#adapters/master-key';
import { SealedEventLog } from '#adapters/sealed-log';
import { SystemClock, UuidV7IdSource } from '#adapters/system';
import { contexts, topicPartitions } from '#events';
import type { Clock, LeaseStore, Outbox, ProjectionBuilds, ProjectionStore, SubjectKeyStore } from '#ports';
import { runMigrations } from '#migrations';
import {
  appLogger,
  CommandExecutor,
  ConsumerHost,
  EventIndexKeeper,
  EventParking,
  FactPublisher,
  Lifecycle,
  LogEventIntake,
  OutboxRelay,
  PersonalData,
  readSharedSettings,
  SubjectKeys,
} from '#runtime';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { KeyIssuer } from '../access/key-issuer.ts';
import type { SubscriptionsInit } from '../events/subscriptions.ts';
import { createGateway } from '../gateway.app.ts';
import { readGatewaySettings, type GatewaySettings } from '../gateway.config.ts';
import { GrpcServer } from '../grpc/grpc-server.ts';
import type { GatewayEngines } from '../gateway-engines.ts';
import { gatewayModule, subscriptionDefaults } from '../gateway.module.ts';
import { projections } from '#read-models';

const logger = pino({ level: 'silent' });

/** Engines, and what the projector works with. */
export interface WorldEngines extends GatewayEngines {
  readonly leases: LeaseStore;
  readonly outbox: Outbox;
  readonly projections: ProjectionStore;
  readonly builds: ProjectionBuilds;
}

function personalOn(subjectKeys: SubjectKeyStore, clock: Clock): Pick<WorldEngines, 'subjectKeys' | 'master' | 'personal'> {
  const master = new LocalMasterKey(new MemoryKeyRing());
  return { subjectKeys, master, personal: new PersonalData(new SubjectKeys({}, { store: subjectKeys, master, clock, logger })) };
}

export function memoryEngines(): WorldEngines {
  const clock = new SystemClock();
  const outbox = new MemoryOutbox(clock);
  const projections = new MemoryProjectionStore(clock);
  const aggregates = new MemoryAggregateStore(outbox);
  const blobs = new MemoryBlobStore();
  const log = new SealedEventLog({}, { hot: new MemoryEventLog(clock), blobs: () => Promise.resolve(blobs) });
  return {
    ...personalOn(new MemorySubjectKeyStore(aggregates, clock), clock),
    clock,
    ids: new UuidV7IdSource(),
    outbox,
    projections,
    parked: projections.parked,
    builds: new MemoryProjectionBuilds(projections, clock),
    log,
    sealedLog: log,
    index: new MemoryEventIndex(clock),
    aggregates,
    reads: new MemoryReadStore(projections),
    totals: new MemoryReadTotals(projections),
    blobs,
    keptErasures: new MemoryKeptErasures(),
    leases: new MemoryLeaseStore(clock),
    ledger: new MemoryLedgerStore(clock),
    past: new MemoryPastStore(),
    effects: new MemoryEffectStore({ clock, outbox }),
    secrets: new MemorySecretStore(),
    limiter: new MemoryRateLimiter(),
    publications: new MemoryPublicationStore(clock),
  };
}

export interface RealEngines extends WorldEngines {
  readonly folder: string;
  readonly databaseUrl: string;
  dispose(): Promise<void>;
}

/**
 * SQLite, PostgreSQL and files, as on one machine; everything is deleted at the end.
 * @param env settings of engines in a cluster
 */
export async function realEngines(env: Readonly<Record<string, string>> = {}): Promise<RealEngines> {
  const folder = await mkdtemp(join(tmpdir(), 'gateway-engines-'));
  const postgres = await temporaryPostgres();
  await runMigrations(postgres.url);
  const settings = readSharedSettings({ ...env, STREAMS_DATA_DIR: folder });
  const engines = await openEngines({ ...settings, databaseUrl: postgres.url }, 'log', 'database', 'blobs', 'limits');
  const dispose = async (): Promise<void> => {
    await engines.close();
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  };
  return { ...engines, ...personalOn(engines.subjectKeys, engines.clock), folder, dispose };
}

/** A gateway on a free port. */
export interface RunningGateway extends AsyncDisposable {
  readonly url: string;
  /** `host:port` of its gRPC server. */
  readonly grpc: string;
  readonly app: NestFastifyApplication;
  stop(): Promise<void>;
}

export async function startGateway(
  engines: GatewayEngines,
  consolePath: string,
  feeds: Partial<SubscriptionsInit> = {},
  port = 0,
  changed: Partial<GatewaySettings> = {},
): Promise<RunningGateway> {
  const lifecycle = new Lifecycle({ logger, deadlineMs: 5000 });
  const settings = {
    ...readGatewaySettings({ DATABASE_URL: 'postgres://unused', STREAMS_PUBLIC_HOST: 'media.example', STREAMS_HOST: '127.0.0.1', GRPC_PORT: '0' }),
    consolePath,
    ...changed,
  };
  const providers = [
    { provide: Lifecycle, useValue: lifecycle },
    { provide: appLogger, useValue: logger },
  ];
  class TestRoot {}
  const root = {
    module: TestRoot,
    global: true,
    imports: [gatewayModule(engines, settings, { ...subscriptionDefaults, ...feeds })],
    providers,
    exports: providers,
  };
  const app = await createGateway(
    root,
    { logger: { log() {}, error() {}, warn() {} }, abortOnError: false },
    {
      ...{ logger, ids: engines.ids, consolePath },
      edgeSecret: settings.edgeSecret,
      corsOrigins: settings.corsOrigins,
    },
  );
  lifecycle.onStop('accept', 'nest', () => app.close());
  const grpc = app.get(GrpcServer);
  lifecycle.onStop('accept', 'grpc', () => grpc.stop());
  const grpcPort = await grpc.listen();
  await app.listen(port, '127.0.0.1');
  const stop = async (): Promise<void> => void (await lifecycle.stop());
  return { url: await app.getUrl(), grpc: `127.0.0.1:${grpcPort}`, app, stop, [Symbol.asyncDispose]: stop };
}

/** Engines with a projector on them, and a folder that looks like a built console. */
export class World {
  readonly engines: WorldEngines;
  readonly consolePath: string;
  readonly facts: FactPublisher;
  readonly commands: CommandExecutor;
  readonly #host: ConsumerHost;
  readonly #indexKeeper: EventIndexKeeper;
  readonly #parked: LogEventIntake;
  readonly #relay: OutboxRelay;
  readonly #dispose: (() => Promise<void>) | undefined;

  private constructor(engines: WorldEngines & { readonly dispose?: () => Promise<void> }, consolePath: string) {
    this.#dispose = engines.dispose;
    this.engines = engines;
    this.consolePath = consolePath;
    const { clock, ids, log, leases, outbox, aggregates, publications, personal } = engines;
    const envelope = { clock, ids, source: '/test', personal };
    this.facts = new FactPublisher({ ...envelope, log, actor: 'system:test' });
    this.commands = new CommandExecutor({ ...envelope, aggregates });
    this.#parked = new LogEventIntake({ owner: 'test' }, { log, publications, leases, clock, logger });
    const parking = new EventParking({ intake: this.#parked, clock, logger, source: '/test' });
    this.#host = new ConsumerHost({ projections, owner: 'test', noteMs: 0 }, { log, leases, store: engines.projections, logger, parking });
    this.#indexKeeper = new EventIndexKeeper({ owner: 'test', topics: contexts, idleMs: 10 }, { log, leases, clock, index: engines.index, logger });
    this.#relay = new OutboxRelay({ owner: 'test' }, { outbox, log, leases, logger });
  }

  static async open(engines: WorldEngines & { readonly dispose?: () => Promise<void> } = memoryEngines()): Promise<World> {
    const consolePath = await mkdtemp(join(tmpdir(), 'gateway-console-'));
    await mkdir(join(consolePath, 'assets'));
    await writeFile(join(consolePath, 'index.html'), '<!doctype html><title>Console</title>');
    await writeFile(join(consolePath, 'assets', 'index-abc123.js'), 'export {};');
    await writeFile(join(consolePath, 'embed.html'), '<!doctype html><title>Player</title>');
    const world = new World(engines, consolePath);
    for (const topic of contexts) await engines.log.ensureTopic(topic, topicPartitions);
    await world.#relay.start();
    await world.#host.start();
    world.#indexKeeper.start();
    return world;
  }

  async key(scopes: readonly Scope[], grant: Partial<KeyGrant> = {}): Promise<{ id: string; authorization: string }> {
    if (grant.tenant !== undefined && !standsAlways(grant.tenant)) await this.tenant(grant.tenant);
    const whole = { name: scopes.join(), scopes, tenant: 'default', contexts: null, expiresAtMs: 0, ratePerMinute: null, ...grant };
    const issued = await new KeyIssuer(this.commands, this.engines.clock).issue(whole, { actor: 'system:test', correlationId: 'test' });
    return { id: issued.id, authorization: `Bearer ${issued.key}` };
  }

  /** Makes a tenant of which there may be one already. */
  async tenant(tenantId: string): Promise<void> {
    const command = { type: 'CreateTenant', tenantId, name: tenantId } as const;
    await this.commands.execute(tenantAggregate, tenantAggregateId(tenantId), command, { actor: 'system:test', correlationId: 'test', tenant: tenantId });
  }

  /** Waits until every committed event is on the log and in the read models. */
  async settle(): Promise<void> {
    while ((await this.engines.outbox.take(1, 0)).length > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    for (const topic of contexts) {
      const heads = await this.engines.log.heads(topic);
      for (const { partition, high } of heads) while (!(await this.#isFolded(topic, partition, high))) await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async #isFolded(topic: string, partition: number, high: bigint): Promise<boolean> {
    if (high === 0n) return true;
    const indexed = (await this.engines.index.positions()).find((each) => each.topic === topic && each.partition === partition);
    if ((indexed?.position ?? 0n) < high) return false;
    const checkpoints = (await this.engines.projections.checkpoints()).filter((each) => each.topic === topic && each.partition === partition);
    return checkpoints.length > 0 && checkpoints.every((each) => each.position >= high);
  }

  /** Read models stand still from now on. */
  stopHost(): Promise<void> {
    return this.#host.stop();
  }

  async close(): Promise<void> {
    await this.#host.stop();
    await this.#indexKeeper.stop();
    await this.#parked.stop();
    await this.#relay.stop();
    await (this.#dispose?.() ?? this.engines.log.close());
    await rm(this.consolePath, { recursive: true, force: true });
  }
}
