export { playlistTag, purgeRequest, purgesReactor, streamTag, type PurgeIntent } from './purges-reactor.ts';
export { purgeSelectorProblem, purgeTargetProblem } from './purge-target.core.ts';
export { purgeAggregate, purgeDecider, purgeTargetsMax, type PurgeDraft, type PurgeOrder, type PurgeState, type RequestPurge } from './purge.decider.ts';
export { purgeApplicationTable, purgesProjection, purgeTable } from './purge.projection.ts';
export { cacheContextAggregate } from './cache-aggregates.ts';
export { warmAggregate, warmDecider, warmUrlsMax, type RequestWarm, type WarmDraft, type WarmOrder, type WarmState } from './warm.decider.ts';
export { warmResultTable, warmsProjection, warmTable } from './warm.projection.ts';
