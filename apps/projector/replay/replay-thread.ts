import { Worker } from 'node:worker_threads';
import { backOffMs, pause, type Logger, type WorkBoard, type WorkerState } from '#runtime';
import { silentMsMax, tellEveryMs, threadLimits } from './niceness.constants.ts';

const main = new URL('./replay.main.js', import.meta.url);

export interface ReplayThreadDeps {
  readonly logger: Logger;
  /** Shows how the workers of the thread do. */
  readonly board: WorkBoard;
}

export interface ReplayThreadInit {
  /** What runs in the thread. */
  readonly main?: URL;
  readonly tellEveryMs?: number;
  readonly silentMsMax?: number;
}

/**
 * Keeps the thread alive that works on replays and on what else nothing live waits for: one that ends by itself or says
 * nothing any more is started anew, and goes on from what is stored.
 */
export class ReplayThread {
  readonly #init: Required<ReplayThreadInit>;
  readonly #deps: ReplayThreadDeps;
  readonly #stop = new AbortController();
  #worker: Worker | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(init: ReplayThreadInit, deps: ReplayThreadDeps) {
    this.#init = { main, tellEveryMs, silentMsMax, ...init };
    this.#deps = deps;
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#worker?.postMessage('stop');
    await this.#running;
  }

  async #run(): Promise<void> {
    const { logger, board } = this.#deps;
    for (let failures = 0; !this.#stop.signal.aborted; failures++) {
      const error = await this.#once();
      board.copy(board.states().map((state) => ({ ...state, held: 0 })));
      if (this.#stop.signal.aborted) return;
      logger.error({ err: error }, 'the thread of the replays ended; starting it anew');
      await pause(backOffMs(failures, 500, 30_000), this.#stop.signal);
    }
  }

  #once(): Promise<unknown> {
    return new Promise((resolve) => {
      const worker = new Worker(this.#init.main, { resourceLimits: threadLimits });
      this.#worker = worker;
      const unwatch = this.#watch(worker);
      let failure: unknown;
      worker.once('error', (error) => (failure = error));
      worker.once('exit', () => {
        unwatch();
        resolve(failure);
      });
      // Asked to end before it could listen: it hears the message once it is up.
      if (this.#stop.signal.aborted) this.#worker?.postMessage('stop');
    });
  }

  /** Counts looks without a word in between, and not time: a process that was frozen has not heard the thread either. */
  #watch(worker: Worker): () => void {
    const looksMax = Math.ceil(this.#init.silentMsMax / this.#init.tellEveryMs);
    let silent = 0;
    worker.on('message', (states: readonly WorkerState[]) => {
      silent = 0;
      this.#deps.board.copy(states);
    });
    const timer = setInterval(() => {
      if (++silent < looksMax) return;
      silent = 0;
      this.#deps.logger.error({ silentMs: this.#init.silentMsMax }, 'the thread of the replays says nothing any more; ending it');
      void worker.terminate();
    }, this.#init.tellEveryMs);
    return () => clearInterval(timer);
  }
}
