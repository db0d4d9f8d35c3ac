export { audienceHeardMs, audiencesProjection, audienceTable, viewersOf, type AudienceCounts } from './audience.projection.ts';
export { edgeAggregate, edgeDecider, type EdgeCapabilities, type EdgeDraft, type EdgeState, type RegisterEdge } from './edge.decider.ts';
export { edgeCountersTable, edgesProjection, edgeTable } from './edge.projection.ts';
export {
  standingAggregate,
  standingAggregateId,
  standingDecider,
  type EdgeStanding,
  type StandingCommand,
  type StandingDraft,
  type StandingState,
} from './standing.decider.ts';
export { edgeScaleTable, edgeStandingTable, fleetProjection } from './standing.projection.ts';
export {
  edgeRowName,
  edgeSilentAfterMs,
  isOurs,
  registryOf,
  type EdgeLoad,
  type EdgeState as RegisteredEdgeState,
  type RegisteredEdge,
  type RegistryRows,
} from './registry.core.ts';
export { adviseScale, noAdvice, scaleRules, type ScaleAdvice, type ScaleRules, type ScaleSample, type ScaleState } from './scale.policy.ts';
export {
  candidatesOf,
  distanceKm,
  rendezvousOrder,
  steer,
  steeringKey,
  type Place,
  type ProbeState,
  type SteeringCandidate,
  type SteeringChoice,
  type SteeringClient,
  type SteeringRules,
} from './steering.policy.ts';
export { hostsOverlap } from './hosts.ts';
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
export { browsingProjection, browseBatchTable, prefetchModelsProjection, prefetchModelTable } from './prefetch.projection.ts';
export { browseOf, readBrowse, type BrowseVisit } from './browse.codec.ts';
