import { tenantCreated, tenantResumed, tenantSuspended } from '#events';
import { keyDecider, type KeyDraft, type KeyState } from './key.decider.ts';
import { tenantDecider, type TenantDraft, type TenantState } from './tenant.decider.ts';

type AccessState = KeyState | TenantState;

function isOfTenant(event: KeyDraft | TenantDraft): event is TenantDraft {
  return event.type === tenantCreated.type || event.type === tenantSuspended.type || event.type === tenantResumed.type;
}

/** Both kinds of aggregates of this context, for folding heads from the log: an event knows which it is of. */
export const accessAggregate = {
  context: 'access',
  decider: {
    initialState: { status: 'absent' } as AccessState,
    evolve: (state: AccessState, event: KeyDraft | TenantDraft): AccessState =>
      isOfTenant(event) ? tenantDecider.evolve(state as TenantState, event) : keyDecider.evolve(state as KeyState, event),
  },
} as const;
