export { readSegment, type ReadSegment } from './segment-audit.ts';
export { catalogueTopic, sealerId, type SealedPartition } from './segment-catalogue.ts';
export { SealedSegmentDamaged } from './sealed-log.errors.ts';
export { SegmentReader } from './segment-reader.ts';
export { SegmentSealer, type SealingRange } from './segment-sealer.ts';
export { hashLeaf, leafInput } from './leaf.ts';
export { SealedEventLog, type SealedEventLogDeps, type SealedEventLogInit } from './sealed-event-log.adapter.ts';
export type { SealedSegment, SegmentIndex, SegmentProof } from './segment.types.ts';
