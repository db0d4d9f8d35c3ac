import { ledgerGap, type LedgerGap } from '#adapters/ledger';
import { hasCode } from '#kernel';
import type { EventLog, LedgerGrowth, LedgerPartition, LedgerStore, PartitionHead } from '#ports';
import { backOffMs, type Logger } from '#runtime';
import { PartitionLedger } from './partition-ledger.ts';

export interface LedgerAppenderInit {
  readonly topics: readonly string[];
  /** Of the lease under which the ledger is kept. */
  readonly epoch: bigint;
}

export interface LedgerAppenderDeps {
  readonly log: EventLog;
  readonly store: LedgerStore;
  readonly logger: Logger;
  readonly now: () => number;
}

/** One read: long enough to be worth its call, short enough that other work of the process is not held up (some ms). */
const limits = { recordsMax: 1000, bytesMax: 4_194_304, waitMs: 0 };
/** Partitions read side by side. */
const readsAtOnce = 4;
/** Records that are worth a transaction. */
const recordsEnough = 8000;
/** Records taken in at one call, so that who calls can sign and show a sign of life in between. */
const recordsMax = 50_000;
const retryMs = { first: 500, most: 30_000, gap: 5000 };

interface Stopped {
  readonly failures: number;
  /** Records that it cannot do without are gone. */
  readonly gap?: LedgerGap | undefined;
  readonly retryAtMs: number;
}

interface Work {
  readonly ledger: PartitionLedger;
  readonly head: PartitionHead;
}

/**
 * Takes every record of the log into the tree of its partition, whatever is in it: records that no projection can read are
 * in the tree as well. Tiles and progress are written in one transaction, so each record is in the tree once.
 */
export class LedgerAppender {
  readonly #init: LedgerAppenderInit;
  readonly #deps: LedgerAppenderDeps;
  readonly #ledgers = new Map<string, PartitionLedger>();
  readonly #stopped = new Map<string, Stopped>();
  #writing: Promise<void> = Promise.resolve();

  constructor(init: LedgerAppenderInit, deps: LedgerAppenderDeps) {
    this.#init = init;
    this.#deps = deps;
  }

  /** The trees in hand. */
  get ledgers(): readonly PartitionLedger[] {
    return [...this.#ledgers.values()];
  }

  /** Partitions that stand still because records are gone. */
  get gaps(): readonly LedgerGap[] {
    return [...this.#stopped.values()].flatMap(({ gap }) => gap ?? []);
  }

  /**
   * Takes in what the log has, up to where it ends now, or a share of it.
   * @returns how many records that were; 0 when there are no more
   * @throws OperatingError `LEDGER_FENCED` when another process keeps the ledger, or what log or store failed with: then
   * this appender is of no use any more.
   */
  async catchUp(stop: AbortSignal): Promise<number> {
    let all = 0;
    const work = await this.#behind();
    let gathered = 0;
    while (work.length > 0 && !stop.aborted) {
      const taken = work.splice(0, readsAtOnce);
      const done = await Promise.all(taken.map((one) => this.#read(one)));
      for (const [at, records] of done.entries()) {
        gathered += records;
        all += records;
        const one = taken[at] as Work;
        if (records > 0 && one.ledger.position < one.head.high) work.push(one);
      }
      if (all >= recordsMax) break;
      if (gathered < recordsEnough) continue;
      gathered = 0;
      await this.#write();
    }
    // Whoever signs next signs nothing that is not written.
    await this.#write();
    await this.#writing;
    return all;
  }

  /** Partitions with records that are not in their tree. */
  async #behind(): Promise<Work[]> {
    const work: Work[] = [];
    for (const topic of this.#init.topics) {
      for (const head of await this.#deps.log.heads(topic)) {
        const at = { topic, partition: head.partition };
        const ledger = this.#ledgers.get(nameOf(at));
        if (!this.#mayTry(at)) continue;
        // One that stands still may have been begun anew by somebody.
        if (ledger === undefined || this.#stopped.get(nameOf(at))?.gap !== undefined) work.push({ ledger: await this.#claim(at), head });
        else if (head.high !== ledger.position) work.push({ ledger, head });
      }
    }
    return work;
  }

  async #claim(at: LedgerPartition): Promise<PartitionLedger> {
    const ledger = await PartitionLedger.claim(at, this.#init.epoch, this.#deps.store);
    this.#ledgers.set(nameOf(at), ledger);
    return ledger;
  }

  /** Takes in one read of a partition; what is wrong with it stops this partition alone. */
  async #read({ ledger, head }: Work): Promise<number> {
    const before = ledger.size;
    try {
      let from = ledger.from(head);
      // The first read may bring no more than the record that is in the tree already.
      for (let last = from - 1n; ledger.size === before && from < head.high && from > last;) {
        const batch = await this.#deps.log.read(ledger.at.topic, ledger.at.partition, from, limits);
        ledger.take(from, batch);
        [last, from] = [from, batch.next];
      }
      this.#stopped.delete(nameOf(ledger.at));
      return ledger.size - before;
    } catch (error) {
      if ((error as { retryable?: unknown }).retryable === true) throw error;
      this.#stop(ledger.at, error, hasCode(error, 'LEDGER_GAP') ? ledgerGap(ledger.progress, head) : undefined);
      return 0;
    }
  }

  #mayTry(at: LedgerPartition): boolean {
    return this.#deps.now() >= (this.#stopped.get(nameOf(at))?.retryAtMs ?? 0);
  }

  #stop(at: LedgerPartition, err: unknown, gap: LedgerGap | undefined): void {
    const failures = (this.#stopped.get(nameOf(at))?.failures ?? 0) + 1;
    this.#stopped.set(nameOf(at), {
      failures,
      gap,
      retryAtMs: this.#deps.now() + backOffMs(failures - 1, retryMs.first, gap === undefined ? retryMs.most : retryMs.gap),
    });
    // Gaps are said once, of all partitions together.
    if (gap === undefined) this.#deps.logger.error({ err, ...at, failures }, err instanceof Error ? err.message : String(err));
  }

  /** The next records are read while these are written. */
  async #write(): Promise<void> {
    await this.#writing;
    const growths = this.ledgers.map((ledger) => ledger.growth()).filter((growth): growth is LedgerGrowth => growth !== undefined);
    if (growths.length === 0) return;
    this.#writing = this.#deps.store.grow(growths);
    this.#writing.catch(() => undefined); // thrown where it is awaited
  }
}

function nameOf({ topic, partition }: LedgerPartition): string {
  return `${topic}/${partition}`;
}
