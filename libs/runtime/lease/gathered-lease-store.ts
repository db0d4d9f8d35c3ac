import { LeaseStore, type Lease, type LeaseView, type Timers } from '#ports';
import { systemTimers } from '../pause.ts';

export interface GatheredLeaseStoreInit {
  /** How long a renewal waits for others, ms: a small part of what leases last. */
  readonly gatherMs: number;
}

interface Waiting {
  readonly lease: Lease;
  readonly ttlMs: number;
  readonly resolve: (renewed: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/** For a process that holds very many leases, each renewed by whoever holds it: one statement renews all that are due. */
export class GatheredLeaseStore extends LeaseStore {
  readonly #init: GatheredLeaseStoreInit;
  readonly #store: LeaseStore;
  readonly #timers: Timers;
  #waiting: Waiting[] = [];

  constructor(init: GatheredLeaseStoreInit, store: LeaseStore, timers: Timers = systemTimers) {
    super();
    this.#init = init;
    this.#store = store;
    this.#timers = timers;
  }

  override renew(lease: Lease, ttlMs: number): Promise<boolean> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.push({ lease, ttlMs, resolve, reject }) === 1) this.#timers.after(this.#init.gatherMs, () => this.#renewWaiting());
    });
  }

  #renewWaiting(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const [ttlMs, alike] of Map.groupBy(waiting, (one) => one.ttlMs)) void this.#renewTogether(alike, ttlMs);
  }

  async #renewTogether(waiting: readonly Waiting[], ttlMs: number): Promise<void> {
    try {
      const renewed = await this.#store.renewAll(
        waiting.map(({ lease }) => lease),
        ttlMs,
      );
      waiting.forEach(({ resolve }, at) => resolve(renewed[at] === true));
    } catch (error) {
      for (const { reject } of waiting) reject(error);
    }
  }

  override acquire(name: string, owner: string, ttlMs: number, above?: bigint): Promise<Lease | undefined> {
    return this.#store.acquire(name, owner, ttlMs, above);
  }

  override renewAll(leases: readonly Lease[], ttlMs: number): Promise<readonly boolean[]> {
    return this.#store.renewAll(leases, ttlMs);
  }

  override release(lease: Lease): Promise<void> {
    return this.#store.release(lease);
  }

  override forget(lease: Lease): Promise<void> {
    return this.#store.forget(lease);
  }

  override list(prefix: string): Promise<readonly LeaseView[]> {
    return this.#store.list(prefix);
  }
}
