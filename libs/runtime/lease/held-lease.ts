import type { Lease, LeaseStore, Timers } from '#ports';
import type { Logger } from '../logging.ts';
import { pause, systemTimers } from '../pause.ts';

export interface HeldLeaseInit {
  readonly name: string;
  /** Who takes it: unique among the living, and stable over restarts. */
  readonly owner: string;
  readonly ttlMs: number;
  /** For who appends under its epoch: the greatest that the log knows, which it has to be beyond. */
  readonly known?: () => Promise<bigint>;
}

export interface HeldLeaseDeps {
  readonly leases: LeaseStore;
  readonly logger: Logger;
  readonly timers?: Timers;
}

/**
 * Renews a lease until it is released or somebody else has it. A store that does not answer changes nothing: nobody can
 * take the lease there either. Who was frozen for longer than the lease learns late that it is another's, and may be in
 * the middle of a step: what is written under a lease has to be fenced by its epoch.
 */
export class HeldLease {
  readonly #init: HeldLeaseInit;
  readonly #deps: HeldLeaseDeps & { readonly timers: Timers };
  readonly #lost = new AbortController();
  readonly #over = new AbortController();
  readonly #keeping: Promise<void>;
  #lease: Lease;

  private constructor(lease: Lease, init: HeldLeaseInit, deps: HeldLeaseDeps) {
    this.#lease = lease;
    this.#init = init;
    this.#deps = { timers: systemTimers, ...deps };
    this.#keeping = this.#keep();
  }

  /** Undefined when somebody else holds it. */
  static async acquire(init: HeldLeaseInit, deps: HeldLeaseDeps): Promise<HeldLease | undefined> {
    const lease = await acquireBeyond(init, deps);
    return lease === undefined ? undefined : new HeldLease(lease, init, deps);
  }

  get lease(): Lease {
    return this.#lease;
  }

  get epoch(): bigint {
    return this.#lease.epoch;
  }

  /** Takes the lease again, under a greater epoch: for a producer that does not know what reached the log. */
  async renewEpoch(): Promise<void> {
    const { name, owner, ttlMs } = this.#init;
    const lease = await this.#deps.leases.acquire(name, owner, ttlMs);
    if (lease === undefined) return this.#lose();
    this.#lease = lease;
  }

  /** Aborted when another process took the lease. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  async release(): Promise<void> {
    this.#over.abort();
    await this.#keeping;
    try {
      await this.#deps.leases.release(this.#lease);
    } catch (err) {
      this.#deps.logger.warn({ err, lease: this.#lease.name }, 'a lease could not be given back; it expires by itself');
    }
  }

  async #keep(): Promise<void> {
    const { signal } = this.#over;
    for (;;) {
      await pause(this.#init.ttlMs * 0.3, signal, this.#deps.timers);
      if (signal.aborted) return;
      await this.#renew();
    }
  }

  async #renew(): Promise<void> {
    const lease = this.#lease;
    try {
      const renewed = await this.#deps.leases.renew(lease, this.#init.ttlMs);
      // A refusal of an epoch that we replaced ourselves in the meantime means nothing.
      if (!renewed && lease === this.#lease) this.#lose();
    } catch (err) {
      this.#deps.logger.warn({ err, lease: lease.name }, 'a lease cannot be renewed now');
    }
  }

  #lose(): void {
    this.#over.abort();
    if (this.#lost.signal.aborted) return;
    this.#deps.logger.warn({ lease: this.#lease.name, epoch: `${this.#lease.epoch}` }, 'the lease was taken by another process');
    this.#lost.abort();
  }
}

/**
 * Takes a lease in an epoch beyond what the log knows. Leases are kept in the database, and one that was restored from a
 * backup, or is new, gives out epochs once more that were used on the log before. Undefined when somebody else holds it.
 */
export async function acquireBeyond(init: HeldLeaseInit, { leases, logger }: Pick<HeldLeaseDeps, 'leases' | 'logger'>): Promise<Lease | undefined> {
  const { name, owner, ttlMs, known } = init;
  const lease = await leases.acquire(name, owner, ttlMs);
  if (lease === undefined || known === undefined) return lease;
  try {
    const epoch = await known();
    if (epoch < lease.epoch) return lease;
    logger.warn(
      { lease: name, epoch: `${lease.epoch}`, known: `${epoch}` },
      'the log knows this epoch of a lease or a greater one: the database is older than the log; going on beyond it',
    );
    return await leases.acquire(name, owner, ttlMs, epoch);
  } catch (error) {
    await leases.release(lease).catch(() => undefined);
    throw error;
  }
}
