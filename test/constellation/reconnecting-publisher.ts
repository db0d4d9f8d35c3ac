import { Publisher, type PublisherInit } from './publisher.ts';

const pauseMs = 500;

/** A publisher as OBS is one: when the connection breaks it connects again, until it is told to stop. */
export class ReconnectingPublisher {
  readonly #init: PublisherInit;
  #publisher: Publisher;
  #stopped = false;
  readonly #loop: Promise<void>;
  /** How often it had to connect again. */
  reconnects = 0;

  constructor(init: PublisherInit) {
    this.#init = init;
    this.#publisher = new Publisher(init);
    this.#loop = this.#run();
  }

  async #run(): Promise<void> {
    for (;;) {
      await this.#publisher.ended();
      if (this.#stopped) return;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
      if (this.#stopped) return;
      this.reconnects++;
      this.#publisher = new Publisher(this.#init);
    }
  }

  get log(): string {
    return this.#publisher.log;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#publisher.stop();
    await this.#loop;
  }
}
