import { masterKeyGivenUp, masterKeyRotated, subjectErased, subjectExported, type DraftOf, type SubjectEventDefinition } from '#events';
import { accept, refuse, unreachable, type Decider, type Decision } from '#kernel';

export type SubjectDraft = DraftOf<SubjectEventDefinition>;

interface OfSubject {
  readonly subject: string;
  /** Whose the keys are. */
  readonly tenant: string;
  readonly keyIds: readonly string[];
  readonly reason: string;
}

/** What other regions go by. */
export interface ErasedElsewhere {
  /** What stands for the subject in all of them. */
  readonly shared: string;
  /** What stands for the secret that they share. */
  readonly check: string;
  /** The one tenant that is meant; null for all. */
  readonly ofTenant: string | null;
}

export type SubjectCommand =
  | (OfSubject & { readonly type: 'EraseSubject'; readonly elsewhere?: ErasedElsewhere | undefined })
  | (OfSubject & { readonly type: 'ExportSubject' })
  | { readonly type: 'GiveUpMasterKey'; readonly masterId: string; readonly keyIds: readonly string[]; readonly reason: string }
  | { readonly type: 'RotateMasterKey'; readonly masterId: string; readonly rewrapped: number; readonly reason: string };

/** Of one data subject of a tenant, or of the master key. */
export interface SubjectState {
  /** Keys that were destroyed. */
  readonly erased: readonly string[];
}

const reasonMissing = 'reason: Say why.';

function decide(command: SubjectCommand, { erased }: SubjectState): Decision<SubjectDraft> {
  if (command.reason.trim() === '') return refuse('reason-missing', reasonMissing);
  switch (command.type) {
    case 'EraseSubject': {
      const keyIds = command.keyIds.filter((keyId) => !erased.includes(keyId));
      // Two who erase at once: the second finds it done.
      if (keyIds.length === 0 && command.elsewhere === undefined) return accept<SubjectDraft>();
      const { subject, tenant, reason, elsewhere } = command;
      return accept<SubjectDraft>(subjectErased.draft({ subject, keyIds, reason, tenant, ...elsewhere }));
    }
    case 'ExportSubject': {
      const { subject, tenant, reason, keyIds } = command;
      return accept<SubjectDraft>(subjectExported.draft({ subject, keyIds: [...keyIds], reason, tenant }));
    }
    case 'RotateMasterKey':
      return accept<SubjectDraft>(masterKeyRotated.draft({ masterId: command.masterId, rewrapped: command.rewrapped, reason: command.reason }));
    case 'GiveUpMasterKey':
      return accept<SubjectDraft>(masterKeyGivenUp.draft({ masterId: command.masterId, keyIds: [...command.keyIds], reason: command.reason }));
    default:
      return unreachable(command);
  }
}

function evolve(state: SubjectState, event: SubjectDraft): SubjectState {
  return event.type === subjectErased.type ? { erased: [...state.erased, ...event.data.keyIds] } : state;
}

export const subjectDecider: Decider<SubjectState, SubjectCommand, SubjectDraft> = { initialState: { erased: [] }, decide, evolve };

export const subjectAggregate = { context: 'access', decider: subjectDecider } as const;

/** What two tenants call alike are two subjects: neither learns of the other's, and each may have its own erased. */
export function subjectAggregateId(subject: string, tenant: string): string {
  return `subject:${subject}:${tenant}`;
}

export const masterKeyAggregateId = 'master-key';
