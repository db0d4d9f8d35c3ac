import { edgeAdmitted, edgeDrained, edgeRemoved, edgeResumed, type DraftOf } from '#events';
import { accept, reasonRule, refuse, saysWhy, unreachable, type Decider, type Decision } from '#kernel';

/** What an operator thinks of an edge: whether clients are sent to it, and whether it is one of ours at all. */
export type EdgeStanding = 'serving' | 'draining' | 'removed';

/** An edge shows its key. */
export interface AdmitEdge {
  readonly type: 'AdmitEdge';
  readonly edgeId: string;
  readonly keyId: string;
  /** The key that it is bound to, where that one still works. */
  readonly boundTo: string | undefined;
}

export interface ChangeStanding {
  readonly type: 'DrainEdge' | 'ResumeEdge' | 'RemoveEdge';
  readonly edgeId: string;
  readonly reason: string;
  /** Whether there is such an edge: one without a key is known by what it says of itself alone. */
  readonly isKnown: boolean;
}

export type StandingCommand = AdmitEdge | ChangeStanding;
export type StandingDraft = DraftOf<typeof edgeAdmitted | typeof edgeDrained | typeof edgeResumed | typeof edgeRemoved>;

export interface StandingState {
  readonly standing: EdgeStanding;
  /** The key by which it was admitted; null for none yet. */
  readonly keyId: string | null;
}

const untouched: StandingState = { standing: 'serving', keyId: null };

function admit({ boundTo, edgeId, keyId }: AdmitEdge, state: StandingState): Decision<StandingDraft> {
  if (state.standing === 'removed') return refuse('edge-removed', `The edge ${edgeId} was removed. An operator can resume it.`);
  if (state.keyId === keyId) return accept<StandingDraft>();
  // Otherwise whoever has the key of one edge could speak for any other.
  if (state.keyId !== null && boundTo === state.keyId)
    return refuse('another-key', `The edge ${edgeId} has another key, which still works. Revoke that one first, or name the edge otherwise.`);
  return accept<StandingDraft>(edgeAdmitted.draft({ edgeId, keyId }));
}

function change({ edgeId, isKnown, reason, type }: ChangeStanding, state: StandingState): Decision<StandingDraft> {
  if (!isKnown && state === untouched) return refuse('unknown-edge', `There is no edge ${edgeId}.`);
  if (!saysWhy(reason)) return refuse('reason-missing', `reason: ${reasonRule}`);
  switch (type) {
    case 'DrainEdge':
      if (state.standing === 'removed') return refuse('edge-removed', `The edge ${edgeId} was removed: nobody is sent to it.`);
      return state.standing === 'draining' ? accept<StandingDraft>() : accept<StandingDraft>(edgeDrained.draft({ edgeId, reason }));
    case 'ResumeEdge':
      return state.standing === 'serving' ? accept<StandingDraft>() : accept<StandingDraft>(edgeResumed.draft({ edgeId, reason }));
    case 'RemoveEdge':
      return state.standing === 'removed' ? accept<StandingDraft>() : accept<StandingDraft>(edgeRemoved.draft({ edgeId, reason }));
    default:
      return unreachable(type);
  }
}

function evolve(state: StandingState, event: StandingDraft): StandingState {
  switch (event.type) {
    case edgeAdmitted.type:
      return { ...state, keyId: event.data.keyId };
    case edgeDrained.type:
      return { ...state, standing: 'draining' };
    case edgeResumed.type:
      return { ...state, standing: 'serving' };
    case edgeRemoved.type:
      return { ...state, standing: 'removed' };
    default:
      return unreachable(event);
  }
}

export const standingDecider: Decider<StandingState, StandingCommand, StandingDraft> = {
  initialState: untouched,
  decide: (command, state) => (command.type === 'AdmitEdge' ? admit(command, state) : change(command, state)),
  evolve,
};

export const standingAggregate = { context: 'zone', decider: standingDecider } as const;

/** The aggregate's id: the key of its events. */
export function standingAggregateId(edgeId: string): string {
  return `edge:${edgeId}`;
}

export const isStanding = (event: { readonly type: string }): event is StandingDraft =>
  event.type === edgeAdmitted.type || event.type === edgeDrained.type || event.type === edgeResumed.type || event.type === edgeRemoved.type;
