import { masterKeyGivenUp, masterKeyRotated, subjectErased, subjectExported, tenantCreated, tenantResumed, tenantSuspended } from '#events';
import { keyDecider, type KeyDraft, type KeyState } from './key.decider.ts';
import { subjectDecider, type SubjectDraft, type SubjectState } from './subject.decider.ts';
import { tenantDecider, type TenantDraft, type TenantState } from './tenant.decider.ts';

type AccessState = KeyState | TenantState | SubjectState;
type AccessDraft = KeyDraft | TenantDraft | SubjectDraft;

function isOfSubject(event: AccessDraft): event is SubjectDraft {
  const { type } = event;
  return type === subjectErased.type || type === subjectExported.type || type === masterKeyRotated.type || type === masterKeyGivenUp.type;
}

function isOfTenant(event: KeyDraft | TenantDraft): event is TenantDraft {
  return event.type === tenantCreated.type || event.type === tenantSuspended.type || event.type === tenantResumed.type;
}

/** All kinds of aggregates of this context, for folding heads from the log: an event knows which it is of. */
export const accessAggregate = {
  context: 'access',
  decider: {
    initialState: { status: 'absent' } as AccessState,
    evolve: (state: AccessState, event: AccessDraft): AccessState => {
      // All begin as absent; what a subject begins with is its own.
      if (isOfSubject(event)) return subjectDecider.evolve('erased' in state ? state : subjectDecider.initialState, event);
      return isOfTenant(event) ? tenantDecider.evolve(state as TenantState, event) : keyDecider.evolve(state as KeyState, event);
    },
  },
} as const;
