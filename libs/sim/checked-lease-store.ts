import { MemoryLeaseStore } from '#adapters/memory';
import { LeaseStore, type Lease, type LeaseView } from '#ports';
import type { Simulation } from './simulation.ts';
import type { Violations } from './violations.ts';

interface Grant {
  readonly lease: Lease;
  readonly untilMs: number;
}

/** Watches a lease store: a lease has one owner at a time, and each owner a greater epoch than the one before. */
export class CheckedLeaseStore extends LeaseStore {
  readonly #inner: LeaseStore;
  readonly #simulation: Simulation;
  readonly #violations: Violations;
  readonly #grants = new Map<string, Grant>();

  constructor(simulation: Simulation, violations: Violations, inner: LeaseStore = new MemoryLeaseStore(simulation.clock)) {
    super();
    this.#inner = inner;
    this.#simulation = simulation;
    this.#violations = violations;
  }

  override async acquire(name: string, owner: string, ttlMs: number, above?: bigint): Promise<Lease | undefined> {
    const before = this.#grants.get(name);
    const lease = await this.#inner.acquire(name, owner, ttlMs, above);
    if (lease === undefined) return undefined;
    if (before !== undefined && before.lease.owner !== owner && before.untilMs > this.#simulation.now)
      this.#violations.add(`${owner} was given the lease ${name} that ${before.lease.owner} holds`);
    if (before !== undefined && lease.epoch <= before.lease.epoch) this.#violations.add(`the lease ${name} was given twice in epoch ${lease.epoch}`);
    this.#grants.set(name, { lease, untilMs: this.#simulation.now + ttlMs });
    return lease;
  }

  override async renew(lease: Lease, ttlMs: number): Promise<boolean> {
    const isOurs = await this.#inner.renew(lease, ttlMs);
    const grant = this.#grants.get(lease.name);
    if (isOurs && grant?.lease.epoch !== lease.epoch) this.#violations.add(`the lease ${lease.name} was renewed in the past epoch ${lease.epoch}`);
    if (isOurs) this.#grants.set(lease.name, { lease, untilMs: this.#simulation.now + ttlMs });
    return isOurs;
  }

  override renewAll(leases: readonly Lease[], ttlMs: number): Promise<readonly boolean[]> {
    return Promise.all(leases.map((lease) => this.renew(lease, ttlMs)));
  }

  override async release(lease: Lease): Promise<void> {
    await this.#inner.release(lease);
    const grant = this.#grants.get(lease.name);
    if (grant?.lease.epoch === lease.epoch) this.#grants.set(lease.name, { lease, untilMs: 0 });
  }

  override async forget(lease: Lease): Promise<void> {
    await this.#inner.forget(lease);
    if (this.#grants.get(lease.name)?.lease.epoch === lease.epoch) this.#grants.delete(lease.name);
  }

  override list(prefix: string): Promise<readonly LeaseView[]> {
    return this.#inner.list(prefix);
  }
}
