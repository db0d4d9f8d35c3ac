import { OperatingError } from '#kernel';
import type { Lease, LeaseStore } from '#ports';
import type { Logger } from '../logging.ts';
import { pause } from '../pause.ts';

export interface IntakeIdentityInit {
  /** Unique among all processes, a restarted one included: nobody but this one may act under its leases. */
  readonly owner: string;
  readonly leaseTtlMs: number;
}

export interface IntakeIdentityDeps {
  readonly leases: LeaseStore;
  readonly logger: Logger;
}

export const producerPrefix = 'intake/';
/** Producers of all gateways together; the log remembers each for ever, so they are taken again. */
const slotsMax = 256;

/** The producer under which this process appends: a slot that it holds by a lease, in an epoch that nobody else has. */
export class IntakeIdentity {
  readonly #init: IntakeIdentityInit;
  readonly #deps: IntakeIdentityDeps;
  readonly #stop = new AbortController();
  readonly #renewing: Promise<void>;
  #lease: Lease | undefined;
  #lost = false;
  /** The greatest epoch that is known to be on the log. */
  #known = 0n;

  constructor(init: IntakeIdentityInit, deps: IntakeIdentityDeps) {
    this.#init = init;
    this.#deps = deps;
    this.#renewing = this.#renew();
  }

  /** The identity to append under; taken anew when the one before was lost. */
  async current(): Promise<Lease> {
    if (this.#lease !== undefined && !this.#lost) return this.#lease;
    this.#lease = await this.#acquire();
    this.#lost = false;
    return this.#lease;
  }

  /** True while what was begun under this lease may go on under it. */
  holds(lease: Lease): boolean {
    return lease === this.#lease && !this.#lost;
  }

  /**
   * Somebody else took over, or nobody knows what became of an append: nothing more goes out in this epoch. `known` is an
   * epoch that the log has seen, and the next one is beyond it: the database may be older than the log.
   */
  lose(known = 0n): void {
    this.#lost = true;
    if (known > this.#known) this.#known = known;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#renewing;
    if (this.#lease !== undefined) await this.#deps.leases.release(this.#lease).catch(() => undefined);
  }

  /** The slot held before, in a new epoch, or the first that is free. */
  async #acquire(): Promise<Lease> {
    const { leases } = this.#deps;
    const { owner, leaseTtlMs } = this.#init;
    const before = this.#lease === undefined ? undefined : await leases.acquire(this.#lease.name, owner, leaseTtlMs, this.#known);
    if (before !== undefined) return before;
    for (let slot = 1; slot <= slotsMax; slot++) {
      const lease = await leases.acquire(`${producerPrefix}${slot}`, owner, leaseTtlMs, this.#known);
      if (lease !== undefined) return lease;
    }
    throw new OperatingError(`More than ${slotsMax} gateways take events in.`, { code: 'INTAKE_UNAVAILABLE', retryable: true });
  }

  async #renew(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await pause(this.#init.leaseTtlMs / 3, signal);
      const lease = this.#lease;
      if (signal.aborted || lease === undefined || this.#lost) continue;
      try {
        if (!(await this.#deps.leases.renew(lease, this.#init.leaseTtlMs)) && lease === this.#lease) this.lose();
      } catch (err) {
        // Should the lease end meanwhile, the log shuts this epoch out as soon as somebody has to.
        this.#deps.logger.warn({ err, producer: lease.name }, 'the lease of the intake could not be renewed');
      }
    }
  }
}
