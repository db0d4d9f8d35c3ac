import type { LeaseStore } from '#ports';
import type { Health, Heartbeat, Logger } from '#runtime';
import type { LiveSession } from '../session/live-session.ts';
import type { SessionRegistry } from '../session/session-registry.ts';
import type { TenantGate } from '../session/tenant-gate.ts';

export interface LeaseKeeperInit {
  readonly leaseTtlMs: number;
  readonly leaseRenewMs: number;
}

export interface LeaseKeeperDeps {
  readonly leases: LeaseStore;
  readonly registry: SessionRegistry;
  readonly tenants: TenantGate;
  readonly logger: Logger;
  readonly health?: Health;
}

/**
 * Renews the leases of live sessions. A database that is away ends no session: nobody else can take the lease from it
 * meanwhile. A lease that somebody took does: from then on the other one's epoch counts. So does a tenant's suspension.
 */
export class LeaseKeeper {
  readonly #init: LeaseKeeperInit;
  readonly #deps: LeaseKeeperDeps;
  #renewing = false;
  #timer: NodeJS.Timeout | undefined;
  #heart: Heartbeat | undefined;

  constructor(init: LeaseKeeperInit, deps: LeaseKeeperDeps) {
    this.#init = init;
    this.#deps = deps;
  }

  start(): void {
    this.#heart = this.#deps.health?.loop('publisher leases', this.#init.leaseRenewMs);
    this.#timer = setInterval(() => void this.renewAll(), this.#init.leaseRenewMs);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#heart?.end();
  }

  /** One statement for all sessions; while one is under way no other begins. */
  async renewAll(): Promise<void> {
    const sessions = this.#deps.registry.holding;
    if (this.#renewing) return;
    this.#heart?.beat();
    if (sessions.length === 0) return;
    this.#renewing = true;
    try {
      const held = await this.#deps.leases.renewAll(
        sessions.map((session) => session.lease),
        this.#init.leaseTtlMs,
      );
      for (const [i, session] of sessions.entries()) if (held[i] === false) this.#lost(session);
      await this.#endSuspended();
    } catch (err) {
      this.#deps.logger.warn({ err, sessions: sessions.length }, 'leases could not be renewed; the sessions go on');
    } finally {
      this.#renewing = false;
    }
  }

  /** Tenants that were suspended meanwhile lose their publishers; the streams wait for them as long as their grace lasts. */
  async #endSuspended(): Promise<void> {
    for (const [tenant, sessions] of Map.groupBy(this.#deps.registry.live, (session) => session.tenant)) {
      if (!(await this.#deps.tenants.isSuspended(tenant))) continue;
      for (const session of sessions) {
        void this.#deps.registry.end(session, { reason: 'connection-closed', detail: 'The tenant was suspended.' });
        session.connection.end('This tenant is suspended.');
      }
    }
  }

  #lost(session: LiveSession): void {
    void this.#deps.registry.end(session, { reason: 'ingest-lost', detail: 'Another ingest took the stream over.' });
    session.connection.end('Another server took this stream over.');
  }
}
