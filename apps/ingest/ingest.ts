import { SlabPool } from '#core/rtmp';
import type { AggregateStore, Clock, IdSource, LeaseStore, ReadStore } from '#ports';
import { metrics, type CommandExecutor, type Lifecycle, type Logger, type Telemetry } from '#runtime';
import type { IngestSettings } from './ingest.config.ts';
import type { CertificateKeeper } from './secure/certificate-keeper.ts';
import { TlsFront } from './secure/tls-front.ts';
import { AdmissionHook } from './permit/admission-hook.ts';
import { PublishPermits } from './permit/publish-permits.ts';
import type { TokenVerifier } from './permit/token-verifier.ts';
import { LeaseKeeper } from './keeper/lease-keeper.ts';
import { StreamSweeper } from './keeper/stream-sweeper.ts';
import { RelayHub } from './relay/relay-hub.ts';
import { RelayServer } from './relay/relay-server.ts';
import { Admission } from './session/admission.ts';
import { drainSessions } from './session/drain.ts';
import { ConnectionLimits } from './session/connection-limits.ts';
import { ReadMerger } from './session/read-merger.ts';
import { Rivals } from './session/rivals.ts';
import { Rejections } from './session/rejections.ts';
import { RtmpListener, type RtmpListenerInit } from './session/rtmp-listener.ts';
import { SessionRegistry } from './session/session-registry.ts';
import { TenantGate } from './session/tenant-gate.ts';

export interface IngestDeps {
  readonly aggregates: AggregateStore;
  readonly commands: CommandExecutor;
  readonly leases: LeaseStore;
  readonly reads: ReadStore;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly logger: Logger;
  readonly lifecycle: Lifecycle;
  readonly telemetry: Telemetry;
  /** Set where the settings name a certificate. */
  readonly certificate?: CertificateKeeper;
  /** Set where the settings name keys of tokens. */
  readonly tokens?: TokenVerifier;
}

export interface IngestPorts {
  readonly rtmpPort: number;
  readonly rtmpBackupPort: number;
  readonly relayPort: number;
  readonly rtmpsPort?: number;
  readonly rtmpsBackupPort?: number;
}

/** The application that publishers name in their URL. */
export const rtmpApp = 'live';

/** The parts of the ingest, put together. */
export class Ingest {
  readonly registry: SessionRegistry;
  readonly sweeper: StreamSweeper;
  readonly #settings: IngestSettings;
  readonly #deps: IngestDeps;
  readonly #lifecycle: Lifecycle;
  readonly #leaseKeeper: LeaseKeeper;
  readonly #relay: RelayServer;
  readonly #listeners: readonly RtmpListener[];

  constructor(settings: IngestSettings, deps: IngestDeps) {
    this.#settings = settings;
    this.#deps = deps;
    this.#lifecycle = deps.lifecycle;
    const { node } = settings;
    const hub = new RelayHub(settings);
    const rejections = new Rejections({ ...deps, node });
    const tenants = new TenantGate(deps);
    this.registry = new SessionRegistry({ ...deps, hub });
    this.#relay = new RelayServer(
      { host: settings.relayHost, port: settings.relayPort, readerBytesMax: settings.readerBytesMax },
      { hub, logger: deps.logger, silentMs: (sessionId) => this.#silentMs(sessionId) },
    );
    const { health } = deps.telemetry;
    this.sweeper = new StreamSweeper(settings, { ...deps, registry: this.registry, health });
    this.#leaseKeeper = new LeaseKeeper(settings, { ...deps, registry: this.registry, tenants, health });
    const relayUrlOf = (streamId: string): string => `http://${settings.relayPublicHost}:${this.#relay.port}/relay/${streamId}`;
    const hook = settings.hook && new AdmissionHook(settings.hook, deps);
    const permits = new PublishPermits({ sources: settings.sources, limits: settings.tenantLimits }, { ...deps, hook, tokens: deps.tokens });
    const rivals = new Rivals(settings, { ...deps, registry: this.registry });
    const admission = new Admission({ ...settings, relayUrlOf }, { ...deps, hub, registry: this.registry, rejections, tenants, permits, rivals });
    const merger = new ReadMerger(settings.readMerge, () => this.registry.size);
    const shared = { ...deps, merger, admission, registry: this.registry, rejections, pool: new SlabPool(), limits: new ConnectionLimits(settings.limits) };
    const init = { host: settings.host, app: rtmpApp, session: settings.session };
    this.#listeners = endpointsOf(settings, deps.certificate).map((endpoint) => new RtmpListener({ ...init, ...endpoint }, shared));
    this.#observe(hub, deps.telemetry, deps);
  }

  /** Opens the ports, relay first: a session's relay URL must work when its event is out. Returns the ports. */
  async serve(): Promise<IngestPorts> {
    this.#registerStops();
    await this.#relay.listen();
    // What this node held before it was killed is interrupted before the first publisher comes back, or by its coming back.
    this.sweeper.start(this.#lifecycle.stopping);
    this.#leaseKeeper.start();
    for (const listener of this.#listeners) await listener.listen();
    const [rtmpPort, rtmpBackupPort, rtmpsPort, rtmpsBackupPort] = this.#listeners.map((listener) => listener.port) as [number, number, number?, number?];
    return { rtmpPort, rtmpBackupPort, relayPort: this.#relay.port, ...(rtmpsPort && rtmpsBackupPort ? { rtmpsPort, rtmpsBackupPort } : {}) };
  }

  #silentMs(sessionId: string): number | undefined {
    const session = this.registry.live.find((one) => one.sessionId === sessionId);
    return session && this.#deps.clock.now() - session.connection.lastMediaAt;
  }

  #observe(hub: RelayHub, { meter }: Telemetry, { certificate, clock }: IngestDeps): void {
    const [publishers, bytes, kept] = [meter.gauge(metrics.publishers), meter.counter(metrics.ingestBytes), meter.gauge(metrics.ingestKeptBytes)];
    const secondsLeft = certificate && meter.gauge(metrics.certificateSeconds);
    meter.onCollect('ingest', () => {
      publishers.set(this.registry.size, {});
      kept.set(hub.keptBytes, {});
      secondsLeft?.set(certificate?.secondsLeft(clock.now()) ?? 0, {});
      bytes.reach(
        this.#listeners.reduce((sum, listener) => sum + listener.bytes, 0),
        {},
      );
    });
  }

  #registerStops(): void {
    this.#lifecycle.onStop('accept', 'rtmp listeners', () => this.#listeners.forEach((listener) => listener.stopAccepting()));
    this.#lifecycle.onStop('work', 'sessions', () => drainSessions(this.#settings, { ...this.#deps, registry: this.registry }));
    this.#lifecycle.onStop('work', 'sweeper', () => this.sweeper.stopped());
    this.#lifecycle.onStop('leases', 'connections', () => {
      this.#leaseKeeper.stop();
      this.#listeners.forEach((listener) => listener.close());
      this.#relay.close();
    });
  }
}

type Endpoint = Pick<RtmpListenerInit, 'endpoint' | 'port' | 'tls'>;

/** The two plain ports, and the two encrypted ones where there is a certificate. */
function endpointsOf({ rtmpPort, rtmpBackupPort, rtmps, session }: IngestSettings, certificate: CertificateKeeper | undefined): readonly Endpoint[] {
  const plain: readonly Endpoint[] = [
    { endpoint: 'primary', port: rtmpPort },
    { endpoint: 'backup', port: rtmpBackupPort },
  ];
  if (rtmps === undefined || certificate === undefined) return plain;
  const front = (): TlsFront => new TlsFront({ minVersion: rtmps.minVersion, handshakeMs: session.handshakeMs, certificate });
  return [...plain, { endpoint: 'primary', port: rtmps.port, tls: front() }, { endpoint: 'backup', port: rtmps.backupPort, tls: front() }];
}
