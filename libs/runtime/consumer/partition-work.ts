import type { DomainEvent } from '#events';
import type { Projection } from '#kernel';
import type { EventLog, ProjectionPartition, ProjectionStore, ReadLimits, Timers } from '#ports';
import type { Logger } from '../logging.ts';
import type { GroupCommitter } from './group-committer.ts';
import type { Parking } from './parking.ts';
import type { Poison } from './poison/poison.ts';

/** What carrying one partition into one projection takes. */
export interface PartitionWork {
  readonly projection: Projection<DomainEvent>;
  readonly at: ProjectionPartition;
  /** Of the lease that covers the partition. */
  readonly epoch: bigint;
  readonly log: EventLog;
  readonly store: ProjectionStore;
  readonly committer: GroupCommitter;
  readonly limits: ReadLimits;
  /** Records folded ahead of the database. */
  readonly readAheadMax: number;
  /** Without one, a record that cannot be read stops the partition. */
  readonly parking?: Parking | undefined;
  /** Without it, an event that cannot be projected stops the partition. */
  readonly poison?: Poison | undefined;
  /** Failures that trying again did not overcome; kept from task to task. */
  readonly known?: Set<string>;
  /** Up to here the database refused rows before: an event among them is to blame. */
  readonly suspectTo?: bigint;
  readonly timers: Timers;
  readonly logger?: Logger;
}
