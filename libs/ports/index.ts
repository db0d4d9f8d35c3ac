export { AggregateStore, type AggregateCommit, type AggregateHead, type IdentifiedHead } from './aggregate-store.port.ts';
export { blobBytesMax, BlobStore, type BlobInfo, type ByteRange } from './blob-store.port.ts';
export { Clock, IdSource, Timers } from './clock.port.ts';
export {
  EffectStore,
  type Effect,
  type EffectAttempt,
  type EffectBacklog,
  type EffectOutcome,
  type EffectQuery,
  type EffectSettlement,
  type EffectState,
  type Enlistment,
  type EnlistedEffect,
  type NewEffect,
  type ReactorCommit,
  type ReactorIdentity,
  type ReactorPartition,
  type ReactorPosition,
  type ReactorStart,
} from './effect-store.port.ts';
export { effectStoreErrors } from './effect-store.errors.ts';
export {
  EventLog,
  recordBytesMax,
  type AppendOptions,
  type ExpectedVersion,
  type KnownProducer,
  type PartitionHead,
  type Position,
  type ProducerIdentity,
  type ReadBatch,
  type ReadLimits,
  type RestoreRecords,
} from './event-log.port.ts';
export { HeadProgress, type OutboxCount, type OutboxRestart, type SeenPartition } from './head-progress.port.ts';
export { KeptErasures, type KeptErasure, type KeptErasureCount } from './kept-erasures.port.ts';
export { JobQueue, type Job, type JobHandler, type JobWorker, type JobWorkerInit } from './job-queue.port.ts';
export { LeaseStore, type Lease, type LeaseView } from './lease-store.port.ts';
export {
  LedgerStore,
  type LeafTileAt,
  type LeafTilePlace,
  type LedgerCheckpoint,
  type LedgerEvidence,
  type LedgerGrowth,
  type LedgerPartition,
  type LedgerProgress,
  type LedgerTreeAt,
  type LedgerTile,
  type LedgerWitness,
} from './ledger-store.port.ts';
export { MasterKey, type WrappedKey } from './master-key.port.ts';
export {
  EventIndex,
  eventIndexVersion,
  type IndexBatch,
  type IndexedEvent,
  type IndexFilter,
  type IndexMove,
  type IndexPage,
  type IndexPlace,
  type IndexPosition,
  type IndexSearch,
} from './event-index.port.ts';
export { eventIndexErrors } from './event-index.errors.ts';
export { tenantsOf, type ModelDifference, type RowDifference, type TableDifference } from './model-difference.ts';
export { Outbox, type OutboxBacklog, type OutboxRow } from './outbox.port.ts';
export {
  PastStore,
  type LackingPiece,
  type PastBlock,
  type PastCut,
  type PastModel,
  type PastPart,
  type PastPiece,
  type PastRange,
  type PastSize,
  type StoredPiece,
} from './past-store.port.ts';
export {
  ParkedEvents,
  type HeldEvents,
  type HoldChanges,
  type LateEvent,
  type NewParkedEvent,
  type ParkedEvent,
  type ParkedFailure,
  type ParkedFilter,
  type ParkedOrder,
  type ParkedPlace,
  type ParkedState,
  type RedriveCommit,
  type RedriveOutcome,
  type ReleasedKey,
} from './parked-events.port.ts';
export { isInQueue, tenantOf, type ParkedQueue } from './parked-queue.ts';
export { ProcessRunner, RunningProcess, type ProcessCommand, type ProcessExit } from './process-runner.port.ts';
export {
  poisonedMax,
  ProjectionBuilds,
  type PoisonedPlace,
  type BuildClaim,
  type BuildLoad,
  type BuildMove,
  type BuildStep,
  type PassedOver,
  type BuildPosition,
  type BuildProgress,
  type BuildStart,
  type BuildState,
  type BuildView,
  type Compare,
  type FoldBetween,
  type ModelSwitch,
  type NewBuild,
  type Promote,
  type VersionView,
} from './projection-builds.port.ts';
export type { ProjectionPartition } from './projection-partition.ts';
export { ProjectionStore, type CheckpointView, type ProjectionCommit } from './projection-store.port.ts';
export { spend, type RateDecision, type RatePolicy } from './rate-limit.ts';
export { RateLimiter } from './rate-limiter.port.ts';
export {
  publicationDaysMin,
  PublicationStore,
  type KnownPublication,
  type PublicationBatch,
  type PublicationBatchInit,
  type PublicationEntry,
  type Reservation,
  type Reserved,
} from './publication-store.port.ts';
export { ReadTotals, type Total, type TotalsQuery } from './read-totals.port.ts';
export { checkTotals, totalsFor } from './total-query.ts';
export { ReadStore, type Comparison, type ReadCondition, type ReadQuery, type ReadRow, type ReadSnapshot, type RowKey } from './read-store.port.ts';
export { SecretStore } from './secret-store.port.ts';
export {
  SubjectKeyStore,
  type Erasures,
  type NewSubjectKey,
  type SubjectKey,
  type SubjectKeyCounts,
  type SubjectLink,
  type UnlinkedQuery,
} from './subject-key-store.port.ts';
export { blobCid, blobDigest } from './blob-cid.ts';
export { eventLogErrors } from './event-log.errors.ts';
export { ledgerStoreErrors } from './ledger-store.errors.ts';
export { admitProducer, firstSequence, type Admission, type ProducerState } from './producer-admission.ts';
export { checkQuery, rowsFor } from './row-query.ts';
export { checkRecordSize, recordBytes, utf8Bytes } from './record-size.ts';
