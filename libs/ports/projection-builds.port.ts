import type { DomainEvent } from '#events';
import type { Projection, RowChange } from '#kernel';
import type { ModelDifference } from './model-difference.ts';
import type { ReadStore } from './read-store.port.ts';
import type { ProjectionPartition } from './projection-partition.ts';

/** What was not taken of a part of the log. */
export interface PassedOver {
  /** Records that nobody can read, that the projection cannot handle, or that were discarded for it. */
  readonly skipped: number;
  /** Of them those that the projection could not handle: the first ones, at most {@link poisonedMax}. */
  readonly poisoned: readonly PoisonedPlace[];
}

/** Where a build begins to read a partition. */
export interface BuildStart extends ProjectionPartition {
  readonly first: bigint;
}

export interface BuildPosition extends BuildStart, PassedOver {
  readonly position: bigint;
}

/** Part of a partition: from the first offset up to, but without, the other. */
export interface BuildMove extends ProjectionPartition {
  readonly from: bigint;
  readonly to: bigint;
}

/** Names a build and who works on it. */
export interface BuildClaim {
  /** `rp-` and lower-case letters and digits. */
  readonly id: string;
  readonly projection: Projection<DomainEvent>;
  /** Of the lease under which it is worked on; a smaller one than the stored is refused (`BUILD_FENCED`). */
  readonly epoch: bigint;
}

export interface NewBuild extends BuildClaim {
  readonly starts: readonly BuildStart[];
  /** False when it leaves out partitions or a part of the log: such a build can be compared, never promoted. */
  readonly whole: boolean;
}

/** A step of a build in a partition; what it passes over adds up with its positions. */
export interface BuildStep extends BuildMove, PassedOver {}

export interface BuildLoad extends BuildClaim {
  /** At most one per partition, each from where the build stands. */
  readonly moves: readonly BuildStep[];
  /** Already folded: at most one change per table and key. */
  readonly changes: readonly RowChange[];
}

/** Folds parts of partitions; asked while the transaction that needs the rows is open. */
export type FoldBetween = (moves: readonly BuildMove[]) => Promise<readonly RowChange[]>;

export interface Promote extends BuildClaim {
  /** Offsets that may be missing; they are folded in within the promotion. More of them refuse it. */
  readonly behindMax: number;
  readonly fold: FoldBetween;
}

export interface Compare extends BuildClaim {
  readonly fold: FoldBetween;
  /** Differing rows shown per table. */
  readonly samplesMax: number;
}

/** Which version readers saw before, and which they see now. */
export interface ModelSwitch {
  readonly fromVersion: number;
  readonly toVersion: number;
}

/** How far a build has come, as its owner tells it now and then. */
export interface BuildProgress {
  readonly done: number;
  readonly total: number;
  readonly eventsPerSecond: number;
  /** Null while nothing moves. */
  readonly etaMs: number | null;
  /** Records that can never be read, and were passed over as they were before. */
  readonly skipped: number;
  /** The first events that the projection could not handle, and that were passed over. */
  readonly poisoned?: readonly PoisonedPlace[];
  /** Of a sandbox that is built: events that the log no longer held. */
  readonly eventsGone?: number;
  readonly atMs: number;
}

/** An event that was passed over. */
export interface PoisonedPlace {
  /** `topic/partition/offset` */
  readonly place: string;
  readonly code: string;
  readonly message: string;
}

/** So many are listed; the others are counted. */
export const poisonedMax = 20;

/** `building`: beside the serving one; `kept`: served before, for a roll-back; `dropped`: its tables are gone. */
export type BuildState = 'building' | 'serving' | 'kept' | 'dropped';

export interface BuildView {
  readonly id: string;
  readonly projection: string;
  readonly version: number;
  readonly state: BuildState;
  readonly whole: boolean;
  /** All indexes are made. */
  readonly finished: boolean;
  /** The build that readers saw before this one. */
  readonly replaced: string | null;
  readonly madeAtMs: number;
  readonly keptAtMs: number | null;
  readonly progress: BuildProgress | null;
  readonly difference: ModelDifference | null;
  /** Of a build that is being built. */
  readonly positions: readonly BuildPosition[];
}

/** A version of a projection that has tables of its own and is fed by the consumer host. */
export interface VersionView {
  readonly projection: string;
  readonly version: number;
  readonly serving: boolean;
  /** Where its rows begin: what was before had been removed from the log. Without partitions of which they have all. */
  readonly begins: readonly BuildStart[];
}

/**
 * Builds of read models beside the serving ones, each in tables of its own and with positions of its own. A build becomes
 * the read model in one transaction, and makes room for its predecessor in one.
 *
 * Errors are `OperatingError`s: `BUILD_FENCED` (a newer owner), `BUILD_UNKNOWN` (never made, or dropped), `BUILD_CHANGED`
 * (made by other code: another version or other tables), `BUILD_BEHIND`, `BUILD_PARTIAL`, `BUILD_NOT_SERVING`, `BUILD_NOT_KEPT`.
 */
export abstract class ProjectionBuilds {
  /** Makes tables without their secondary indexes and puts the positions to their starts; claims a build that is there already. */
  abstract create(build: NewBuild): Promise<BuildView>;
  /** Writes rows and moves positions, in one transaction. @throws OperatingError `BUILD_FENCED` also when a position is not as expected. */
  abstract load(load: BuildLoad): Promise<void>;
  /** Makes the secondary indexes and gathers statistics; once is enough. */
  abstract finish(claim: BuildClaim): Promise<void>;
  abstract note(claim: BuildClaim, progress: BuildProgress): Promise<void>;
  /**
   * Lets readers see the build, in one transaction: the checkpoints of the serving version stand still, what the build
   * lacks up to them is folded in, and tables, checkpoints and views change places. The predecessor is kept. Doing so
   * again changes nothing.
   * @throws OperatingError `BUILD_BEHIND` naming partition and lag, when more than `behindMax` is missing.
   */
  abstract promote(promotion: Promote): Promise<ModelSwitch>;
  /**
   * Lets readers see the predecessor of a build that serves, with the checkpoints that it had; the build itself is kept. Doing
   * so again changes nothing.
   * @throws OperatingError `BUILD_NOT_SERVING` naming what serves in its place.
   */
  abstract rollBack(id: string): Promise<ModelSwitch>;
  /** Brings a whole build to where the serving version stands and compares the two within one snapshot; the build keeps the result. */
  abstract compare(comparison: Compare): Promise<ModelDifference>;
  /** Compares a build with what serves, both as they are now; nothing is folded in and nothing is kept. @throws OperatingError `BUILD_UNKNOWN`, `BUILD_NOT_SERVING` */
  abstract difference(id: string, samplesMax: number): Promise<ModelDifference>;
  /** The rows of a build that is being built, or has been, and does not serve; a snapshot has the build's positions. */
  abstract reads(id: string): ReadStore;
  /** Removes the tables of a build that does not serve, and all that was noted about it. Twice does no harm. */
  abstract forget(id: string): Promise<void>;
  /** Removes the tables of a build that does not serve. Twice does no harm. */
  abstract drop(id: string): Promise<void>;
  /** Drops what was kept since before; answers the ids. */
  abstract expire(keptBeforeMs: number): Promise<readonly string[]>;
  abstract show(id: string): Promise<BuildView | undefined>;
  /** The newest thousand, the newest first; without the differences. */
  abstract list(projection?: string): Promise<readonly BuildView[]>;
  /** Those of these that there are, however old, in no order; without the differences. */
  abstract among(ids: readonly string[]): Promise<readonly BuildView[]>;
  abstract versions(): Promise<readonly VersionView[]>;
}
