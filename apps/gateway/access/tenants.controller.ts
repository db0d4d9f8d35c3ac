import { Controller } from '@nestjs/common';
import { ByCaller, type Caller } from '../http/caller.ts';
import { isoTime } from '../http/fields.ts';
import { Input, Route, type InputOf } from '../http/operation.ts';
import { createTenant, listTenants, resumeTenant, suspendTenant } from './keys.contract.ts';
import { Tenants } from './tenants.ts';

@Controller()
export class TenantsController {
  readonly #tenants: Tenants;

  constructor(tenants: Tenants) {
    this.#tenants = tenants;
  }

  @Route(createTenant)
  async create(@Input(createTenant) { body }: InputOf<typeof createTenant>, @ByCaller() caller: Caller): Promise<object> {
    await this.#tenants.create(body.id, body.name, caller);
    return { id: body.id, name: body.name };
  }

  @Route(suspendTenant)
  async suspend(@Input(suspendTenant) { params, body }: InputOf<typeof suspendTenant>, @ByCaller() caller: Caller): Promise<object> {
    await this.#tenants.suspend(params.id, body.reason, caller);
    return { id: params.id, status: 'suspended' };
  }

  @Route(resumeTenant)
  async resume(@Input(resumeTenant) { params, body }: InputOf<typeof resumeTenant>, @ByCaller() caller: Caller): Promise<object> {
    await this.#tenants.resume(params.id, body.reason, caller);
    return { id: params.id, status: 'active' };
  }

  @Route(listTenants)
  async list(@Input(listTenants) { query }: InputOf<typeof listTenants>): Promise<object> {
    const rows = await this.#tenants.page(query.limit, query.after);
    const view = (row: (typeof rows)[number]): object => ({
      id: row['tenant_id'],
      name: row['name'],
      createdAt: isoTime(row['created_at_ms'] as bigint | null),
      createdBy: row['created_by'],
      status: row['status'] ?? 'active',
      statusReason: row['status_reason'],
      statusAt: isoTime(row['status_at_ms'] as bigint | null),
    });
    return { items: rows.map(view) };
  }
}
