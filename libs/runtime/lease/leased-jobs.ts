import type { Lease, LeaseStore, Timers } from '#ports';
import type { Logger } from '../logging.ts';
import { pause } from '../pause.ts';
import type { Health } from '../telemetry/health.ts';
import { HeldLease } from './held-lease.ts';
import { unseen, type WorkBoard, type WorkerSignals } from './work-board.ts';

/** Something that one process works on until it is done. */
export interface LeasedJob {
  readonly id: string;
  /** False while it waits for somebody and takes no place from others; asked before it is begun and while it runs. Always true when left out. */
  takesPlace?(): boolean;
  /** @param stop aborts when the process ends, or somebody else has the lease */
  run(lease: Lease, stop: AbortSignal): Promise<void>;
}

export interface LeasedJobsInit {
  /** What the jobs are, in logs, metrics and health: `replays`. */
  readonly jobs: string;
  /** Begins the names of their leases: `replay/`. */
  readonly leasePrefix: string;
  /** Unique among the living, and stable over restarts. */
  readonly owner: string;
  readonly leaseTtlMs?: number;
  /** Between two looks at what is to be done, ms. */
  readonly lookMs?: number;
  /** Jobs that this process works on at once. */
  readonly jobsMax?: number;
  /** Before a job that failed is tried again, ms. */
  readonly retryMs?: number;
  /** Between two times of tidying, ms. */
  readonly tidyMs?: number;
}

export interface LeasedJobsDeps {
  readonly leases: LeaseStore;
  readonly logger: Logger;
  readonly board?: WorkBoard;
  readonly health?: Health;
  readonly timers?: Timers;
  /** Jobs that wait to be done, those first that are to be begun first; the ones that are under way here may be among them. */
  readonly look: () => Promise<readonly LeasedJob[]>;
  /** Removes what nobody needs any more, whoever left it behind. */
  readonly tidy: () => Promise<void>;
}

const defaults = { leaseTtlMs: 6000, lookMs: 500, jobsMax: Number.POSITIVE_INFINITY, retryMs: 2000, tidyMs: 10_000 };

interface Running {
  readonly job: LeasedJob;
  readonly done: Promise<void>;
}

function takesPlace(job: LeasedJob): boolean {
  return job.takesPlace?.() !== false;
}

/**
 * Works on jobs as they come, each under a lease of its own: a process that dies leaves its jobs to another, which goes on
 * from what is stored. What a job writes is fenced by the epoch of its lease.
 */
export class LeasedJobs {
  readonly #init: LeasedJobsInit & typeof defaults;
  readonly #deps: LeasedJobsDeps;
  readonly #signals: WorkerSignals;
  readonly #running = new Map<string, Running>();
  /** Those that failed, until they may be tried again. */
  readonly #resting = new Set<string>();
  readonly #stop = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #tidyDue = true;

  constructor(init: LeasedJobsInit, deps: LeasedJobsDeps) {
    this.#init = { ...defaults, ...init };
    this.#deps = deps;
    this.#signals = deps.board?.worker(init.jobs) ?? unseen;
  }

  isRunning(id: string): boolean {
    return this.#running.has(id);
  }

  start(): void {
    this.#loop = this.#run();
  }

  /** Ends each job behind its step under way and gives its lease back. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
    await Promise.all([...this.#running.values()].map(({ done }) => done));
  }

  async #run(): Promise<void> {
    const { jobs, lookMs } = this.#init;
    const { logger, health, timers } = this.#deps;
    const heart = health?.loop(jobs, lookMs);
    while (!this.#stop.signal.aborted) {
      heart?.beat();
      try {
        await this.#look();
        if (this.#tidyDue) await this.#tidy();
        this.#signals.succeeded();
      } catch (err) {
        this.#signals.failed();
        logger.warn({ err }, `${jobs} are not looked after; trying again`);
      }
      await pause(lookMs, this.#stop.signal, timers);
    }
    heart?.end();
  }

  async #look(): Promise<void> {
    for (const job of await this.#deps.look()) {
      if (this.#stop.signal.aborted) return;
      if (this.#running.has(job.id) || this.#resting.has(job.id)) continue;
      if (takesPlace(job) && [...this.#running.values()].filter((one) => takesPlace(one.job)).length >= this.#init.jobsMax) continue;
      const { leasePrefix, owner, leaseTtlMs: ttlMs } = this.#init;
      const held = await HeldLease.acquire({ name: `${leasePrefix}${job.id}`, owner, ttlMs }, this.#deps);
      if (held !== undefined) this.#begin(job, held);
    }
  }

  async #tidy(): Promise<void> {
    await this.#deps.tidy();
    this.#tidyDue = false;
    void pause(this.#init.tidyMs, this.#stop.signal, this.#deps.timers).then(() => (this.#tidyDue = true));
  }

  #begin(job: LeasedJob, held: HeldLease): void {
    this.#running.set(job.id, { job, done: this.#work(job, held) });
    this.#signals.holds(this.#running.size);
  }

  async #work(job: LeasedJob, held: HeldLease): Promise<void> {
    const { jobs } = this.#init;
    try {
      await job.run(held.lease, AbortSignal.any([this.#stop.signal, held.lost]));
    } catch (err) {
      this.#signals.failed();
      this.#rest(job.id);
      this.#deps.logger.warn({ err, job: job.id }, `work on one of the ${jobs} was interrupted: ${err instanceof Error ? err.message : String(err)}`);
    }
    await held.release();
    this.#running.delete(job.id);
    this.#signals.holds(this.#running.size);
  }

  #rest(id: string): void {
    this.#resting.add(id);
    void pause(this.#init.retryMs, this.#stop.signal, this.#deps.timers).then(() => this.#resting.delete(id));
  }
}
