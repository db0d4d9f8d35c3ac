import { LeaseStore, type Lease, type LeaseView } from '#ports';
import { metrics } from '../metrics/metrics.constants.ts';
import type { Telemetry } from '../telemetry.ts';

/** Leases, seen from outside: which of them this process holds. */
export class ObservedLeaseStore extends LeaseStore {
  readonly #leases: LeaseStore;
  readonly #held = new Map<string, bigint>();

  constructor(leases: LeaseStore, { meter }: Telemetry) {
    super();
    this.#leases = leases;
    const gauge = meter.gauge(metrics.leases);
    meter.onCollect('leases', () => {
      gauge.clear();
      const families = new Map<string, number>();
      for (const name of this.#held.keys()) families.set(familyOf(name), (families.get(familyOf(name)) ?? 0) + 1);
      for (const [family, count] of families) gauge.set(count, { family });
    });
  }

  override async acquire(name: string, owner: string, ttlMs: number, above?: bigint): Promise<Lease | undefined> {
    const lease = await this.#leases.acquire(name, owner, ttlMs, above);
    if (lease !== undefined) this.#held.set(name, lease.epoch);
    return lease;
  }

  override async renew(lease: Lease, ttlMs: number): Promise<boolean> {
    const held = await this.#leases.renew(lease, ttlMs);
    if (!held) this.#lost(lease);
    return held;
  }

  override async renewAll(leases: readonly Lease[], ttlMs: number): Promise<readonly boolean[]> {
    const held = await this.#leases.renewAll(leases, ttlMs);
    leases.forEach((lease, at) => held[at] === false && this.#lost(lease));
    return held;
  }

  override async release(lease: Lease): Promise<void> {
    await this.#leases.release(lease);
    this.#lost(lease);
  }

  override async forget(lease: Lease): Promise<void> {
    await this.#leases.forget(lease);
    this.#lost(lease);
  }

  override list(prefix: string): Promise<readonly LeaseView[]> {
    return this.#leases.list(prefix);
  }

  /** An older epoch's end says nothing about the one that is held now. */
  #lost(lease: Lease): void {
    if (this.#held.get(lease.name) === lease.epoch) this.#held.delete(lease.name);
  }
}

/** `consumer/stream-view@1/stream/0-2` is one of the consumers' leases. */
function familyOf(name: string): string {
  const slash = name.indexOf('/');
  return slash < 0 ? name : name.slice(0, slash);
}
