import type { DomainEvent, StoredRecord } from '#events';
import { ChangeFold, type Projection, type RowChange } from '#kernel';
import type { HoldChanges, NewParkedEvent } from '#ports';
import type { BlockedKey, BlockedKeys } from './poison/blocked-keys.ts';
import { isIgnored, projectRecord } from './project-record.ts';

/** What was read and folded, and waits for its commit. */
export interface FoldedBatch {
  readonly from: bigint;
  readonly to: bigint;
  readonly changes: readonly RowChange[];
  /** What was set aside; undefined when that is nothing. */
  readonly holds?: HoldChanges | undefined;
}

/**
 * Stands between the reader of a partition and its committer: while one batch is being committed the next ones are read,
 * decoded and folded together, so that the slower the database, the larger its batches.
 */
export class PendingBatch {
  readonly #projection: Projection<DomainEvent>;
  readonly #recordsMax: number;
  readonly #blocked: BlockedKeys | undefined;
  #fold: ChangeFold;
  #from: bigint;
  #to: bigint;
  #records = 0;
  #ended = false;
  #spoiled = false;
  #failure: { readonly error: unknown } | undefined;
  #changesRows = false;
  /** Called when there is something that is worth a transaction at once. */
  onWorth: (() => void) | undefined;
  #wakeReader: (() => void) | undefined;
  #wakeCommitter: (() => void) | undefined;

  /** @param blocked keys whose events are passed over; without it there are none. */
  constructor(projection: Projection<DomainEvent>, position: bigint, recordsMax: number, blocked?: BlockedKeys) {
    this.#blocked = blocked;
    this.#projection = projection;
    this.#recordsMax = recordsMax;
    this.#fold = new ChangeFold(projection.tables);
    this.#from = position;
    this.#to = position;
  }

  /** Where to read on. */
  get to(): bigint {
    return this.#to;
  }

  /** What is taken, or was: everything before is with the committer. */
  get from(): bigint {
    return this.#from;
  }

  /** True when an event is folded in by half: nothing of this is committed any more. */
  get spoiled(): boolean {
    return this.#spoiled;
  }

  /** Records folded since the last commit took what was here. */
  get records(): number {
    return this.#records;
  }

  /** True when no more comes. */
  get ended(): boolean {
    return this.#ended;
  }

  /** True when there is more to commit than how far was read: rows change, keys are held, nothing more fits, or comes. */
  get isWorth(): boolean {
    return this.#changesRows || this.#ended || this.room === 0 || this.#blocked?.hasHolds === true;
  }

  /** How many more records fit before the next commit takes what is here. */
  get room(): number {
    return Math.max(0, this.#recordsMax - this.#records);
  }

  /**
   * Folds records in; `next` is where to read on. A record that cannot be projected ends the batch before itself.
   * @throws what made the record fail, once everything before it is in.
   */
  add(records: readonly StoredRecord[], next: bigint): void {
    for (const record of records) {
      try {
        this.#take(record);
      } catch (error) {
        this.#moved(record.offset);
        throw error;
      }
      this.#records++;
    }
    this.#moved(next);
  }

  #take(record: StoredRecord): void {
    const blocked = this.#blocked;
    const before = blocked === undefined || blocked.size === 0 ? undefined : blocked.behind(record);
    if (before !== undefined) {
      if (!isIgnored(this.#projection, record)) blocked?.hold(before, record.offset);
      return;
    }
    if (blocked?.leavesOut(record.offset) === true) return;
    const changes = projectRecord(this.#projection, record);
    try {
      for (const change of changes) this.#fold.add(change);
      if (changes.length > 0) this.#changesRows = true;
    } catch (error) {
      this.#spoiled = true;
      throw error;
    }
  }

  /** Goes on behind an event that is parked: from here on its tenant's events of the key wait. */
  park(event: NewParkedEvent): void {
    this.#blocked?.park(event);
    this.#moved(event.offset + 1n);
  }

  /** From here on the events of a key are folded in as they come. */
  release(blocked: BlockedKey): void {
    this.#blocked?.release(blocked, this.#to);
    this.#wakeCommitter?.();
    this.onWorth?.();
  }

  /** Goes on behind a record that was set aside. */
  skip(record: StoredRecord): void {
    this.#moved(record.offset + 1n);
  }

  #moved(to: bigint): void {
    this.#to = to;
    this.#wakeCommitter?.();
    if (this.isWorth) this.onWorth?.();
  }

  /** No more is added; with an error, the committer throws it after it has committed what is here. */
  end(failure?: { readonly error: unknown }): void {
    this.#ended = true;
    this.#failure ??= failure;
    this.#wakeCommitter?.();
    this.onWorth?.();
  }

  get #hasWork(): boolean {
    return this.#to !== this.#from || this.#blocked?.hasHolds === true;
  }

  /** For the reader: resolves once there is room. */
  async waitForRoom(): Promise<void> {
    while (this.room === 0 && !this.#ended) await new Promise<void>((resolve) => (this.#wakeReader = resolve));
  }

  /** For the committer: resolves once there is something to commit, or nothing will come any more. */
  async waitForRecords(): Promise<void> {
    while (!this.#hasWork && !this.#ended) await new Promise<void>((resolve) => (this.#wakeCommitter = resolve));
  }

  /**
   * Takes everything that is here; undefined at the end.
   * @throws the failure that ended the batch.
   */
  take(): FoldedBatch | undefined {
    if (this.#failure !== undefined && (this.#spoiled || !this.#hasWork)) throw this.#failure.error;
    if (!this.#hasWork) return undefined;
    const batch = { from: this.#from, to: this.#to, changes: this.#fold.changes(), holds: this.#blocked?.takeHolds() };
    this.#fold = new ChangeFold(this.#projection.tables);
    this.#changesRows = false;
    this.#from = this.#to;
    this.#records = 0;
    this.#wakeReader?.();
    return batch;
  }
}
