import { MemoryAggregateStore, MemoryLeaseStore, MemoryOutbox, MemoryProjectionStore, MemoryReadStore, MemorySubjectKeyStore } from '#adapters/memory';
import { LocalMasterKey, MemoryKeyRing } from '#adapters/master-key';
import { SystemClock, UuidV7IdSource } from '#adapters/system';
import { tenantAggregate, tenantAggregateId, type TenantCommand } from '#domain/access';
import {
  defaultAudioBitrate,
  defaultDvrWindowMs,
  defaultLadder,
  defaultSegmentDurationMs,
  formatStreamKey,
  streamAggregate,
  type StreamState,
} from '#domain/stream';
import { decodeEvent, type DomainEvent, type StreamEvent } from '#events';
import type { AggregateStore, Clock, LeaseStore } from '#ports';
import { CommandExecutor, createLogger, Lifecycle, noTelemetry, pause, PersonalData, SubjectKeys } from '#runtime';
import { createHash } from 'node:crypto';
import { readIngestSettings, type IngestSettings } from '../ingest.config.ts';
import { Ingest, type IngestPorts } from '../ingest.ts';
import { TokenVerifier } from '../permit/token-verifier.ts';
import { openCertificate } from '../ingest.module.ts';

/** The engines that several ingest nodes share. */
export class SharedEngines {
  readonly clock: Clock;
  readonly ids: UuidV7IdSource;
  readonly outbox: MemoryOutbox;
  aggregates: AggregateStore;
  leases: LeaseStore;
  readonly reads: MemoryReadStore;
  readonly #events: DomainEvent[] = [];

  constructor(clock: Clock = new SystemClock()) {
    this.clock = clock;
    this.ids = new UuidV7IdSource();
    this.outbox = new MemoryOutbox(clock);
    this.aggregates = new MemoryAggregateStore(this.outbox);
    this.leases = new MemoryLeaseStore(clock);
    this.reads = new MemoryReadStore(new MemoryProjectionStore(clock));
  }

  /** Everything that happened so far. */
  async events(): Promise<readonly DomainEvent[]> {
    const rows = await this.outbox.take(10_000, 0);
    const last = rows.at(-1);
    this.#events.push(...rows.map((row) => decodeEvent(row.record)));
    if (last !== undefined) await this.outbox.forget(last.sequence);
    return this.#events;
  }

  /** Waits for the `count`-th event of a type; fails with what did happen. */
  async eventually<Type extends StreamEvent['type']>(type: Type, count = 1): Promise<Extract<StreamEvent, { type: Type }>> {
    for (let attempt = 0; attempt < 1500; attempt++) {
      const found = (await this.events()).filter((event) => event.type === type)[count - 1];
      if (found !== undefined) return found as Extract<StreamEvent, { type: Type }>;
      await pause(10);
    }
    throw new Error(`no ${type} number ${count}; there were ${(await this.events()).map((event) => `${event.type} ${JSON.stringify(event.data)}`).join('\n')}`);
  }
}

const secret = 'a'.repeat(26);

/** An ingest node on free ports. */
export class IngestNode {
  readonly engines: SharedEngines;
  readonly settings: IngestSettings;
  readonly lifecycle: Lifecycle;
  readonly ingest: Ingest;
  readonly commands: CommandExecutor;
  ports: IngestPorts = { rtmpPort: 0, rtmpBackupPort: 0, relayPort: 0 };

  private constructor(engines: SharedEngines, settings: IngestSettings, lifecycle: Lifecycle, ingest: Ingest, commands: CommandExecutor) {
    this.engines = engines;
    this.settings = settings;
    this.lifecycle = lifecycle;
    this.ingest = ingest;
    this.commands = commands;
  }

  static async start(engines = new SharedEngines(), overrides: Partial<IngestSettings> = {}): Promise<IngestNode> {
    const env = { RTMP_PORT: '0', RTMP_BACKUP_PORT: '0', RELAY_PORT: '0', STREAMS_HOST: '127.0.0.1', LOG_LEVEL: 'silent' };
    const settings: IngestSettings = { ...readIngestSettings(env), sweepMs: 100, drainMs: 0, ...overrides };
    const logger = await createLogger({ name: 'ingest', ...settings });
    const lifecycle = new Lifecycle({ logger, deadlineMs: 8000 });
    const { clock, ids, reads } = engines;
    const keys = { store: new MemorySubjectKeyStore(engines.aggregates, clock), master: new LocalMasterKey(new MemoryKeyRing()), clock, logger };
    const personal = new PersonalData(new SubjectKeys({}, keys));
    const commands = new CommandExecutor({ aggregates: proxyAggregates(engines), clock, ids, source: `/ingest/${settings.node}`, personal });
    const aggregates = proxyAggregates(engines);
    const telemetry = noTelemetry();
    const certificate = await openCertificate(settings, { clock, logger }, lifecycle);
    const deps = { aggregates, leases: proxyLeases(engines), commands, clock, ids, reads, logger, lifecycle, telemetry };
    const tokens = settings.tokens && (await TokenVerifier.open(settings.tokens, { clock, logger }));
    const ingest = new Ingest(settings, { ...deps, ...(certificate && { certificate }), ...(tokens && { tokens }) });
    const node = new IngestNode(engines, settings, lifecycle, ingest, commands);
    node.ports = await ingest.serve();
    return node;
  }

  /** Creates a stream and answers its key. */
  async createStream(streamId: string, graceMs = 60_000, tenant = 'default'): Promise<string> {
    const keyHash = createHash('sha256').update(secret).digest('hex');
    const settings = {
      ladder: defaultLadder,
      audioBitrate: defaultAudioBitrate,
      segmentDurationMs: defaultSegmentDurationMs,
      graceMs,
      dvrWindowMs: defaultDvrWindowMs,
    };
    const command = { type: 'CreateStream' as const, streamId, name: streamId, keyHash, ...settings };
    const result = await this.commands.execute(streamAggregate, streamId, command, { actor: 'system:test', correlationId: 'test', tenant });
    if (result.refused) throw new Error(result.message);
    return formatStreamKey({ streamId, secret });
  }

  async tell(command: TenantCommand): Promise<void> {
    const { tenantId: tenant } = command;
    await this.commands.execute(tenantAggregate, tenantAggregateId(tenant), command, { actor: 'system:test', correlationId: 'test', tenant });
  }

  async stopStream(streamId: string): Promise<void> {
    const command = { type: 'Stop' as const, streamId, reason: 'operator' as const, detail: 'test' };
    await this.commands.execute(streamAggregate, streamId, command, { actor: 'system:test', correlationId: 'test' });
  }

  async state(streamId: string): Promise<StreamState> {
    return (await this.engines.aggregates.load('stream', streamId))?.state as StreamState;
  }

  url(key: string): string {
    return `rtmp://127.0.0.1:${this.ports.rtmpPort}/live/${key}`;
  }

  async stop(): Promise<void> {
    await this.lifecycle.stop();
  }
}

/** So that a test can take the store away and give it back. */
function proxyAggregates(engines: SharedEngines): AggregateStore {
  return {
    load: (context, id) => engines.aggregates.load(context, id),
    commit: (commit) => engines.aggregates.commit(commit),
    find: (context, field, value) => engines.aggregates.find(context, field, value),
    restore: (context, heads) => engines.aggregates.restore(context, heads),
    restoredPartitions: (context) => engines.aggregates.restoredPartitions(context),
    markRestored: (context, partition) => engines.aggregates.markRestored(context, partition),
  };
}

function proxyLeases(engines: SharedEngines): LeaseStore {
  return {
    acquire: (name, owner, ttlMs) => engines.leases.acquire(name, owner, ttlMs),
    renew: (lease, ttlMs) => engines.leases.renew(lease, ttlMs),
    renewAll: (leases, ttlMs) => engines.leases.renewAll(leases, ttlMs),
    release: (lease) => engines.leases.release(lease),
    forget: (lease) => engines.leases.forget(lease),
    list: (prefix) => engines.leases.list(prefix),
  };
}
