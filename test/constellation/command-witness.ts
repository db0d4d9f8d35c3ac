import type { Platform } from './platform.ts';

const periodMs = 200;

/**
 * Sends commands all the time, whatever is being killed, and remembers those that were acknowledged: each of them must
 * be found in the log exactly once.
 */
export class CommandWitness {
  readonly #platform: Platform;
  #stopped = false;
  readonly #loop: Promise<void>;
  /** Purge ids that the gateway acknowledged. */
  readonly acknowledged: string[] = [];
  /** Commands that failed, and so may or may not have happened. */
  refused = 0;

  constructor(platform: Platform) {
    this.#platform = platform;
    this.#loop = this.#run();
  }

  async #run(): Promise<void> {
    for (let count = 0; !this.#stopped; count++) {
      try {
        const { purgeId } = await this.#platform.api<{ purgeId: string }>('POST', '/api/v1/cdn/cache/purge', {
          urls: [`/witness/${count}`],
          reason: 'witness',
        });
        this.acknowledged.push(purgeId);
      } catch {
        this.refused++;
      }
      await new Promise((resolve) => setTimeout(resolve, periodMs));
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#loop;
  }
}
