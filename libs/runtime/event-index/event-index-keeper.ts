import { topicPartitions, type Context } from '#events';
import type { Clock, EventIndex, EventLog, Lease, LeaseStore } from '#ports';
import type { Logger } from '../logging.ts';
import { backOffMs, pause } from '../pause.ts';
import { IndexReader } from './index-reader.ts';

export interface EventIndexKeeperDeps {
  readonly log: EventLog;
  readonly index: EventIndex;
  readonly leases: LeaseStore;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface EventIndexKeeperInit {
  /** Unique among living projectors, stable over restarts. */
  readonly owner: string;
  readonly topics: readonly Context[];
  /** How long events stay in the index, ms; 0 for ever. They stay on the log either way. */
  readonly keepMs?: number;
  readonly leaseTtlMs?: number;
  /** Between looks at a log that had nothing new, ms. */
  readonly idleMs?: number;
}

const defaults = { keepMs: 0, leaseTtlMs: 6000, idleMs: 250 };
const leaseName = 'event-index';
const askIntervalMs = 1000;
/** What was written is prepared for searches after so many events, and so often. */
const tendEvery = { events: 200_000, ms: 60_000 };

/**
 * Keeps the event index: one process at a time, under a lease whose epoch fences the others at the store. It may fall behind
 * while much comes, and nothing waits for it.
 */
export class EventIndexKeeper {
  readonly #init: EventIndexKeeperInit & typeof defaults;
  readonly #deps: EventIndexKeeperDeps;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(init: EventIndexKeeperInit, deps: EventIndexKeeperDeps) {
    this.#init = { ...defaults, ...init };
    this.#deps = deps;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Ends after the batch under way and gives the lease back. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { leases, logger } = this.#deps;
    const { owner, leaseTtlMs } = this.#init;
    for (let failures = 0; !this.#stop.signal.aborted;) {
      let lease: Lease | undefined;
      try {
        lease = await leases.acquire(leaseName, owner, leaseTtlMs);
        if (lease === undefined) await pause(askIntervalMs, this.#stop.signal);
        else await this.#keep(lease, () => (failures = 0));
      } catch (err) {
        const retryable = (err as { retryable?: unknown }).retryable === true;
        logger[retryable ? 'warn' : 'error']({ err, failures }, `the event index is not kept: ${err instanceof Error ? err.message : String(err)}`);
        await pause(backOffMs(failures++, 100, retryable ? 2000 : 30_000), this.#stop.signal);
      } finally {
        if (lease !== undefined) await leases.release(lease).catch(() => undefined); // it expires by itself
      }
    }
  }

  /** Until the lease is lost or the keeper is stopped. */
  async #keep(lease: Lease, moved: () => void): Promise<void> {
    const { log, index, clock } = this.#deps;
    const { topics, keepMs, idleMs } = this.#init;
    const end = new AbortController();
    const signal = AbortSignal.any([this.#stop.signal, end.signal]);
    const renewing = this.#keepLease(lease, end);
    try {
      for (const topic of topics) await log.ensureTopic(topic, topicPartitions);
      const positions = await index.claim(lease.epoch, await log.identity());
      const reader = new IndexReader({ topics, positions, epoch: lease.epoch }, log);
      for (let [tendAtMs, written] = [0, 0]; !signal.aborted;) {
        const batch = await reader.next();
        if (batch !== undefined) await index.append(batch);
        moved();
        written += batch?.events.length ?? 0;
        if (written >= tendEvery.events || clock.now() >= tendAtMs) {
          await index.tend(keepMs === 0 ? undefined : clock.now() - keepMs);
          [tendAtMs, written] = [clock.now() + tendEvery.ms, 0];
        }
        if (batch === undefined) await pause(idleMs, signal);
      }
    } finally {
      end.abort();
      await renewing;
    }
  }

  async #keepLease(lease: Lease, end: AbortController): Promise<void> {
    const { leases, logger } = this.#deps;
    for (;;) {
      await pause(this.#init.leaseTtlMs / 3, end.signal);
      if (end.signal.aborted) return;
      try {
        if (!(await leases.renew(lease, this.#init.leaseTtlMs))) return end.abort();
      } catch (err) {
        logger.warn({ err }, 'the lease of the event index could not be renewed');
      }
    }
  }
}
