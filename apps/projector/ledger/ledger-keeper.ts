import { topicPartitions } from '#events';
import type { EventLog, Lease, LeaseStore, LedgerCheckpoint, LedgerStore } from '#ports';
import { backOffMs, pause, type Health, type Heartbeat, type Logger } from '#runtime';
import type { LedgerSigners } from '#adapters/ledger';
import { Checkpointer } from './checkpointer.ts';
import { LedgerAppender } from './ledger-appender.ts';

export interface LedgerKeeperDeps {
  readonly log: EventLog;
  readonly store: LedgerStore;
  readonly leases: LeaseStore;
  readonly signersOf: (count: number) => Promise<LedgerSigners>;
  readonly logger: Logger;
  readonly now: () => number;
  readonly health?: Health;
  /** Told of checkpoints that were kept, and whenever it is time and there were none: asks witnesses for their signatures. */
  readonly onSigned?: (checkpoints: readonly LedgerCheckpoint[]) => void;
}

export interface LedgerKeeperInit {
  /** Unique among living projectors, stable over restarts. */
  readonly owner: string;
  readonly topics: readonly string[];
  /** A checkpoint is signed at least so often while records come, ms … */
  readonly checkpointMs: number;
  /** … and whenever so many have come. */
  readonly checkpointRecords: number;
  readonly leaseTtlMs?: number;
  /** Between looks at a log that had nothing new, ms. */
  readonly idleMs?: number;
  /** First wait after a failure, ms, doubled with each further one; 100 by default. */
  readonly retryMs?: number;
}

const defaults = { leaseTtlMs: 6000, idleMs: 300, retryMs: 100 };
const leaseName = 'ledger';
const askIntervalMs = 1000;

/**
 * Keeps the audit ledger: one of the projectors at a time, under a lease, whose epoch fences the others at the store.
 * One process takes in more than the log of a platform brings, and nobody waits for it.
 */
export class LedgerKeeper {
  readonly #init: LedgerKeeperInit & typeof defaults;
  readonly #deps: LedgerKeeperDeps;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #lease: Lease | undefined;

  constructor(init: LedgerKeeperInit, deps: LedgerKeeperDeps) {
    this.#init = { ...defaults, ...init };
    this.#deps = deps;
  }

  /** Creates the topics if they are missing, and goes on in the background. */
  async start(): Promise<void> {
    for (const topic of this.#init.topics) await this.#deps.log.ensureTopic(topic, topicPartitions);
    this.#running = this.#run();
  }

  /** Signs what is in the trees and gives the lease back. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    if (this.#lease !== undefined) await this.#deps.leases.release(this.#lease);
  }

  async #run(): Promise<void> {
    const stop = this.#stop.signal;
    const { leases, logger, health } = this.#deps;
    const { owner, leaseTtlMs, retryMs } = this.#init;
    const heart = health?.loop('audit ledger', leaseTtlMs);
    let failures = 0;
    const moved = (): void => {
      failures = 0;
      heart?.accepted();
    };
    while (!stop.aborted) {
      heart?.beat();
      try {
        this.#lease = await leases.acquire(leaseName, owner, leaseTtlMs);
        if (this.#lease !== undefined) {
          await this.#keep(this.#lease, moved, heart);
          continue;
        }
        // Somebody else keeps it.
        heart?.accepted();
        await pause(askIntervalMs, stop);
      } catch (err) {
        const retryable = (err as { retryable?: unknown }).retryable === true;
        const reason = err instanceof Error ? err.message : String(err);
        // An engine that is away comes back; one that refuses us waits for somebody who sees to it.
        if (retryable) heart?.accepted();
        else heart?.refused(reason);
        logger[retryable ? 'warn' : 'error']({ err, failures }, `the audit ledger is not kept: ${reason}`);
        await pause(backOffMs(failures++, retryMs, retryable ? 2000 : 30_000), stop);
      }
    }
    heart?.end();
  }

  /** Until the lease is lost or the keeper is stopped. */
  async #keep(lease: Lease, moved: () => void, heart: Heartbeat | undefined): Promise<void> {
    const end = new AbortController();
    const signal = AbortSignal.any([this.#stop.signal, end.signal]);
    const renewing = this.#keepLease(lease, end);
    const appender = new LedgerAppender({ topics: this.#init.topics, epoch: lease.epoch }, this.#deps);
    const checkpointer = new Checkpointer(this.#deps);
    try {
      for (let [signAtMs, unsigned] = [0, 0]; !signal.aborted;) {
        heart?.beat();
        const taken = await appender.catchUp(signal);
        unsigned += taken;
        moved();
        if (this.#deps.now() >= signAtMs || unsigned >= this.#init.checkpointRecords) {
          await this.#sign(checkpointer, appender);
          [signAtMs, unsigned] = [this.#deps.now() + this.#init.checkpointMs, 0];
        }
        if (taken === 0) await pause(this.#init.idleMs, signal);
      }
      if (!end.signal.aborted) await this.#sign(checkpointer, appender);
    } finally {
      end.abort();
      await renewing;
    }
  }

  async #sign(checkpointer: Checkpointer, appender: LedgerAppender): Promise<void> {
    const signed = await checkpointer.sign(appender.ledgers);
    this.#deps.onSigned?.(signed);
  }

  async #keepLease(lease: Lease, end: AbortController): Promise<void> {
    for (;;) {
      await pause(this.#init.leaseTtlMs / 3, end.signal);
      if (end.signal.aborted) return;
      try {
        if (!(await this.#deps.leases.renew(lease, this.#init.leaseTtlMs))) return end.abort();
      } catch (err) {
        this.#deps.logger.warn({ err }, 'the lease of the audit ledger could not be renewed');
      }
    }
  }
}
