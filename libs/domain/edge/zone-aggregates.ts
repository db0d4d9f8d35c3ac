import { zoneHostsClaimed } from '#events';
import { zoneClaimsDecider, type ZoneClaimDraft, type ZoneClaimsState } from './zone-claims.decider.ts';
import { zoneDecider, type ZoneDraft, type ZoneState } from './zone.decider.ts';

type AnyDraft = ZoneDraft | ZoneClaimDraft;
type AnyState = ZoneState | ZoneClaimsState;

const isClaim = (event: AnyDraft): event is ZoneClaimDraft => event.type === zoneHostsClaimed.type;

function evolve(before: AnyState, event: AnyDraft): AnyState {
  if (isClaim(event)) return zoneClaimsDecider.evolve(before as ZoneClaimsState, event);
  return zoneDecider.evolve(before as ZoneState, event);
}

export const zoneAggregate = { context: 'zone', decider: zoneDecider } as const;
export const zoneClaimsAggregate = { context: 'zone', decider: zoneClaimsDecider } as const;

/** Both kinds of aggregates of this context, for folding heads from the log: an event knows which it is of. */
export const zoneContextAggregate = { context: 'zone', decider: { initialState: zoneDecider.initialState as AnyState, evolve } } as const;
