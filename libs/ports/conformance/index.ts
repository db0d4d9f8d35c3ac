export { aggregateStoreConformance, type AggregateSubject } from './aggregate-store.conformance.ts';
export { blobStoreConformance } from './blob-store.conformance.ts';
export { eventLogBetweenProcesses } from './event-log/between-processes.ts';
export { eventLogConformance } from './event-log/index.ts';
export { leaseStoreConformance } from './lease-store.conformance.ts';
export { projectionStoreConformance, type ProjectionSubject } from './projection-store/index.ts';
export { publicationStoreConformance } from './publication-store.conformance.ts';
export { rateLimiterConformance, type RateLimiterSubject } from './rate-limiter.conformance.ts';
export type { Subject, SubjectFactory } from './subject.ts';
