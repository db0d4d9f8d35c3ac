import { Publisher, type PublisherInit } from './publisher.ts';

const pauseMs = 500;

export interface ReconnectingPublisherInit extends PublisherInit {
  /** Where it goes to when the connection breaks, one after the other, and then to the first again. */
  readonly otherUrls?: readonly string[];
}

/** A publisher as OBS is one: when the connection breaks it connects again, until it is told to stop. */
export class ReconnectingPublisher {
  readonly #init: ReconnectingPublisherInit;
  #publisher: Publisher;
  #stopped = false;
  readonly #loop: Promise<void>;
  /** How often it had to connect again. */
  reconnects = 0;

  constructor(init: ReconnectingPublisherInit) {
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
      const urls = [this.#init.url, ...(this.#init.otherUrls ?? [])];
      this.#publisher = new Publisher({ ...this.#init, url: urls[this.reconnects % urls.length] as string });
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
