import { tenantCreated, type DraftOf } from '#events';
import { accept, refuse, type Decider, type Decision } from '#kernel';
import { defaultTenant, isTenantId } from './tenant.core.ts';

export interface CreateTenant {
  readonly type: 'CreateTenant';
  readonly tenantId: string;
  readonly name: string;
}

export type TenantDraft = DraftOf<typeof tenantCreated>;
export type TenantState = { readonly status: 'absent' } | { readonly status: 'created'; readonly tenantId: string; readonly name: string };

function decide({ tenantId, name }: CreateTenant, state: TenantState): Decision<TenantDraft> {
  if (!isTenantId(tenantId)) return refuse('invalid-tenant', 'id: A tenant is named by 1 to 63 of a-z, 0-9 and "-".');
  if (tenantId === defaultTenant) return refuse('tenant-exists', 'The tenant "default" is there from the beginning.');
  if (name.trim() === '' || name.length > 200) return refuse('invalid-name', 'name: A name has 1 to 200 characters.');
  // The id is the caller's: the same tenant asked for twice is one.
  if (state.status === 'created') return state.name === name ? accept<TenantDraft>() : refuse('tenant-exists', `There is a tenant ${tenantId} already.`);
  return accept<TenantDraft>(tenantCreated.draft({ tenantId, name }));
}

function evolve(_state: TenantState, event: TenantDraft): TenantState {
  return { status: 'created', ...event.data };
}

export const tenantDecider: Decider<TenantState, CreateTenant, TenantDraft> = { initialState: { status: 'absent' }, decide, evolve };

export const tenantAggregate = { context: 'access', decider: tenantDecider } as const;

/** The aggregate's id: the key of its events. */
export function tenantAggregateId(tenantId: string): string {
  return `tenant:${tenantId}`;
}
