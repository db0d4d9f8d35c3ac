import type { StoredRecord } from '#events';
import { hasCode } from '#kernel';
import type { Clock, Position } from '#ports';
import { AppendTransaction, type AppendCall, type AppendOutcome } from './append-transaction.ts';
import { restoreRecords } from './restore-records.ts';
import { retryWhileBusy } from './busy-retry.ts';
import type { LogDatabase } from './log-database.ts';
import type { LogTables } from './log-tables.ts';
import { WalGuard } from './wal-guard.ts';
import { WriterMemory } from './writer-memory.ts';

/** Records that one transaction takes before the rest waits for the next; an append is never divided. */
const groupRecordsMax = 4000;

interface WaitingAppend extends AppendCall {
  readonly resolve: (positions: readonly Position[]) => void;
  readonly reject: (error: unknown) => void;
}

export interface LogWriterDeps {
  readonly db: LogDatabase;
  readonly tables: LogTables;
  readonly clock: Clock;
  readonly walBytesMax: number;
  /** Told after each commit which partitions grew, and to where. */
  readonly onAppended: (highs: ReadonlyMap<number, number>) => void;
}

/**
 * The one writer of this process. Appends that come in one turn of the event loop go into one transaction (group
 * commit); a lone append goes at the end of the turn it came in, so nobody waits for company, and a caller that appends
 * in a loop cannot starve the rest of the process.
 */
export class LogWriter {
  readonly #deps: LogWriterDeps;
  readonly #walGuard: WalGuard;
  readonly #memory: WriterMemory;
  #queue: WaitingAppend[] = [];
  #running: Promise<void> | undefined;

  constructor(deps: LogWriterDeps) {
    this.#deps = deps;
    this.#memory = new WriterMemory(deps.db);
    this.#walGuard = new WalGuard(deps.db, deps.walBytesMax);
  }

  append(call: AppendCall): Promise<readonly Position[]> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ ...call, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** The topic's producers are new to the log from now on. */
  async forgetProducers(topic: string): Promise<void> {
    const { db, tables } = this.#deps;
    try {
      await retryWhileBusy(db.path, () => db.write(() => tables.producers.forget(tables.topics.get(topic).id)));
      this.#walGuard.committed();
    } finally {
      this.#memory.forget();
    }
  }

  /** Records of another log, in one transaction. */
  async restore(topic: string, records: readonly StoredRecord[]): Promise<void> {
    const { db, tables, onAppended } = this.#deps;
    try {
      onAppended(await retryWhileBusy(db.path, () => db.write(() => restoreRecords(tables, topic, records))));
      this.#walGuard.committed();
    } catch (error) {
      tables.records.forget();
      throw error;
    } finally {
      this.#memory.forget();
    }
  }

  /** Somebody else of this process has committed: the write-ahead log has grown. */
  grew(): void {
    this.#walGuard.committed();
  }

  /** Resolves when all that was handed in is written or refused. */
  async drained(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0) {
      await new Promise((resolve) => setImmediate(resolve));
      await this.#commitGroup(this.#nextGroup());
    }
    this.#running = undefined;
  }

  #nextGroup(): readonly WaitingAppend[] {
    let records = 0;
    let end = 0;
    while (end < this.#queue.length && (end === 0 || records < groupRecordsMax)) {
      records += this.#queue[end]?.records.length ?? 0;
      end += 1;
    }
    return this.#queue.splice(0, end);
  }

  async #commitGroup(group: readonly WaitingAppend[]): Promise<void> {
    try {
      const outcomes = await this.#commit(group);
      group.forEach((one, at) => settle(one, outcomes[at] as AppendOutcome));
    } catch (error) {
      // One of them may be at fault, or together they need more room than is left: each on its own, then.
      if (group.length > 1 && !hasCode(error, 'LOG_UNAVAILABLE')) for (const one of group) await this.#commitGroup([one]);
      else for (const one of group) one.reject(error);
    }
  }

  async #commit(group: readonly WaitingAppend[]): Promise<readonly AppendOutcome[]> {
    const { db, tables, clock, onAppended } = this.#deps;
    try {
      const { outcomes, highs } = await retryWhileBusy(db.path, () =>
        db.write(() => {
          const append = new AppendTransaction(tables, this.#memory, clock);
          return { outcomes: append.run(group), highs: append.highs };
        }),
      );
      onAppended(highs);
      this.#walGuard.committed();
      return outcomes;
    } catch (error) {
      tables.records.forget();
      this.#memory.forget();
      throw error;
    }
  }
}

function settle(append: WaitingAppend, outcome: AppendOutcome): void {
  if (outcome instanceof Error) append.reject(outcome);
  else append.resolve(outcome);
}
