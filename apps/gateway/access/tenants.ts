import { defaultTenant, everyTenant, tenantAggregate, tenantAggregateId, tenantTable, unknownTenant, type GrantRefusal } from '#domain/access';
import type { AggregateStore, ReadRow, ReadStore } from '#ports';
import type { CommandExecutor, CommandMeta } from '#runtime';
import { badRequest, conflict } from '../http/problem.errors.ts';

export interface TenantsDeps {
  readonly commands: CommandExecutor;
  readonly aggregates: AggregateStore;
  readonly reads: ReadStore;
}

/** Creates tenants and tells which there are. */
export class Tenants {
  readonly #deps: TenantsDeps;

  constructor(deps: TenantsDeps) {
    this.#deps = deps;
  }

  /** @throws ProblemError 400 when the rules refuse it, 409 when there is another by this id. */
  async create(tenantId: string, name: string, meta: CommandMeta): Promise<void> {
    const command = { type: 'CreateTenant', tenantId, name } as const;
    const result = await this.#deps.commands.execute(tenantAggregate, tenantAggregateId(tenantId), command, { ...meta, tenant: tenantId });
    if (!result.refused) return;
    throw result.code === 'tenant-exists' ? conflict(result.code, result.message) : badRequest(result.code, `body.${result.message}`);
  }

  /** The refusal when there is no such tenant. */
  async absent(tenantId: string): Promise<GrantRefusal | undefined> {
    if (tenantId === defaultTenant || tenantId === everyTenant) return undefined;
    const head = await this.#deps.aggregates.load(tenantAggregate.context, tenantAggregateId(tenantId));
    return head === undefined ? unknownTenant(tenantId) : undefined;
  }

  /** By id, from behind `after` on. */
  page(limit: number, after: string | undefined): Promise<readonly ReadRow[]> {
    const where = [{ column: 'tenant_id', is: 'gt', value: after ?? '' }] as const;
    return this.#deps.reads.select(tenantTable, { where, orderBy: [{ column: 'tenant_id' }], limit });
  }
}
