export { audienceHeardMs, audiencesProjection, audienceTable, viewersOf, type AudienceCounts } from './audience.projection.ts';
export { edgeAggregate, edgeDecider, type EdgeDraft, type EdgeState, type RegisterEdge } from './edge.decider.ts';
export { edgeCountersTable, edgesProjection, edgeTable } from './edge.projection.ts';
export { hitRatio, originOffload, type EdgeCounters } from './hit-ratio.core.ts';
export { purgePolicyDecider, type PurgePolicyState, type SetPurgePolicy } from './purge-policy.decider.ts';
export { purgePolicyAggregate, zoneContextAggregate, zoneAggregate, zoneClaimsAggregate } from './zone-aggregates.ts';
export { latencyQuantileMs } from './latency.core.ts';
export {
  accessLogTable,
  cacheColumns,
  latencyColumns,
  popularObjectTable,
  statusColumns,
  trafficHourTable,
  trafficMinuteTable,
  trafficProjection,
  trafficSums,
} from './traffic.projection.ts';
export {
  claimedDomain,
  claimsInTheWay,
  holdsClaim,
  zoneClaimsDecider,
  type ClaimZoneHosts,
  type ZoneClaim,
  type ZoneClaimsState,
} from './zone-claims.decider.ts';
export { zoneDecider, type KnownZone, type ZoneCommand, type ZoneDraft, type ZoneState } from './zone.decider.ts';
export { pathMatcher } from './path-pattern.core.ts';
export { zoneProblem, type ZoneProblem } from './zone.policy.ts';
export { purgePolicyTable, zoneClaimTable, zonesProjection, zoneTable, zoneVersionTable } from './zone.projection.ts';
