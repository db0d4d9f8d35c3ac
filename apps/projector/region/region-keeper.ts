import type { EventLog, Lease, LeaseStore } from '#ports';
import { backOffMs, metrics, pause, RegionMirror, type Logger, type RegionPeer, type Telemetry } from '#runtime';

export interface RegionKeeperInit {
  /** Unique among living keepers and stable over restarts. */
  readonly owner: string;
  readonly peers: readonly RegionPeer[];
  readonly topics: readonly string[];
  readonly leaseTtlMs?: number;
}

/** The log of a peer, as long as it is open. */
export interface PeerLog {
  readonly log: EventLog;
  close(): Promise<void>;
}

export interface RegionKeeperDeps {
  readonly log: EventLog;
  readonly leases: LeaseStore;
  readonly openPeer: (peer: RegionPeer) => Promise<PeerLog>;
  readonly telemetry: Telemetry;
  readonly logger: Logger;
}

/**
 * Keeps a mirror of each peer running, each under a lease, so that of several projectors one does the work. A peer that is
 * away holds nobody up: it is waited for, and copied from where its copies ended.
 */
export class RegionKeeper {
  readonly #init: RegionKeeperInit & { readonly leaseTtlMs: number };
  readonly #deps: RegionKeeperDeps;
  readonly #stop = new AbortController();
  readonly #mirrors = new Map<string, RegionMirror>();
  #running: Promise<unknown> = Promise.resolve();

  constructor(init: RegionKeeperInit, deps: RegionKeeperDeps) {
    this.#init = { leaseTtlMs: 6000, ...init };
    this.#deps = deps;
    const lag = deps.telemetry.meter.gauge(metrics.mirrorLagEvents);
    deps.telemetry.meter.onCollect('region mirrors', async () => {
      lag.clear();
      for (const [origin, mirror] of this.#mirrors) lag.set(await mirror.behind().catch(() => Number.NaN), { origin });
    });
  }

  start(): void {
    this.#running = Promise.all(this.#init.peers.map((peer) => this.#keep(peer)));
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #keep(peer: RegionPeer): Promise<void> {
    const { leaseTtlMs, owner } = this.#init;
    const { leases, logger, telemetry } = this.#deps;
    const { signal } = this.#stop;
    const heart = telemetry.health.loop(`mirror of ${peer.name}`, leaseTtlMs);
    for (let failures = 0; !signal.aborted;) {
      heart.beat();
      try {
        const lease = await leases.acquire(`mirror/${peer.name}`, owner, leaseTtlMs);
        if (lease === undefined) await pause(leaseTtlMs / 3, signal);
        else {
          await this.#hold(peer, lease, () => {
            heart.beat();
            failures = 0;
          });
        }
      } catch (err) {
        logger.warn({ err, origin: peer.name }, `the region ${peer.name} is not mirrored: ${err instanceof Error ? err.message : String(err)}`);
        await pause(backOffMs(failures++, 500, 15_000), signal);
      }
    }
    heart.end();
  }

  /** Mirrors as long as the lease lasts. */
  async #hold(peer: RegionPeer, lease: Lease, onRenewed: () => void): Promise<void> {
    const { leases } = this.#deps;
    const { signal } = this.#stop;
    let opened: PeerLog | undefined;
    try {
      opened = await this.#deps.openPeer(peer);
      const mirror = await this.#mirrorOf(peer, opened.log);
      this.#mirrors.set(peer.name, mirror);
      await mirror.start();
      while (!signal.aborted && (await leases.renew(lease, this.#init.leaseTtlMs))) {
        onRenewed();
        await pause(this.#init.leaseTtlMs / 3, signal);
      }
    } finally {
      await this.#mirrors.get(peer.name)?.stop();
      this.#mirrors.delete(peer.name);
      await opened?.close();
      await leases.release(lease).catch((err: unknown) => this.#deps.logger.debug({ err }, 'the lease of a mirror could not be given back'));
    }
  }

  async #mirrorOf({ name }: RegionPeer, source: EventLog): Promise<RegionMirror> {
    const { log: target, logger } = this.#deps;
    if ((await source.identity()) === (await target.identity())) throw new Error(`REGION_PEERS names this region's own log as ${name}. Take it out.`);
    return new RegionMirror({ origin: name, topics: this.#init.topics }, { source, target, logger });
  }
}
