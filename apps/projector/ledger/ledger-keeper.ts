import { topicPartitions } from '#events';
import type { EventLog, LedgerCheckpoint, LedgerStore } from '#ports';
import { LeasedWorker, pause, type LeasedWorkerDeps, type LeasedWorkerInit, type Tenure } from '#runtime';
import { ledgerGapNote, type LedgerGap, type LedgerSigners } from '#adapters/ledger';
import { Checkpointer } from './checkpointer.ts';
import { LedgerAppender } from './ledger-appender.ts';

export interface LedgerKeeperDeps extends LeasedWorkerDeps {
  readonly log: EventLog;
  readonly store: LedgerStore;
  readonly signersOf: (count: number) => Promise<LedgerSigners>;
  readonly now: () => number;
  /** Told of checkpoints that were kept, and whenever it is time and there were none: asks witnesses for their signatures. */
  readonly onSigned?: (checkpoints: readonly LedgerCheckpoint[]) => void;
}

export interface LedgerKeeperInit extends Pick<LeasedWorkerInit, 'owner' | 'retryMs'> {
  readonly topics: readonly string[];
  /** A checkpoint is signed at least so often while records come, ms … */
  readonly checkpointMs: number;
  /** … and whenever so many have come. */
  readonly checkpointRecords: number;
  /** Between looks at a log that had nothing new, ms. */
  readonly idleMs?: number;
}

const idleMsDefault = 300;
/** Of a log that grows all the time fewer are taken together with what comes meanwhile: each round writes the edge of every tree that grew. */
const recordsWorth = 1000;

/**
 * Keeps the audit ledger: one of the projectors at a time, under a lease, whose epoch fences the others at the store.
 * One process takes in more than the log of a platform brings, and nobody waits for it.
 */
export class LedgerKeeper {
  readonly #init: LedgerKeeperInit;
  readonly #deps: LedgerKeeperDeps;
  readonly #worker: LeasedWorker;
  #gaps: readonly LedgerGap[] = [];

  constructor(init: LedgerKeeperInit, deps: LedgerKeeperDeps) {
    this.#init = init;
    this.#deps = deps;
    const work = { worker: 'audit ledger', lease: 'ledger', trouble: 'the audit ledger is not kept', roundMs: 6000 };
    this.#worker = new LeasedWorker({ ...work, ...init }, deps, (tenure) => this.#keep(tenure));
    deps.health?.remark('records that are gone to the ledger', () => [ledgerGapNote(this.#gaps) ?? []].flat());
  }

  /** Creates the topics if they are missing, and goes on in the background. */
  async start(): Promise<void> {
    for (const topic of this.#init.topics) await this.#deps.log.ensureTopic(topic, topicPartitions);
    this.#worker.start();
  }

  /** Signs what is in the trees and gives the lease back. */
  stop(): Promise<void> {
    return this.#worker.stop();
  }

  async #keep({ lease, signal, lost, moved }: Tenure): Promise<void> {
    const { checkpointMs, checkpointRecords, idleMs = idleMsDefault, topics } = this.#init;
    const appender = new LedgerAppender({ topics, epoch: lease.epoch }, this.#deps);
    const checkpointer = new Checkpointer(this.#deps);
    for (let [signAtMs, unsigned] = [0, 0]; !signal.aborted;) {
      const taken = await appender.catchUp(signal);
      unsigned += taken;
      this.#look(appender.gaps);
      moved();
      if (this.#deps.now() >= signAtMs || unsigned >= checkpointRecords) {
        await this.#sign(checkpointer, appender);
        [signAtMs, unsigned] = [this.#deps.now() + checkpointMs, 0];
      }
      if (taken < recordsWorth) await pause(idleMs, signal);
    }
    this.#gaps = [];
    if (!lost.aborted) await this.#sign(checkpointer, appender);
  }

  /** Said once, and not at every try: doctor shows it for as long as it is so. */
  #look(gaps: readonly LedgerGap[]): void {
    if (gaps.length > 0 && this.#gaps.length === 0) this.#deps.logger.error({ partitions: gaps.length }, ledgerGapNote(gaps));
    this.#gaps = gaps;
  }

  async #sign(checkpointer: Checkpointer, appender: LedgerAppender): Promise<void> {
    const signed = await checkpointer.sign(appender.ledgers);
    this.#deps.onSigned?.(signed);
  }
}
