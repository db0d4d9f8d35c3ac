import type { LeaseStore } from '#ports';
import type { Logger } from '#runtime';
import type { LiveSession } from '../session/live-session.ts';
import type { SessionRegistry } from '../session/session-registry.ts';

export interface LeaseKeeperInit {
  readonly leaseTtlMs: number;
  readonly leaseRenewMs: number;
}

export interface LeaseKeeperDeps {
  readonly leases: LeaseStore;
  readonly registry: SessionRegistry;
  readonly logger: Logger;
}

/**
 * Renews the leases of live sessions. A database that is away ends no session: nobody else can take the lease from it
 * meanwhile. A lease that somebody took does: from then on the other one's epoch counts.
 */
export class LeaseKeeper {
  readonly #init: LeaseKeeperInit;
  readonly #deps: LeaseKeeperDeps;
  readonly #renewing = new Set<LiveSession>();
  #timer: NodeJS.Timeout | undefined;

  constructor(init: LeaseKeeperInit, deps: LeaseKeeperDeps) {
    this.#init = init;
    this.#deps = deps;
  }

  start(): void {
    this.#timer = setInterval(() => this.renewAll(), this.#init.leaseRenewMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  renewAll(): void {
    for (const session of this.#deps.registry.live) void this.#renew(session);
  }

  async #renew(session: LiveSession): Promise<void> {
    if (this.#renewing.has(session)) return;
    this.#renewing.add(session);
    try {
      const held = await this.#deps.leases.renew(session.lease, this.#init.leaseTtlMs);
      if (!held) this.#lost(session);
    } catch (err) {
      this.#deps.logger.warn({ err, streamId: session.streamId }, 'a lease could not be renewed; the session goes on');
    } finally {
      this.#renewing.delete(session);
    }
  }

  #lost(session: LiveSession): void {
    void this.#deps.registry.end(session, { reason: 'ingest-lost', detail: 'Another ingest took the stream over.' });
    session.connection.end('Another server took this stream over.');
  }
}
