import { purgePolicySet, zoneHostsClaimed } from '#events';
import { purgePolicyDecider, type PurgePolicyDraft, type PurgePolicyState } from './purge-policy.decider.ts';
import { zoneClaimsDecider, type ZoneClaimDraft, type ZoneClaimsState } from './zone-claims.decider.ts';
import { isStanding, standingDecider, type StandingDraft, type StandingState } from './standing.decider.ts';
import { zoneDecider, type ZoneDraft, type ZoneState } from './zone.decider.ts';

type AnyDraft = ZoneDraft | ZoneClaimDraft | PurgePolicyDraft | StandingDraft;
type AnyState = ZoneState | ZoneClaimsState | PurgePolicyState | StandingState;

function evolve(before: AnyState, event: AnyDraft): AnyState {
  if (isStanding(event)) return standingDecider.evolve('standing' in before ? before : standingDecider.initialState, event);
  if (event.type === zoneHostsClaimed.type) return zoneClaimsDecider.evolve(before as ZoneClaimsState, event);
  if (event.type === purgePolicySet.type) return purgePolicyDecider.evolve(before as PurgePolicyState, event);
  return zoneDecider.evolve(before as ZoneState, event);
}

export const zoneAggregate = { context: 'zone', decider: zoneDecider } as const;
export const zoneClaimsAggregate = { context: 'zone', decider: zoneClaimsDecider } as const;
export const purgePolicyAggregate = { context: 'zone', decider: purgePolicyDecider } as const;

/** All kinds of aggregates of this context, for folding heads from the log: an event knows which it is of. */
export const zoneContextAggregate = { context: 'zone', decider: { initialState: zoneDecider.initialState as AnyState, evolve } } as const;
