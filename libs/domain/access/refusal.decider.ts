import { accessRefused, type DraftOf } from '#events';
import { refuse, type Decider } from '#kernel';

export type RefusalDraft = DraftOf<typeof accessRefused>;
export type Refusals = RefusalDraft['data'];

/** Puts refusals on record: a fact about something that did not happen, and no aggregate's state. */
export const refusalDecider: Decider<null, Refusals, RefusalDraft> = {
  initialState: null,
  decide: (refusals) => refuse<RefusalDraft>(refusals.reason, 'Refused.', accessRefused.draft(refusals)),
  evolve: (state) => state,
};

export const refusalAggregate = { context: 'access', decider: refusalDecider } as const;
