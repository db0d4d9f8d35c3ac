export { AggregateStore, type AggregateCommit, type AggregateHead } from './aggregate-store.port.ts';
export { BlobStore, type BlobInfo, type ByteRange } from './blob-store.port.ts';
export { Clock, IdSource } from './clock.port.ts';
export { EventLog, type AppendOptions, type ExpectedVersion, type PartitionHead, type Position, type ProducerIdentity, type ReadBatch, type ReadLimits } from './event-log.port.ts';
export { LeaseStore, type Lease, type LeaseView } from './lease-store.port.ts';
export { Outbox, type OutboxRow } from './outbox.port.ts';
export { ProjectionStore, type CheckpointView, type ProjectionCommit, type ProjectionPartition } from './projection-store.port.ts';
export { ReadStore, type Comparison, type ReadCondition, type ReadQuery, type ReadRow } from './read-store.port.ts';
