import type { DomainEvent } from '#events';
import type { Projection, RowChange } from '#kernel';
import type { HoldChanges, RedriveCommit } from './parked-events.port.ts';
import type { ProjectionPartition } from './projection-partition.ts';

export interface ProjectionCommit {
  readonly projection: Projection<DomainEvent>;
  readonly at: ProjectionPartition;
  /** Compare-and-swap: the position that the checkpoint must still have … */
  readonly from: bigint;
  /** … and the one it gets. */
  readonly to: bigint;
  /** Epoch of the lease under which the batch was read; a smaller one than the stored is refused. */
  readonly epoch: bigint;
  /** Already folded: at most one change per table and key. */
  readonly changes: readonly RowChange[];
  /** What the batch set aside; undefined when that is nothing. */
  readonly holds?: HoldChanges | undefined;
}

export interface CheckpointView extends ProjectionPartition {
  readonly projection: string;
  readonly version: number;
  readonly position: bigint;
  readonly epoch: bigint;
  /** When it last moved, ms since the Unix epoch. */
  readonly movedAtMs: number;
}

/** Read models and their checkpoints: rows and checkpoint move in one transaction. */
export abstract class ProjectionStore {
  /**
   * True when the version has tables that the host feeds; where no version serves yet they are made, and readers see them.
   * False while another version serves and this one has to be built beside it.
   */
  abstract ensure(projection: Projection<DomainEvent>): Promise<boolean>;
  /**
   * Position to read on from; 0n at the start. Raises the stored epoch, so that older owners are fenced from now on.
   * @throws OperatingError `CHECKPOINT_FENCED` when a greater epoch has claimed it.
   */
  abstract claim(projection: Projection<DomainEvent>, at: ProjectionPartition, epoch: bigint): Promise<bigint>;
  /**
   * Notes that the rows of a partition of which nothing was taken yet begin there: what was before had been removed from the log.
   * @throws OperatingError `CHECKPOINT_FENCED` as `commit` does from position 0
   */
  abstract begin(projection: Projection<DomainEvent>, at: ProjectionPartition, epoch: bigint, first: bigint): Promise<void>;
  /** @throws OperatingError `CHECKPOINT_FENCED` when position or epoch are not as expected; nothing was written. */
  abstract commit(commit: ProjectionCommit): Promise<void>;
  /**
   * Commits several claimed partitions of one projection in one transaction: all of them, or none. Many partitions with
   * few events each then cost what one does.
   * @throws OperatingError `CHECKPOINT_FENCED` when position or epoch of any of them are not as expected; nothing was written.
   */
  abstract commitTogether(commits: readonly ProjectionCommit[]): Promise<void>;
  /**
   * Takes what was set aside, without moving the checkpoint.
   * @throws OperatingError `CHECKPOINT_FENCED` when a newer owner has claimed the partition, or the parked event is not as expected; nothing was written.
   */
  abstract redrive(commit: RedriveCommit): Promise<void>;
  abstract checkpoints(projection?: string): Promise<readonly CheckpointView[]>;
  /** The log that the checkpoints are of, by its `identity()`; undefined while none is bound. */
  abstract boundLog(): Promise<string | undefined>;
  /** Binds the checkpoints to a log where none is bound, and answers the one that is: another process may have been first. */
  abstract bindLog(log: string): Promise<string>;
  /** Empties the projection's tables, forgets what it parked and sets its checkpoints to zero, in one transaction: the way to a rebuild. */
  abstract reset(projection: Projection<DomainEvent>): Promise<void>;
}
