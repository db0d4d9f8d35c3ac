import { SlabPool } from '#core/rtmp';
import type { AggregateStore, Clock, IdSource, LeaseStore, ReadStore } from '#ports';
import { metrics, type CommandExecutor, type Lifecycle, type Logger, type Telemetry } from '#runtime';
import type { IngestSettings } from './ingest.config.ts';
import { LeaseKeeper } from './keeper/lease-keeper.ts';
import { StreamSweeper } from './keeper/stream-sweeper.ts';
import { RelayHub } from './relay/relay-hub.ts';
import { RelayServer } from './relay/relay-server.ts';
import { Admission } from './session/admission.ts';
import { ConnectionLimits } from './session/connection-limits.ts';
import { ReadMerger } from './session/read-merger.ts';
import { Rejections } from './session/rejections.ts';
import { RtmpListener } from './session/rtmp-listener.ts';
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
}

/** The application that publishers name in their URL. */
export const rtmpApp = 'live';

/** The parts of the ingest, put together. */
export class Ingest {
  readonly registry: SessionRegistry;
  readonly sweeper: StreamSweeper;
  readonly #settings: IngestSettings;
  readonly #lifecycle: Lifecycle;
  readonly #leaseKeeper: LeaseKeeper;
  readonly #relay: RelayServer;
  readonly #listeners: readonly RtmpListener[];

  constructor(settings: IngestSettings, deps: IngestDeps) {
    this.#settings = settings;
    this.#lifecycle = deps.lifecycle;
    const { node } = settings;
    const hub = new RelayHub(settings);
    const rejections = new Rejections({ ...deps, node });
    const tenants = new TenantGate(deps);
    this.registry = new SessionRegistry({ ...deps, hub });
    this.#relay = new RelayServer(
      { host: settings.relayHost, port: settings.relayPort, readerBytesMax: settings.readerBytesMax },
      { hub, logger: deps.logger },
    );
    const { health } = deps.telemetry;
    this.sweeper = new StreamSweeper(settings, { ...deps, registry: this.registry, health });
    this.#leaseKeeper = new LeaseKeeper(settings, { ...deps, registry: this.registry, tenants, health });
    const relayUrlOf = (streamId: string): string => `http://${settings.relayPublicHost}:${this.#relay.port}/relay/${streamId}`;
    const admission = new Admission({ ...settings, relayUrlOf }, { ...deps, hub, registry: this.registry, rejections, tenants });
    const merger = new ReadMerger(settings.readMerge, () => this.registry.size);
    const shared = { ...deps, merger, admission, registry: this.registry, rejections, pool: new SlabPool(), limits: new ConnectionLimits(settings.limits) };
    const listen = (endpoint: 'primary' | 'backup', port: number): RtmpListener =>
      new RtmpListener({ host: settings.host, port, endpoint, app: rtmpApp, session: settings.session }, shared);
    this.#listeners = [listen('primary', settings.rtmpPort), listen('backup', settings.rtmpBackupPort)];
    this.#observe(deps.telemetry);
  }

  /** Opens the ports, relay first: a session's relay URL must work when its event is out. Returns the ports. */
  async serve(): Promise<{ rtmpPort: number; rtmpBackupPort: number; relayPort: number }> {
    this.#registerStops();
    await this.#relay.listen();
    // What this node held before it was killed is interrupted before the first publisher comes back, or by its coming back.
    this.sweeper.start(this.#lifecycle.stopping);
    this.#leaseKeeper.start();
    for (const listener of this.#listeners) await listener.listen();
    const [primary, backup] = this.#listeners as [RtmpListener, RtmpListener];
    return { rtmpPort: primary.port, rtmpBackupPort: backup.port, relayPort: this.#relay.port };
  }

  #observe({ meter }: Telemetry): void {
    const [publishers, bytes] = [meter.gauge(metrics.publishers), meter.counter(metrics.ingestBytes)];
    meter.onCollect('ingest', () => {
      publishers.set(this.registry.size, {});
      bytes.reach(
        this.#listeners.reduce((sum, listener) => sum + listener.bytes, 0),
        {},
      );
    });
  }

  #registerStops(): void {
    this.#lifecycle.onStop('accept', 'rtmp listeners', () => this.#listeners.forEach((listener) => listener.stopAccepting()));
    this.#lifecycle.onStop('work', 'sessions', () =>
      this.registry.endAll({ reason: 'shutdown', detail: `${this.#settings.node} is shutting down.` }, 'The server is shutting down. Connect again.'),
    );
    this.#lifecycle.onStop('work', 'sweeper', () => this.sweeper.stopped());
    this.#lifecycle.onStop('leases', 'connections', () => {
      this.#leaseKeeper.stop();
      this.#listeners.forEach((listener) => listener.close());
      this.#relay.close();
    });
  }
}
