export { audienceHeardMs, audiencesProjection, audienceTable, viewersOf, type AudienceCounts } from './audience.projection.ts';
export { edgeAggregate, edgeDecider, type EdgeDraft, type EdgeState, type RegisterEdge } from './edge.decider.ts';
export { edgeCountersTable, edgesProjection, edgeTable } from './edge.projection.ts';
export { hitRatio, originOffload, type EdgeCounters } from './hit-ratio.core.ts';
