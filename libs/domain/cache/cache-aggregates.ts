import { warmRequested } from '#events';
import { purgeDecider, type PurgeDraft, type PurgeState } from './purge.decider.ts';
import { warmDecider, type WarmDraft, type WarmState } from './warm.decider.ts';

type AnyDraft = PurgeDraft | WarmDraft;
type AnyState = PurgeState | WarmState;

const isWarm = (event: AnyDraft): event is WarmDraft => event.type === warmRequested.type;

function evolve(before: AnyState, event: AnyDraft): AnyState {
  if (isWarm(event)) return warmDecider.evolve(before as WarmState, event);
  return purgeDecider.evolve(before as PurgeState, event);
}

/** Both kinds of aggregates of this context, for folding heads from the log: an event knows which it is of. */
export const cacheContextAggregate = { context: 'cache', decider: { initialState: purgeDecider.initialState as AnyState, evolve } } as const;
