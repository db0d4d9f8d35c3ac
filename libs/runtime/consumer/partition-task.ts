import type { DomainEvent } from '#events';
import type { Projection } from '#kernel';
import type { EventLog, ProjectionPartition, ProjectionStore, ReadBatch, ReadLimits, Timers } from '#ports';
import { pause, withTimeout } from '../pause.ts';
import type { GroupCommitter } from './group-committer.ts';
import { invalidityOf, type Parking } from './parking.ts';
import { PendingBatch } from './pending-batch.ts';

export interface PartitionTaskInit {
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
  readonly timers: Timers;
}

const claimTimeoutMs = 15000;
/**
 * How long a partition that was read to its end is left alone: at a hundred events a second each read then brings some,
 * instead of every other one bringing none.
 */
const restMs = 8;

/** Carries one partition into one projection, from the checkpoint on, until it is told to stop or something fails. */
export class PartitionTask {
  readonly #init: PartitionTaskInit;
  #position: bigint | undefined;
  #moved = false;

  constructor(init: PartitionTaskInit) {
    this.#init = init;
  }

  /** The checkpoint as this task knows it; undefined before the partition is claimed. */
  get position(): bigint | undefined {
    return this.#position;
  }

  /** True once it has committed something: whatever stopped it before is overcome. */
  get moved(): boolean {
    return this.#moved;
  }

  /**
   * Runs until `stop` aborts; what was read by then is committed first.
   * @throws OperatingError `CHECKPOINT_FENCED` when somebody else moved the checkpoint, an error of `projectRecord` at an
   * event that cannot be projected (everything before it is committed), or what the log or the store failed with.
   */
  async run(stop: AbortSignal): Promise<void> {
    const { projection, at, epoch, store, readAheadMax, timers } = this.#init;
    this.#position = await withTimeout(store.claim(projection, at, epoch), claimTimeoutMs, 'STORE_TIMEOUT', timers);
    const pending = new PendingBatch(projection, this.#position, readAheadMax);
    const reading = new AbortController();
    // Not left to the reader: a log that hangs must not keep us from ending.
    const end = (): void => {
      reading.abort();
      pending.end();
    };
    if (stop.aborted) end();
    stop.addEventListener('abort', end, { once: true });
    void this.#read(pending, reading.signal);
    try {
      await this.#commit(pending);
    } finally {
      stop.removeEventListener('abort', end);
      end();
    }
  }

  /** Never throws: what goes wrong ends the batch, and the committer throws it. */
  async #read(pending: PendingBatch, stop: AbortSignal): Promise<void> {
    const { log, at, limits, timers } = this.#init;
    try {
      while (!stop.aborted) {
        const recordsMax = Math.min(limits.recordsMax, pending.room);
        const batch = await log.read(at.topic, at.partition, pending.to, { ...limits, recordsMax }, stop);
        if (batch.next > pending.to) await this.#add(pending, batch);
        await pending.waitForRoom();
        if (batch.next === batch.high) await pause(restMs, stop, timers);
      }
      pending.end();
    } catch (error) {
      pending.end({ error });
    }
  }

  /** Folds a batch in; what can never be read is set aside, and the rest goes on. */
  async #add(pending: PendingBatch, { records, next }: ReadBatch): Promise<void> {
    const { parking, at } = this.#init;
    for (let rest = records; ;) {
      try {
        return pending.add(rest, next);
      } catch (error) {
        const reason = invalidityOf(error);
        const place = rest.findIndex(({ offset }) => offset === pending.to);
        const record = rest[place];
        if (reason === undefined || parking === undefined || record === undefined) throw error;
        await parking.park(at.topic, record, reason);
        pending.skip(record);
        rest = rest.slice(place + 1);
      }
    }
  }

  async #commit(pending: PendingBatch): Promise<void> {
    const { at, epoch, committer } = this.#init;
    for (;;) {
      await pending.waitForRecords();
      const batch = await committer.commit({ at, epoch, pending });
      if (batch === undefined) return;
      this.#position = batch.to;
      this.#moved = true;
    }
  }
}
