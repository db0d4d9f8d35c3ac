import {
  defaultTenant,
  everyTenant,
  tenantAggregate,
  tenantAggregateId,
  tenantTable,
  unknownTenant,
  type GrantRefusal,
  type ResumeTenant,
  type SuspendTenant,
  type TenantCommand,
} from '#domain/access';
import type { AggregateStore, ReadRow, ReadStore } from '#ports';
import type { CommandExecutor, CommandMeta } from '#runtime';
import { badRequest, conflict, notFound } from '../http/problem.errors.ts';
import type { TenantStandings } from './tenant-standings.ts';

export interface TenantsDeps {
  readonly commands: CommandExecutor;
  readonly aggregates: AggregateStore;
  readonly reads: ReadStore;
  readonly standings: TenantStandings;
}

/** Creates tenants and tells which there are. */
export class Tenants {
  readonly #deps: TenantsDeps;

  constructor(deps: TenantsDeps) {
    this.#deps = deps;
  }

  /** @throws ProblemError 400 when the rules refuse it, 409 when there is another by this id. */
  async create(tenantId: string, name: string, meta: CommandMeta): Promise<void> {
    const result = await this.#execute({ type: 'CreateTenant', tenantId, name }, meta);
    if (!result.refused) return;
    throw result.code === 'tenant-exists' ? conflict(result.code, result.message) : badRequest(result.code, `body.${result.message}`);
  }

  /**
   * From now on here, and within five seconds everywhere: nobody of the tenant is let in, open streams end, publishers are
   * cut off. What it published stays where it is.
   * @throws ProblemError 404 when there is no such tenant, 409 for the platform's own.
   */
  async suspend(tenantId: string, reason: string, meta: CommandMeta): Promise<void> {
    await this.#change({ type: 'SuspendTenant', tenantId, reason }, meta);
  }

  /** @throws ProblemError 404 when there is no such tenant, 409 for the platform's own. */
  async resume(tenantId: string, reason: string, meta: CommandMeta): Promise<void> {
    await this.#change({ type: 'ResumeTenant', tenantId, reason }, meta);
  }

  async #change(command: SuspendTenant | ResumeTenant, meta: CommandMeta): Promise<void> {
    const result = await this.#execute(command, meta);
    this.#deps.standings.forget(command.tenantId);
    if (!result.refused) return;
    throw result.code === 'unknown-tenant' ? notFound(result.code, result.message) : conflict(result.code, result.message);
  }

  #execute(command: TenantCommand, meta: CommandMeta): ReturnType<CommandExecutor['execute']> {
    const { tenantId } = command;
    return this.#deps.commands.execute(tenantAggregate, tenantAggregateId(tenantId), command, { ...meta, tenant: tenantId });
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
