import { purgePolicySet, type DraftOf, type PurgePolicy } from '#events';
import { accept, type Decider, type Decision } from '#kernel';

/** What edges do with a tenant's objects while they cannot know what was purged. */
export type PurgePolicyState =
  | { readonly status: 'absent' }
  | { readonly kind: 'purge-policy'; readonly status: 'set'; readonly owner: string; readonly policy: PurgePolicy | null };

export interface SetPurgePolicy {
  readonly type: 'SetPurgePolicy';
  readonly owner: string;
  /** Null for what each edge is set to. */
  readonly policy: PurgePolicy | null;
  readonly reason: string;
}

export type PurgePolicyDraft = DraftOf<typeof purgePolicySet>;

function decide({ owner, policy, reason }: SetPurgePolicy, state: PurgePolicyState): Decision<PurgePolicyDraft> {
  const before = state.status === 'set' ? state.policy : null;
  return before === policy ? accept<PurgePolicyDraft>() : accept<PurgePolicyDraft>(purgePolicySet.draft({ owner, policy, reason }));
}

function evolve(_state: PurgePolicyState, { data }: PurgePolicyDraft): PurgePolicyState {
  return { kind: 'purge-policy', status: 'set', owner: data.owner, policy: data.policy };
}

export const purgePolicyDecider: Decider<PurgePolicyState, SetPurgePolicy, PurgePolicyDraft> = { initialState: { status: 'absent' }, decide, evolve };
