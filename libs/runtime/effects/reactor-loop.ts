import { hasCode } from '#kernel';
import type { Logger } from '../logging.ts';
import { backOffMs, pause } from '../pause.ts';
import { ReactorTask, type ReactorTaskInit } from './reactor-task.ts';

export interface ReactorLoopInit extends ReactorTaskInit {
  readonly logger: Logger;
  /** False when the lease is somebody else's by now. */
  readonly stillOurs: () => Promise<boolean>;
  /** Told that a newer version has taken over. */
  readonly onSuperseded: () => void;
}

/** Keeps a partition of a reactor going: starts its task again after every failure, with back-off, until it is stopped. */
export class ReactorLoop {
  readonly #init: ReactorLoopInit;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #failures = 0;
  #behindLog: string | undefined;

  constructor(init: ReactorLoopInit) {
    this.#init = init;
    this.#running = this.#run();
  }

  /** True while it stands at something that it cannot get over. */
  get failing(): boolean {
    return this.#failures > 1;
  }

  /** What is to be said of it where it stands at events that the log no longer holds. */
  get behindLog(): string | undefined {
    return this.#behindLog;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        await new ReactorTask(this.#init).run(signal, () => this.#moved());
      } catch (error) {
        if (hasCode(error, 'REACTOR_SUPERSEDED')) return this.#init.onSuperseded();
        if (signal.aborted || !(await this.#goesOnAfter(error))) return;
      }
    }
  }

  #moved(): void {
    this.#failures = 0;
    this.#behindLog = undefined;
  }

  async #goesOnAfter(error: unknown): Promise<boolean> {
    const { logger, at, stillOurs } = this.#init;
    this.#failures++;
    const retryable = (error as { retryable?: unknown }).retryable === true;
    const message = error instanceof Error ? error.message : String(error);
    this.#behindLog = hasCode(error, 'REACTOR_BEHIND_LOG') ? message : undefined;
    // That one is the host's to say, once for all partitions.
    if (this.#behindLog === undefined) logger[retryable ? 'warn' : 'error']({ err: error, ...at, failures: this.#failures }, message);
    try {
      if (hasCode(error, 'CHECKPOINT_FENCED') && !(await stillOurs())) return false;
    } catch (err) {
      logger.warn({ err, ...at }, 'the lease store does not answer');
    }
    await pause(backOffMs(this.#failures - 1, 100, retryable ? 2000 : 30_000), this.#stop.signal);
    return true;
  }
}
