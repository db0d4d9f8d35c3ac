import { LeaseStore, type Clock, type Lease, type LeaseView } from '#ports';

interface MemoryLease extends Lease {
  readonly expiresAt: number;
}

/** Leases that live as long as their object. */
export class MemoryLeaseStore extends LeaseStore {
  readonly #clock: Clock;
  /** Kept when a lease is released, so that epochs go on growing. */
  readonly #leases = new Map<string, MemoryLease>();

  constructor(clock: Clock) {
    super();
    this.#clock = clock;
  }

  override async acquire(name: string, owner: string, ttlMs: number, above = 0n): Promise<Lease | undefined> {
    const held = this.#leases.get(name);
    if (held !== undefined && held.owner !== owner && !this.#expired(held)) return undefined;
    const lease = { name, owner, epoch: maxOf(held?.epoch ?? 0n, above) + 1n };
    this.#leases.set(name, { ...lease, expiresAt: this.#clock.now() + ttlMs });
    return lease;
  }

  override async renew(lease: Lease, ttlMs: number): Promise<boolean> {
    const held = this.#leases.get(lease.name);
    if (held === undefined || held.epoch !== lease.epoch || held.expiresAt === Number.NEGATIVE_INFINITY) return false;
    this.#leases.set(lease.name, { ...held, expiresAt: this.#clock.now() + ttlMs });
    return true;
  }

  override renewAll(leases: readonly Lease[], ttlMs: number): Promise<readonly boolean[]> {
    return Promise.all(leases.map((lease) => this.renew(lease, ttlMs)));
  }

  override async release(lease: Lease): Promise<void> {
    const held = this.#leases.get(lease.name);
    if (held?.epoch === lease.epoch) this.#leases.set(lease.name, { ...held, expiresAt: Number.NEGATIVE_INFINITY });
  }

  override async forget(lease: Lease): Promise<void> {
    if (this.#leases.get(lease.name)?.epoch === lease.epoch) this.#leases.delete(lease.name);
  }

  override async list(prefix: string): Promise<readonly LeaseView[]> {
    return [...this.#leases.values()]
      .filter((lease) => lease.name.startsWith(prefix) && lease.expiresAt !== Number.NEGATIVE_INFINITY)
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map((lease) => ({ name: lease.name, owner: lease.owner, epoch: lease.epoch, expired: this.#expired(lease) }));
  }

  #expired(lease: MemoryLease): boolean {
    return lease.expiresAt <= this.#clock.now();
  }
}

function maxOf(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
