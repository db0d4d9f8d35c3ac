import { standingOf, standsAlways, tenantAggregate, tenantAggregateId, type TenantState } from '#domain/access';
import type { AggregateStore, Clock } from '#ports';
import { HeadCache } from '#runtime';

/** With the interval at which leases are renewed, a suspended tenant's publishers are cut off within five seconds, ms. */
const keepMs = 1_000;
const tenantsMax = 4_096;

/** Whose publishers are let in. */
export class TenantGate {
  readonly #heads: HeadCache;

  constructor({ aggregates, clock }: { readonly aggregates: Pick<AggregateStore, 'load'>; readonly clock: Clock }) {
    this.#heads = new HeadCache({ context: tenantAggregate.context, keepMs, max: tenantsMax }, aggregates, clock);
  }

  /** @throws when the database is away and the tenant was never asked for. */
  async isSuspended(tenant: string): Promise<boolean> {
    if (standsAlways(tenant)) return false;
    return standingOf((await this.#heads.load(tenantAggregateId(tenant))) as TenantState | undefined) === 'suspended';
  }
}
