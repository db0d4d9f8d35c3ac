import { standingOf, standsAlways, tenantAggregate, tenantAggregateId, type TenantStanding, type TenantState } from '#domain/access';
import type { AggregateStore, Clock } from '#ports';
import { HeadCache } from '#runtime';

/** How long a suspended tenant may still be let in, ms. */
const keepMs = 2_000;
const tenantsMax = 4_096;

/** Whether a tenant is there, and let in. */
export class TenantStandings {
  readonly #heads: HeadCache;

  constructor(aggregates: Pick<AggregateStore, 'load'>, clock: Clock) {
    this.#heads = new HeadCache({ context: tenantAggregate.context, keepMs, max: tenantsMax }, aggregates, clock);
  }

  /** @throws when the store is away and the tenant was never asked for. */
  async of(tenantId: string): Promise<TenantStanding> {
    if (standsAlways(tenantId)) return 'good';
    return standingOf((await this.#heads.load(tenantAggregateId(tenantId))) as TenantState | undefined);
  }

  /** Makes this process see a change at once; others see it when their memory of the tenant ends. */
  forget(tenantId: string): void {
    this.#heads.forget(tenantAggregateId(tenantId));
  }
}
