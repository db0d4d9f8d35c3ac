import type { StoredRecord } from '#events';
import type { ReadBatch } from '#ports';
import { withTimeout } from '../../pause.ts';
import { storeTimeoutMs } from '../group-committer.ts';
import type { PartitionWork } from '../partition-work.ts';
import { PendingBatch } from '../pending-batch.ts';
import type { BlockedKeys } from './blocked-keys.ts';
import { isPoison, parkedOf } from './poison.ts';
import type { RecordTaker } from './record-taker.ts';

const recordsMax = 512;

export interface CarefulPassDeps {
  readonly taker: RecordTaker;
  /** The blocked keys as they are stored. */
  readonly load: () => Promise<BlockedKeys>;
}

/**
 * Goes over a part of a partition of which the database refused the rows, in transactions of their own: half as many records after each
 * refusal, twice as many after each success. So the one event is found that is to blame, and its neighbours are taken.
 */
export class CarefulPass {
  readonly #init: PartitionWork;
  readonly #deps: CarefulPassDeps;
  #size = recordsMax;

  constructor(init: PartitionWork, deps: CarefulPassDeps) {
    this.#init = init;
    this.#deps = deps;
  }

  /** Goes on to `to` at least, unless it is told to stop. @throws what is not poison. */
  async run(from: bigint, to: bigint, stop: AbortSignal, moved: (to: bigint) => void): Promise<void> {
    const { log, at, limits } = this.#init;
    let position = from;
    while (position < to && !stop.aborted) {
      const batch = await log.read(at.topic, at.partition, position, { ...limits, recordsMax: this.#size, waitMs: 0 }, stop);
      if (batch.next === position) return;
      if (!(await this.#take(position, batch, stop))) continue;
      position = batch.next;
      moved(position);
    }
  }

  /** False when the batch was too large to tell which event is to blame. */
  async #take(from: bigint, batch: ReadBatch, stop: AbortSignal): Promise<boolean> {
    const [record, ...others] = batch.records;
    try {
      await this.#commit(from, batch, stop);
    } catch (error) {
      if (record === undefined || !isPoison(error)) throw error;
      if (others.length > 0) {
        this.#size = Math.ceil(batch.records.length / 2);
        return false;
      }
      await this.#takeAlone(from, batch, record, error, stop);
    }
    this.#size = Math.min(recordsMax, this.#size * 2);
    return true;
  }

  async #takeAlone(from: bigint, batch: ReadBatch, record: StoredRecord, error: unknown, stop: AbortSignal): Promise<void> {
    const defeat = await this.#deps.taker.insist(record, error, () => this.#commit(from, batch, stop), stop);
    if (defeat === undefined) return;
    const pending = await this.#pending(from);
    pending.park(parkedOf(record, defeat.error, defeat.attempts));
    pending.add([], batch.next);
    await this.#write(pending);
  }

  async #commit(from: bigint, batch: ReadBatch, stop: AbortSignal): Promise<void> {
    const pending = await this.#pending(from);
    await this.#deps.taker.take(pending, batch, stop);
    await this.#write(pending);
  }

  /** What failed before may have blocked keys that are not blocked in the store. */
  async #pending(from: bigint): Promise<PendingBatch> {
    return new PendingBatch(this.#init.projection, from, recordsMax, await this.#deps.load());
  }

  async #write(pending: PendingBatch): Promise<void> {
    const { projection, at, epoch, store, timers } = this.#init;
    const batch = pending.take();
    if (batch !== undefined) await withTimeout(store.commit({ projection, at, epoch, ...batch }), storeTimeoutMs, 'STORE_TIMEOUT', timers);
  }
}
