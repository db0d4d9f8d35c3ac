import type { StoredRecord } from '#events';
import { ChangeFold, hasCode, InvariantError, type RowChange } from '#kernel';
import { isInQueue, type ParkedEvent, type ReadBatch, type RedriveCommit } from '#ports';
import { withTimeout } from '../../pause.ts';
import { invalidityOf } from '../parking.ts';
import { storeTimeoutMs } from '../group-committer.ts';
import type { PartitionWork } from '../partition-work.ts';
import type { PendingBatch } from '../pending-batch.ts';
import { isIgnored, projectRecord } from '../project-record.ts';
import type { BlockedKey, BlockedKeys } from './blocked-keys.ts';
import { failureOf, isPoison, parkedOf } from './poison.ts';

/** Records of the partition that one step looks through: more than the reader reads between two steps, so that it catches up. */
const recordsMax = 4000;
const logTimeoutMs = 15000;
/** Keys that are redriven at once: the reader has the rest of the partition to look after. */
const keysAtOnce = 8;

/**
 * Takes the events of blocked keys from the log, in their order, for whom it was asked. It is the partition's reader that does
 * so, between two reads: so nothing comes in while a queue is found empty, and the key is released in the very commit before
 * which all of its events are taken and from which on they are taken as they come.
 */
export class Redriver {
  readonly #init: PartitionWork;
  readonly #blocked: BlockedKeys;
  readonly #pending: PendingBatch;
  #size = recordsMax;

  constructor(init: PartitionWork, blocked: BlockedKeys, pending: PendingBatch) {
    this.#init = init;
    this.#blocked = blocked;
    this.#pending = pending;
  }

  /** One step of everything that was asked for. True when more can be done at once. @throws what passes by itself, or fences us. */
  async round(): Promise<boolean> {
    for (const event of this.#blocked.late) await this.#takeLate(event);
    let more = false;
    for (const blocked of this.#blocked.ordered.slice(0, keysAtOnce)) more = (await this.#step(blocked)) || more;
    return more;
  }

  async #step(blocked: BlockedKey): Promise<boolean> {
    // One that is ahead of the reader was so when we took over; the reader will be there soon.
    if (blocked.next > this.#pending.to) return false;
    const to = this.#pending.to;
    if (blocked.next < to) await this.#takeUpTo(blocked, to);
    // Nobody but us moves the reader on: what is caught up with now is released before anything else is read.
    if (blocked.order === undefined || !this.#blocked.isThere(blocked)) return false;
    if (blocked.next < to) return true;
    this.#pending.release(blocked);
    return false;
  }

  async #takeUpTo(blocked: BlockedKey, to: bigint): Promise<void> {
    try {
      const { records, next } = await this.#readFrom(blocked.next, this.#size);
      const reach = next < to ? next : to;
      const isOurs = (record: StoredRecord): boolean => record.offset < reach && isInQueue(blocked, record);
      await this.#take(blocked, records.filter(isOurs), reach);
    } catch (error) {
      if (!hasCode(error, 'OFFSET_OUT_OF_RANGE')) throw error;
      await this.#gone(blocked, error);
    }
  }

  async #take(blocked: BlockedKey, records: readonly StoredRecord[], reach: bigint): Promise<void> {
    const fold = new ChangeFold(this.#init.projection.tables);
    let taken = 0;
    for (const record of records) {
      try {
        await this.#fold(blocked, record, fold);
      } catch (error) {
        const reason = invalidityOf(error) ?? error;
        if (reason === error && !isPoison(error)) throw error;
        // It is in the fold by half.
        if (error instanceof InvariantError) return this.#divide(blocked, records, error);
        return this.#failed(blocked, record, reason, { taken, changes: fold.changes() });
      }
      if (!isIgnored(this.#init.projection, record)) taken++;
    }
    try {
      await this.#move(blocked, reach, taken, fold.changes());
      this.#size = Math.min(recordsMax, this.#size * 2);
    } catch (error) {
      if (!isPoison(error)) throw error;
      return this.#divide(blocked, records, error);
    }
  }

  /** The event that is discarded is passed over, and so are those that were discarded before, and what nobody can read. */
  async #fold(blocked: BlockedKey, record: StoredRecord, fold: ChangeFold): Promise<void> {
    const { projection, parking, at } = this.#init;
    if (blocked.order?.verb === 'discard' && record.offset === blocked.offset) return;
    if (this.#blocked.leavesOut(record.offset)) return;
    try {
      for (const change of projectRecord(projection, record)) fold.add(change);
    } catch (error) {
      const reason = invalidityOf(error);
      if (reason === undefined || parking === undefined || record.offset === blocked.offset) throw error;
      await parking.park(at.topic, record, reason);
    }
  }

  /** Some of these the database refuses: fewer of them tell which. */
  async #divide(blocked: BlockedKey, records: readonly StoredRecord[], error: unknown): Promise<void> {
    const [record, ...others] = records;
    if (record === undefined) throw error;
    if (others.length === 0) return this.#failed(blocked, record, error, { taken: 0, changes: [] });
    this.#size = Math.max(1, Math.floor(this.#size / 2));
  }

  async #failed(
    blocked: BlockedKey,
    record: StoredRecord,
    error: unknown,
    before: { readonly taken: number; readonly changes: readonly RowChange[] },
  ): Promise<void> {
    if (record.offset === blocked.offset) return this.#stays(blocked, error);
    // The queue stays what it was: behind what an older version parked, every tenant's events wait.
    const parked = { ...parkedOf(record, error, 1), tenant: blocked.tenant };
    const { taken, changes } = before;
    await this.#redrive({ offset: blocked.offset, from: blocked.stored, to: record.offset, applied: taken, changes, outcome: { kind: 'moved', parked } });
    this.#blocked.move(blocked, parked, taken);
  }

  /** The log does not have it any more: it can be discarded, and what is left of its successors is taken. */
  async #gone(blocked: BlockedKey, error: unknown): Promise<void> {
    const { log, at } = this.#init;
    if (blocked.order?.verb === 'discard') {
      const low = (await log.heads(at.topic)).find(({ partition }) => partition === at.partition)?.low ?? 0n;
      blocked.next = low < this.#pending.to ? low : this.#pending.to;
      return;
    }
    await this.#stays(blocked, error);
  }

  /** Moves the queue on; steps in which there was nothing of it are not worth a transaction. */
  async #move(blocked: BlockedKey, to: bigint, taken: number, changes: readonly RowChange[]): Promise<void> {
    if (taken > 0) {
      await this.#redrive({ offset: blocked.offset, from: blocked.stored, to, applied: taken, changes, outcome: { kind: 'progress' } });
      this.#blocked.taken(blocked, taken);
      blocked.stored = to;
    }
    blocked.next = to;
  }

  /** The parked event stays, and what was asked is done with. */
  async #stays(blocked: BlockedKey, error: unknown): Promise<void> {
    const { offset, stored } = blocked;
    await this.#redrive({ offset, from: stored, to: stored, applied: 0, changes: [], outcome: { kind: 'failed', failure: failureOf(error) } });
    this.#blocked.orderDone(blocked);
  }

  async #takeLate(event: ParkedEvent): Promise<void> {
    const from = event.offset;
    try {
      const { records } = await this.#readFrom(from, 1);
      const changes = records.filter(({ offset }) => offset === from).flatMap((record) => projectRecord(this.#init.projection, record));
      await this.#redrive({ offset: from, from, to: from + 1n, applied: 1, changes, outcome: { kind: 'taken' } });
    } catch (error) {
      if (invalidityOf(error) === undefined && !isPoison(error) && !hasCode(error, 'OFFSET_OUT_OF_RANGE')) throw error;
      const failure = failureOf(invalidityOf(error) ?? error);
      await this.#redrive({ offset: from, from, to: from, applied: 0, changes: [], outcome: { kind: 'failed', failure } });
    }
    this.#blocked.lateDone(event);
  }

  /** A log that hangs here would be taken for work. */
  #readFrom(from: bigint, records: number): Promise<ReadBatch> {
    const { log, at, limits, timers } = this.#init;
    return withTimeout(log.read(at.topic, at.partition, from, { ...limits, recordsMax: records, waitMs: 0 }), logTimeoutMs, 'LOG_TIMEOUT', timers);
  }

  #redrive(commit: Omit<RedriveCommit, 'projection' | 'at' | 'epoch'>): Promise<void> {
    const { projection, at, epoch, store, timers } = this.#init;
    return withTimeout(store.redrive({ projection, at, epoch, ...commit }), storeTimeoutMs, 'STORE_TIMEOUT', timers);
  }
}
