import type { DomainEvent } from '#events';
import { hasCode, type Projection } from '#kernel';
import type { ParkedEvent, ProjectionPartition, Timers } from '#ports';
import type { Logger } from '../logging.ts';
import { backOffMs, pause } from '../pause.ts';
import type { PartitionTask } from './partition-task.ts';
import type { BlockedKeys } from './poison/blocked-keys.ts';

export interface PartitionLoopInit {
  readonly projection: Projection<DomainEvent>;
  readonly at: ProjectionPartition;
  /** `suspectTo`: up to there the database refused rows. */
  readonly makeTask: (suspectTo: bigint) => PartitionTask;
  readonly logger: Logger;
  readonly timers: Timers;
  /** Called when the checkpoint was fenced; true when the lease is still ours, so that it is worth trying again. */
  readonly stillOurs: () => Promise<boolean>;
}

/** Failures that pass by themselves are tried again soon, the others patiently. */
const retryableMostMs = 2000;
const stuckMostMs = 30000;

interface Attempt {
  readonly task: PartitionTask;
  readonly abandon: () => void;
}

/** Keeps a partition going: starts its task again after every failure, with back-off, until it is stopped. */
export class PartitionLoop {
  readonly #init: PartitionLoopInit;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #attempt: Attempt | undefined;
  #failures = 0;
  #suspectTo = 0n;
  #backingOff = false;

  constructor(init: PartitionLoopInit) {
    this.#init = init;
    this.#running = this.#run();
  }

  get projection(): Projection<DomainEvent> {
    return this.#init.projection;
  }

  get at(): ProjectionPartition {
    return this.#init.at;
  }

  /** The checkpoint, as far as known. */
  get position(): bigint | undefined {
    return this.#attempt?.task.position;
  }

  /** Keys that are blocked behind parked events, as far as known. */
  get blocked(): BlockedKeys | undefined {
    return this.#attempt?.task.blocked;
  }

  /** Hands on what was asked for a parked event; one that is not heard is asked for again. */
  order(event: ParkedEvent): void {
    this.#attempt?.task.order(event);
  }

  /** True while it waits after a failure: then it is known why it does not move. */
  get failing(): boolean {
    return this.#backingOff || this.#attempt?.task.busy === true;
  }

  /** Commits what was read and ends. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** Starts the task anew although it neither failed nor ended. Should the abandoned one wake up, the checkpoint fences it. */
  restart(): void {
    this.#attempt?.abandon();
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const error = await this.#try();
      if (this.#stop.signal.aborted) return;
      if (error !== undefined && !(await this.#goesOnAfter(error))) return;
    }
  }

  /** One run of the task; what it failed with, or undefined. */
  async #try(): Promise<unknown> {
    const stop = new AbortController();
    const abandoned = Promise.withResolvers<void>();
    const task = this.#init.makeTask(this.#suspectTo);
    this.#attempt = { task, abandon: abandoned.resolve };
    const forward = (): void => stop.abort();
    this.#stop.signal.addEventListener('abort', forward, { once: true });
    const run = task.run(stop.signal);
    run.catch(() => {});
    try {
      await Promise.race([run, abandoned.promise]);
      return undefined;
    } catch (error) {
      if (task.moved) this.#failures = 0;
      return error ?? new Error('the task failed without saying why');
    } finally {
      this.#suspectTo = task.suspectTo;
      stop.abort();
      this.#stop.signal.removeEventListener('abort', forward);
    }
  }

  async #goesOnAfter(error: unknown): Promise<boolean> {
    this.#failures++;
    const retryable = (error as { retryable?: unknown }).retryable === true;
    const fenced = hasCode(error, 'CHECKPOINT_FENCED');
    const message = error instanceof Error ? error.message : String(error);
    // Events that are gone stay gone, and the watch of the lag says so once.
    const known = this.#failures > 1 && hasCode(error, 'OFFSET_OUT_OF_RANGE');
    this.#init.logger[known ? 'debug' : retryable || fenced ? 'warn' : 'error']({ err: error, ...this.#init.at, failures: this.#failures }, message);
    try {
      if (fenced && !(await this.#init.stillOurs())) return false;
    } catch (err) {
      this.#init.logger.warn({ err, ...this.#init.at }, 'the lease store does not answer');
    }
    this.#backingOff = true;
    const { timers } = this.#init;
    await pause(backOffMs(this.#failures - 1, 100, retryable || fenced ? retryableMostMs : stuckMostMs, timers), this.#stop.signal, timers);
    this.#backingOff = false;
    return true;
  }
}
