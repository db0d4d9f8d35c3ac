import type { DomainEvent } from '#events';
import type { Projection } from '#kernel';
import type { ProjectionCommit, ProjectionPartition, ProjectionStore, Timers } from '#ports';
import { pause, withTimeout } from '../pause.ts';
import type { FoldedBatch, PendingBatch } from './pending-batch.ts';

export interface GroupCommitterInit {
  readonly projection: Projection<DomainEvent>;
  readonly store: ProjectionStore;
  readonly timers?: Timers;
  /** Transactions under way at once. */
  readonly commitsMax: number;
  /** How long the first waits for company, ms. */
  readonly lingerMs: number;
  /** How long what changes no row waits for something that does, ms: only how far was read would be written. */
  readonly noteMs?: number;
  /** Records that are enough for a transaction: no waiting, and no more partitions in it. */
  readonly recordsEnough: number;
}

/** A partition that has something to commit. */
export interface Committing {
  readonly at: ProjectionPartition;
  readonly epoch: bigint;
  readonly pending: PendingBatch;
}

interface Waiting extends Committing {
  readonly resolve: (batch: FoldedBatch | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** A store that hangs must not hold everybody up for ever; the compare-and-swap makes a late commit harmless. */
export const storeTimeoutMs = 15000;

/**
 * Commits the partitions of one projection together: at a thousand events a second over twelve partitions, a hundred
 * transactions of ten events instead of a thousand of one. While a transaction is under way the partitions go on folding.
 */
export class GroupCommitter {
  readonly #init: GroupCommitterInit;
  #waiting: Waiting[] = [];
  #underWay = 0;
  #lingering = false;
  #lingered = false;
  #noting = false;
  #noted = false;

  constructor(init: GroupCommitterInit) {
    this.#init = init;
  }

  /**
   * Commits what the partition has folded by the time its turn comes, and answers what that was; undefined when there is
   * nothing any more and nothing will come.
   * @throws the failure that ended the batch, or what the store failed with.
   */
  commit(committing: Committing): Promise<FoldedBatch | undefined> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ...committing, resolve, reject });
      committing.pending.onWorth = (): void => this.#next();
      this.#next();
    });
  }

  #next(): void {
    if (this.#waiting.length === 0 || this.#underWay >= this.#init.commitsMax) return;
    const records = this.#waiting.reduce((sum, { pending }) => sum + pending.records, 0);
    const isUrgent = records >= this.#init.recordsEnough || this.#waiting.some(({ pending }) => pending.ended);
    if (!isUrgent && !this.#noted && !this.#waiting.some(({ pending }) => pending.isWorth)) return void this.#note();
    if (!isUrgent && !this.#lingered) return void this.#linger();
    this.#lingered = false;
    this.#noted = false;
    this.#underWay++;
    void this.#commitGroup(this.#group()).finally(() => {
      this.#underWay--;
      this.#next();
    });
    this.#next();
  }

  async #linger(): Promise<void> {
    if (this.#lingering) return;
    this.#lingering = true;
    await pause(this.#init.lingerMs, undefined, this.#init.timers);
    this.#lingering = false;
    this.#lingered = true;
    this.#next();
  }

  /** Most events of a topic change no row of most projections: how far those have read is written now and then, for all partitions together. */
  async #note(): Promise<void> {
    if (this.#noting) return;
    this.#noting = true;
    await pause(this.#init.noteMs ?? 0, undefined, this.#init.timers);
    this.#noting = false;
    this.#noted = true;
    this.#next();
  }

  #group(): readonly Waiting[] {
    let [records, end] = [0, 0];
    while (end < this.#waiting.length && (end === 0 || records < this.#init.recordsEnough)) records += this.#waiting[end++]?.pending.records ?? 0;
    return this.#waiting.splice(0, end);
  }

  async #commitGroup(group: readonly Waiting[]): Promise<void> {
    const taken: Array<readonly [Waiting, FoldedBatch]> = [];
    for (const waiting of group) {
      try {
        const batch = waiting.pending.take();
        if (batch === undefined) waiting.resolve(undefined);
        else taken.push([waiting, batch]);
      } catch (error) {
        waiting.reject(error);
      }
    }
    if (taken.length > 0) await this.#commitTaken(taken);
  }

  async #commitTaken(taken: ReadonlyArray<readonly [Waiting, FoldedBatch]>): Promise<void> {
    const { store, projection } = this.#init;
    const commits = taken.map(([{ at, epoch }, batch]): ProjectionCommit => ({ projection, at, epoch, ...batch }));
    try {
      await withTimeout(store.commitTogether(commits), storeTimeoutMs, 'STORE_TIMEOUT', this.#init.timers);
      for (const [waiting, batch] of taken) waiting.resolve(batch);
    } catch (error) {
      // One of them is fenced, or has a row that the store refuses: the others must not suffer for it.
      if (taken.length > 1 && (error as { retryable?: unknown }).retryable !== true) for (const one of taken) await this.#commitTaken([one]);
      else for (const [waiting] of taken) waiting.reject(error);
    }
  }
}
