import { hasCode } from '#kernel';
import type { ParkedEvent, ReadBatch, ReadLimits } from '#ports';
import { leftOutAt } from '../left-out.ts';
import { pause, withTimeout } from '../pause.ts';
import { storeTimeoutMs } from './group-committer.ts';
import type { PartitionWork } from './partition-work.ts';
import { PendingBatch } from './pending-batch.ts';
import { BlockedKeys } from './poison/blocked-keys.ts';
import { CarefulPass } from './poison/careful-pass.ts';
import { isPoison } from './poison/poison.ts';
import { RecordTaker } from './poison/record-taker.ts';
import { Redriver } from './poison/redriver.ts';

/**
 * How long a partition that was read to its end is left alone: at a hundred events a second each read then brings some,
 * instead of every other one bringing none.
 */
const restMs = 8;

/** Carries one partition into one projection, from the checkpoint on, until it is told to stop or something fails. */
export class PartitionTask {
  readonly #init: PartitionWork;
  readonly #taker: RecordTaker;
  #position: bigint | undefined;
  #moved = false;
  #blocked: BlockedKeys | undefined;
  #suspectTo: bigint;
  #redriving = false;
  readonly #ending = new AbortController();
  /** Aborted, and made anew, when there is something else to do than to wait for records. */
  #waiting = new AbortController();

  constructor(init: PartitionWork) {
    this.#init = init;
    this.#suspectTo = init.suspectTo ?? 0n;
    const { projection, at, parking, poison, known = new Set<string>(), timers } = init;
    this.#taker = new RecordTaker({ projection, at, parking, limits: poison?.limits, known, timers });
  }

  /** The checkpoint as this task knows it; undefined before the partition is claimed. */
  get position(): bigint | undefined {
    return this.#position;
  }

  /** True once it has committed something: whatever stopped it before is overcome. */
  get moved(): boolean {
    return this.#moved;
  }

  /** Up to here the database refused rows; the next task looks who is to blame. */
  get suspectTo(): bigint {
    return this.#suspectTo;
  }

  /** True while it knows why it does not move: it tries a poisoned event again, or redrives before it reads on. */
  get busy(): boolean {
    return this.#redriving || this.#taker.insisting;
  }

  /** Keys that are blocked, as far as known. */
  get blocked(): BlockedKeys | undefined {
    return this.#blocked;
  }

  /** Takes in what an operator asked for a parked event of this partition. */
  order(event: ParkedEvent): void {
    if (this.#blocked === undefined) return;
    if (event.late) this.#blocked.addLate(event);
    else this.#blocked.order(event);
    this.#waiting.abort();
    this.#waiting = new AbortController();
  }

  /**
   * Runs until `stop` aborts; what was read by then is committed first.
   * @throws OperatingError `CHECKPOINT_FENCED` when somebody else moved the checkpoint, an error of `projectRecord` at an
   * event that cannot be projected (everything before it is committed), or what the log or the store failed with.
   */
  async run(stop: AbortSignal): Promise<void> {
    const { projection, at, epoch, store, readAheadMax, timers } = this.#init;
    this.#position = await withTimeout(store.claim(projection, at, epoch), storeTimeoutMs, 'STORE_TIMEOUT', timers);
    await this.#passSuspects(this.#position, stop);
    this.#blocked = await this.#load();
    const pending = new PendingBatch(projection, this.#position, readAheadMax, this.#blocked);
    // Not left to the reader: a log that hangs must not keep us from ending.
    const end = (): void => {
      this.#ending.abort();
      this.#waiting.abort();
      pending.end();
    };
    if (stop.aborted) end();
    stop.addEventListener('abort', end, { once: true });
    void this.#read(pending);
    try {
      await this.#commit(pending);
    } finally {
      stop.removeEventListener('abort', end);
      end();
    }
  }

  async #load(): Promise<BlockedKeys | undefined> {
    const { projection, at, poison, timers } = this.#init;
    if (poison === undefined) return undefined;
    const parked = await withTimeout(poison.parked.blocking(projection, at), storeTimeoutMs, 'STORE_TIMEOUT', timers);
    const leftOut = await withTimeout(poison.leftOut(projection.name), storeTimeoutMs, 'STORE_TIMEOUT', timers);
    return new BlockedKeys({ parked, leftOut: leftOutAt(leftOut, at) }, poison.limits, () => poison.clock.now());
  }

  async #passSuspects(position: bigint, stop: AbortSignal): Promise<void> {
    if (this.#init.poison === undefined || this.#suspectTo <= position) return;
    const pass = new CarefulPass(this.#init, { taker: this.#taker, load: async () => (await this.#load()) as BlockedKeys });
    await pass.run(position, this.#suspectTo, stop, (to) => {
      this.#position = to;
      this.#moved = true;
    });
  }

  /** Never throws: what goes wrong ends the batch, and the committer throws it. */
  async #read(pending: PendingBatch): Promise<void> {
    const { limits, timers } = this.#init;
    const [blocked, ending] = [this.#blocked, this.#ending.signal];
    const redriver = blocked === undefined ? undefined : new Redriver(this.#init, blocked, pending);
    try {
      // What was asked for comes first: too much that waits may be why this partition stands still.
      this.#redriving = true;
      while (!ending.aborted && blocked?.wanted === true && (await redriver?.round()) === true);
      this.#redriving = false;
      while (!ending.aborted) {
        if (blocked?.wanted === true) await redriver?.round();
        const recordsMax = Math.min(limits.recordsMax, pending.room);
        const waitMs = blocked?.wanted === true ? 0 : limits.waitMs;
        const batch = await this.#next(pending, { ...limits, recordsMax, waitMs });
        if (batch.next > pending.to) await this.#taker.take(pending, batch, ending);
        await pending.waitForRoom();
        if (batch.next === batch.high) await pause(restMs, this.#waiting.signal, timers);
      }
      pending.end();
    } catch (error) {
      if (pending.spoiled) this.#suspect(pending.to + 1n);
      pending.end({ error });
    }
  }

  /**
   * A reader that has taken nothing yet begins where the log does: a read model that is new, or of a database begun anew, misses
   * no more than is gone for everybody. One that has begun stands still there, and says so.
   */
  async #next(pending: PendingBatch, limits: ReadLimits): Promise<ReadBatch> {
    const { log, at, epoch, logger, projection, store, timers } = this.#init;
    try {
      return await log.read(at.topic, at.partition, pending.to, limits, this.#waiting.signal);
    } catch (error) {
      if (!hasCode(error, 'OFFSET_OUT_OF_RANGE') || pending.to !== 0n) throw error;
      const { low, high } = (await log.heads(at.topic)).find(({ partition }) => partition === at.partition) ?? { low: 0n, high: 0n };
      if (low === 0n) throw error;
      logger?.warn({ ...at, low }, `what ${at.topic}/${at.partition} held before ${low} was removed from the log: beginning there`);
      await withTimeout(store.begin(projection, at, epoch, low), storeTimeoutMs, 'STORE_TIMEOUT', timers);
      return { records: [], next: low, high };
    }
  }

  #suspect(to: bigint): void {
    if (to > this.#suspectTo) this.#suspectTo = to;
  }

  async #commit(pending: PendingBatch): Promise<void> {
    const { at, epoch, committer } = this.#init;
    for (;;) {
      await pending.waitForRecords();
      try {
        const batch = await committer.commit({ at, epoch, pending });
        if (batch === undefined) return;
        this.#position = batch.to;
        this.#moved = true;
      } catch (error) {
        if (isPoison(error)) this.#suspect(pending.from);
        throw error;
      }
    }
  }
}
