import type { Lease } from '#ports';
import { backOffMs, pause, systemTimers } from '../pause.ts';
import type { Health, Heartbeat } from '../telemetry/health.ts';
import { HeldLease, type HeldLeaseDeps } from './held-lease.ts';
import { unseen, type WorkBoard, type WorkerSignals } from './work-board.ts';

export interface LeasedWorkerInit {
  /** Its name in metrics and health, such as `event index`. */
  readonly worker: string;
  /** Name of the lease. */
  readonly lease: string;
  /** Unique among the living, and stable over restarts. */
  readonly owner: string;
  readonly leaseTtlMs?: number;
  /** Of work that appends under the lease's epoch: the greatest that the log knows. */
  readonly known?: () => Promise<bigint>;
  /** How often somebody without the lease asks for it, ms. */
  readonly askMs?: number;
  /** First wait after a failure, ms; doubled with each further one. */
  readonly retryMs?: number;
  /** What is the matter when it fails, in the words of an operator: `the event index is not kept`. */
  readonly trouble: string;
  /** How long a round takes when there is nothing to do, ms. */
  readonly roundMs?: number;
}

export interface LeasedWorkerDeps extends HeldLeaseDeps {
  readonly board?: WorkBoard;
  /** Of work that others wait for: standing still, or refused for good, it makes the process unhealthy. Elsewhere metrics show it. */
  readonly health?: Health;
}

/** One time of holding the lease. */
export interface Tenure {
  readonly lease: Lease;
  /** Aborts when the worker is stopped, or somebody else has the lease: `lost` does for the second alone. */
  readonly signal: AbortSignal;
  readonly lost: AbortSignal;
  /** A round was done, be it that there was nothing to do: what failed before is over. Said within every `HEALTH_STALL_MS` where health is asked. */
  moved(): void;
}

const defaults = { leaseTtlMs: 6000, askMs: 1000, retryMs: 100, roundMs: 1000 };
/** An engine that is away comes back soon; anything else waits for somebody who sees to it. */
const retryMsMax = { transient: 2000, permanent: 30_000 };

/**
 * Work that one process of many does at a time: takes the lease, works until it is lost or the worker is stopped, gives it
 * back; asks for it while somebody else has it, and begins anew after a failure, with growing pauses. The work is written so
 * that the next holder can go on wherever it ended, and fenced by the lease's epoch where it writes.
 */
export class LeasedWorker {
  readonly #init: LeasedWorkerInit & typeof defaults;
  readonly #deps: LeasedWorkerDeps;
  readonly #work: (tenure: Tenure) => Promise<void>;
  readonly #signals: WorkerSignals;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #heart: Heartbeat | undefined;
  #failures = 0;

  constructor(init: LeasedWorkerInit, deps: LeasedWorkerDeps, work: (tenure: Tenure) => Promise<void>) {
    this.#init = { ...defaults, ...init };
    this.#deps = deps;
    this.#work = work;
    this.#signals = deps.board?.worker(init.worker) ?? unseen;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Ends behind the step that is under way, and gives the lease back. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { askMs, roundMs, worker } = this.#init;
    this.#heart = this.#deps.health?.loop(worker, roundMs);
    while (!this.#stop.signal.aborted) {
      this.#heart?.beat();
      try {
        if (await this.#serve()) continue;
        this.#heart?.accepted();
        await pause(askMs, this.#stop.signal, this.#deps.timers);
      } catch (err) {
        await pause(this.#failed(err), this.#stop.signal, this.#deps.timers);
      }
    }
    this.#heart?.end();
  }

  /** False when somebody else holds the lease. */
  async #serve(): Promise<boolean> {
    const { lease: name, owner, leaseTtlMs: ttlMs, known } = this.#init;
    const held = await HeldLease.acquire({ name, owner, ttlMs, ...(known === undefined ? {} : { known }) }, this.#deps);
    if (held === undefined) return false;
    this.#signals.holds(1);
    try {
      const signal = AbortSignal.any([this.#stop.signal, held.lost]);
      await this.#work({ lease: held.lease, signal, lost: held.lost, moved: () => this.#moved() });
    } finally {
      this.#signals.holds(0);
      await held.release();
    }
    return true;
  }

  #moved(): void {
    this.#failures = 0;
    this.#heart?.beat();
    this.#heart?.accepted();
    this.#signals.succeeded();
  }

  /** How long to wait, ms. */
  #failed(err: unknown): number {
    const { trouble, retryMs } = this.#init;
    const { logger, timers = systemTimers } = this.#deps;
    const isTransient = (err as { retryable?: unknown }).retryable === true;
    const reason = err instanceof Error ? err.message : String(err);
    if (isTransient) this.#heart?.accepted();
    else this.#heart?.refused(reason);
    this.#signals.failed();
    logger[isTransient ? 'warn' : 'error']({ err, failures: this.#failures }, `${trouble}: ${reason}`);
    return backOffMs(this.#failures++, retryMs, isTransient ? retryMsMax.transient : retryMsMax.permanent, timers);
  }
}
