import { personalDataViewed, type DraftOf } from '#events';
import { refuse, type Decider } from '#kernel';

export type PersonalViewDraft = DraftOf<typeof personalDataViewed>;
export type PersonalView = PersonalViewDraft['data'];

/** Puts on record that personal data was shown: a fact beside all aggregates, no state of one. */
export const personalViewDecider: Decider<null, PersonalView, PersonalViewDraft> = {
  initialState: null,
  decide: (view) => refuse<PersonalViewDraft>('recorded', 'It is on record.', personalDataViewed.draft(view)),
  evolve: (state) => state,
};

export const personalViewAggregate = { context: 'operation', decider: personalViewDecider } as const;
