import { Worker } from 'node:worker_threads';
import { backOffMs, pause, type Logger } from '#runtime';
import { threadLimits } from './niceness.constants.ts';

const main = new URL('./replay.main.js', import.meta.url);

/** Keeps the thread that works on replays alive: one that ends by itself is started anew, and goes on from what is stored. */
export class ReplayThread {
  readonly #logger: Logger;
  readonly #stop = new AbortController();
  #worker: Worker | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(logger: Logger) {
    this.#logger = logger;
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
    for (let failures = 0; !this.#stop.signal.aborted; failures++) {
      const error = await this.#once();
      if (this.#stop.signal.aborted) return;
      this.#logger.error({ err: error }, 'the thread of the replays ended; starting it anew');
      await pause(backOffMs(failures, 500, 30_000), this.#stop.signal);
    }
  }

  #once(): Promise<unknown> {
    return new Promise((resolve) => {
      const worker = new Worker(main, { resourceLimits: threadLimits });
      this.#worker = worker;
      let failure: unknown;
      worker.once('error', (error) => (failure = error));
      worker.once('exit', () => resolve(failure));
      // Asked to end before it could listen: it hears the message once it is up.
      if (this.#stop.signal.aborted) this.#worker?.postMessage('stop');
    });
  }
}
