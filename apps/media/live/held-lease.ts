import type { Lease, LeaseStore } from '#ports';
import type { Logger } from '#runtime';

/**
 * Renews a lease until it is released or somebody else has it. A store that does not answer changes nothing: nobody can
 * take the lease there either, and the log refuses whoever was replaced.
 */
export class HeldLease {
  readonly #ttlMs: number;
  readonly #leases: LeaseStore;
  readonly #logger: Logger;
  readonly #lost = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #lease: Lease;
  #renewing = false;

  private constructor(lease: Lease, ttlMs: number, leases: LeaseStore, logger: Logger) {
    this.#lease = lease;
    this.#ttlMs = ttlMs;
    this.#leases = leases;
    this.#logger = logger;
    this.#timer = setInterval(() => void this.#renew(), Math.floor(ttlMs * 0.3));
  }

  /** Undefined when somebody else holds it. */
  static async acquire(
    want: { readonly name: string; readonly owner: string; readonly ttlMs: number },
    leases: LeaseStore,
    logger: Logger,
  ): Promise<HeldLease | undefined> {
    const lease = await leases.acquire(want.name, want.owner, want.ttlMs);
    return lease === undefined ? undefined : new HeldLease(lease, want.ttlMs, leases, logger);
  }

  get epoch(): bigint {
    return this.#lease.epoch;
  }

  /** Takes the lease again, under a greater epoch: for a producer that does not know what reached the log. */
  async renewEpoch(): Promise<void> {
    const { name, owner } = this.#lease;
    const lease = await this.#leases.acquire(name, owner, this.#ttlMs);
    if (lease === undefined) return this.#lose();
    this.#lease = lease;
  }

  /** Aborted when another process took the lease. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  async release(): Promise<void> {
    clearInterval(this.#timer);
    try {
      await this.#leases.release(this.#lease);
    } catch (err) {
      this.#logger.warn({ err, lease: this.#lease.name }, 'a lease could not be given back; it expires by itself');
    }
  }

  async #renew(): Promise<void> {
    if (this.#renewing) return;
    this.#renewing = true;
    const lease = this.#lease;
    try {
      const renewed = await this.#leases.renew(lease, this.#ttlMs);
      // A refusal of an epoch that we replaced ourselves in the meantime means nothing.
      if (!renewed && lease === this.#lease) this.#lose();
    } catch (err) {
      this.#logger.warn({ err, lease: this.#lease.name }, 'a lease cannot be renewed now');
    } finally {
      this.#renewing = false;
    }
  }

  #lose(): void {
    this.#logger.warn({ lease: this.#lease.name, epoch: `${this.#lease.epoch}` }, 'the lease was taken by another process');
    clearInterval(this.#timer);
    this.#lost.abort();
  }
}
