import type { EventLog, Lease, LeaseStore, ProjectionStore, ReadLimits, Timers } from '#ports';
import type { Logger } from '../logging.ts';
import type { GroupCommitter } from './group-committer.ts';
import type { LeaseGroup } from './lease-group.ts';
import type { Parking } from './parking.ts';
import { PartitionLoop } from './partition-loop.ts';
import { PartitionTask } from './partition-task.ts';
import type { Poison } from './poison/poison.ts';

export interface HeldGroupDeps {
  readonly log: EventLog;
  readonly leases: LeaseStore;
  readonly store: ProjectionStore;
  readonly committer: GroupCommitter;
  readonly logger: Logger;
  readonly parking?: Parking | undefined;
  readonly poison?: Poison | undefined;
  readonly timers: Timers;
}

export interface HeldGroupInit {
  readonly group: LeaseGroup;
  readonly lease: Lease;
  readonly leaseTtlMs: number;
  readonly limits: ReadLimits;
  readonly readAheadMax: number;
}

/** A group of partitions whose lease this process holds, and the loops that work on them. */
export class HeldGroup {
  readonly loops: readonly PartitionLoop[];
  readonly #init: HeldGroupInit;
  readonly #deps: HeldGroupDeps;

  constructor(init: HeldGroupInit, deps: HeldGroupDeps) {
    this.#init = init;
    this.#deps = deps;
    const { projection, partitions } = init.group;
    const { log, store, committer, parking, poison, timers } = deps;
    const { limits, readAheadMax } = init;
    const logger = deps.logger.child({ projection: projection.name });
    const common = { projection, epoch: init.lease.epoch, log, store, committer, limits, readAheadMax, parking, poison, timers, logger };
    this.loops = partitions.map((at) => {
      const known = new Set<string>();
      const makeTask = (suspectTo: bigint): PartitionTask => new PartitionTask({ ...common, at, known, suspectTo });
      return new PartitionLoop({ projection, at, logger, timers, stillOurs: () => this.renew(), makeTask });
    });
  }

  get group(): LeaseGroup {
    return this.#init.group;
  }

  get lease(): Lease {
    return this.#init.lease;
  }

  /** False when somebody else has taken the lease. */
  renew(): Promise<boolean> {
    return this.#deps.leases.renew(this.#init.lease, this.#init.leaseTtlMs);
  }

  /** Ends the loops after a last commit; then the lease can be given back. */
  async stop(): Promise<void> {
    await Promise.all(this.loops.map((loop) => loop.stop()));
  }

  release(): Promise<void> {
    return this.#deps.leases.release(this.#init.lease);
  }
}
