export { purgeTargetProblem } from './purge-target.core.ts';
export { purgeAggregate, purgeDecider, purgeUrlsMax, type PurgeDraft, type PurgeState, type RequestPurge } from './purge.decider.ts';
export { purgeApplicationTable, purgesProjection, purgeTable } from './purge.projection.ts';
