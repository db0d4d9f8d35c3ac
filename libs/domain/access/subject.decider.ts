import { masterKeyRotated, subjectErased, subjectExported, type DraftOf, type SubjectEventDefinition } from '#events';
import { accept, refuse, unreachable, type Decider, type Decision } from '#kernel';

export type SubjectDraft = DraftOf<SubjectEventDefinition>;

interface OfSubject {
  readonly subject: string;
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
  | { readonly type: 'RotateMasterKey'; readonly masterId: string; readonly rewrapped: number; readonly reason: string };

/** Of one data subject, or of the master key. */
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
      return accept<SubjectDraft>(subjectErased.draft({ subject: command.subject, keyIds, reason: command.reason, ...command.elsewhere }));
    }
    case 'ExportSubject':
      return accept<SubjectDraft>(subjectExported.draft({ subject: command.subject, keyIds: [...command.keyIds], reason: command.reason }));
    case 'RotateMasterKey':
      return accept<SubjectDraft>(masterKeyRotated.draft({ masterId: command.masterId, rewrapped: command.rewrapped, reason: command.reason }));
    default:
      return unreachable(command);
  }
}

function evolve(state: SubjectState, event: SubjectDraft): SubjectState {
  return event.type === subjectErased.type ? { erased: [...state.erased, ...event.data.keyIds] } : state;
}

export const subjectDecider: Decider<SubjectState, SubjectCommand, SubjectDraft> = { initialState: { erased: [] }, decide, evolve };

export const subjectAggregate = { context: 'access', decider: subjectDecider } as const;

export function subjectAggregateId(subject: string): string {
  return `subject:${subject}`;
}

export const masterKeyAggregateId = 'master-key';
