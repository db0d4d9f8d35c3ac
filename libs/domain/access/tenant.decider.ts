import { tenantCreated, tenantResumed, tenantSuspended, type DraftOf, type TenantEventDefinition } from '#events';
import { accept, refuse, unreachable, type Decider, type Decision } from '#kernel';
import { defaultTenant, everyTenant, isTenantId } from './tenant.core.ts';

export interface CreateTenant {
  readonly type: 'CreateTenant';
  readonly tenantId: string;
  readonly name: string;
}

export interface SuspendTenant {
  readonly type: 'SuspendTenant';
  readonly tenantId: string;
  readonly reason: string;
}

export interface ResumeTenant {
  readonly type: 'ResumeTenant';
  readonly tenantId: string;
  readonly reason: string;
}

export type TenantCommand = CreateTenant | SuspendTenant | ResumeTenant;
export type TenantDraft = DraftOf<TenantEventDefinition>;
export type TenantState = { readonly status: 'absent' } | { readonly status: 'created' | 'suspended'; readonly tenantId: string; readonly name: string };

function create({ tenantId, name }: CreateTenant, state: TenantState): Decision<TenantDraft> {
  if (!isTenantId(tenantId)) return refuse('invalid-tenant', 'id: A tenant is named by 1 to 63 of a-z, 0-9 and "-".');
  if (tenantId === defaultTenant) return refuse('tenant-exists', 'The tenant "default" is there from the beginning.');
  if (name.trim() === '' || name.length > 200) return refuse('invalid-name', 'name: A name has 1 to 200 characters.');
  // The id is the caller's: the same tenant asked for twice is one.
  if (state.status === 'absent') return accept<TenantDraft>(tenantCreated.draft({ tenantId, name }));
  return state.name === name ? accept<TenantDraft>() : refuse('tenant-exists', `There is a tenant ${tenantId} already.`);
}

function decide(command: TenantCommand, state: TenantState): Decision<TenantDraft> {
  if (command.type === 'CreateTenant') return create(command, state);
  const { tenantId } = command;
  if (tenantId === defaultTenant) return refuse('platform-tenant', 'The tenant "default" is the platform itself: it cannot be suspended.');
  if (state.status === 'absent') return refuse('unknown-tenant', `There is no tenant ${tenantId}.`);
  switch (command.type) {
    case 'SuspendTenant':
      return state.status === 'suspended' ? accept<TenantDraft>() : accept<TenantDraft>(tenantSuspended.draft({ tenantId, reason: command.reason }));
    case 'ResumeTenant':
      return state.status === 'created' ? accept<TenantDraft>() : accept<TenantDraft>(tenantResumed.draft({ tenantId, reason: command.reason }));
    default:
      return unreachable(command);
  }
}

function evolve(state: TenantState, event: TenantDraft): TenantState {
  if (event.type === tenantCreated.type) return { status: 'created', ...event.data };
  if (state.status === 'absent') return state;
  return { ...state, status: event.type === tenantSuspended.type ? 'suspended' : 'created' };
}

export const tenantDecider: Decider<TenantState, TenantCommand, TenantDraft> = { initialState: { status: 'absent' }, decide, evolve };

export const tenantAggregate = { context: 'access', decider: tenantDecider } as const;

/** The aggregate's id: the key of its events. */
export function tenantAggregateId(tenantId: string): string {
  return `tenant:${tenantId}`;
}

/** Whether a tenant's credentials and publishers are let in. */
export type TenantStanding = 'good' | 'absent' | 'suspended';

/** True for tenants that are there whatever the log says, and are never suspended. */
export function standsAlways(tenantId: string): boolean {
  return tenantId === defaultTenant || tenantId === everyTenant;
}

/** @param state of the tenant's head; undefined when there is none */
export function standingOf(state: TenantState | undefined): TenantStanding {
  if (state === undefined || state.status === 'absent') return 'absent';
  return state.status === 'suspended' ? 'suspended' : 'good';
}
