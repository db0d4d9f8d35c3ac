import { backOffMs, pause, type Logger } from '#runtime';
import type { StreamFollower } from '../fold/stream-follower.ts';

export interface StreamDirectorInit {
  /** Streams that this process encodes at the same time. */
  readonly streamsMax: number;
  /** How often a stream that somebody else holds is tried again, ms. */
  readonly retryMs: number;
}

export interface StreamDirectorDeps {
  readonly follower: StreamFollower;
  readonly logger: Logger;
  /** True while nothing new is begun: other processes may have room, and whoever publishes waits. */
  readonly refusesStreams?: () => boolean;
  /** Packages a stream for as long as somebody publishes; false when another process holds it. */
  readonly encode: (streamId: string, stop: AbortSignal) => Promise<boolean>;
}

/** Gives every live stream one task: it waits for the lease, encodes, and starts over when the publisher comes back. */
export class StreamDirector {
  readonly #init: StreamDirectorInit;
  readonly #deps: StreamDirectorDeps;
  readonly #stop = new AbortController();
  readonly #tasks = new Map<string, Promise<void>>();
  /** Ends the pause of a stream's task. */
  readonly #wakes = new Map<string, AbortController>();
  #encoding = 0;
  #unlisten = (): void => {};

  constructor(init: StreamDirectorInit, deps: StreamDirectorDeps) {
    this.#init = init;
    this.#deps = deps;
  }

  get encoding(): number {
    return this.#encoding;
  }

  start(): void {
    const { follower } = this.#deps;
    this.#unlisten = follower.onChange((streamId) => this.#look(streamId));
    for (const { streamId } of follower.states()) this.#look(streamId);
  }

  /** Resolves when every encoder has stored what it had and ended. */
  async stop(): Promise<void> {
    this.#unlisten();
    this.#stop.abort();
    await Promise.all(this.#tasks.values());
  }

  #look(streamId: string): void {
    this.#wakes.get(streamId)?.abort();
    if (this.#stop.signal.aborted || this.#tasks.has(streamId) || !this.#isPublished(streamId)) return;
    const task = this.#serve(streamId).finally(() => {
      this.#tasks.delete(streamId);
      // A session that began while the task was ending.
      this.#look(streamId);
    });
    this.#tasks.set(streamId, task);
  }

  /** Also looks by itself now and then: room for another stream comes without an event. */
  async #pauseUntilChange(streamId: string): Promise<void> {
    const wake = new AbortController();
    this.#wakes.set(streamId, wake);
    await pause(this.#init.retryMs, AbortSignal.any([this.#stop.signal, wake.signal]));
    this.#wakes.delete(streamId);
  }

  #isPublished(streamId: string): boolean {
    return (this.#deps.follower.get(streamId)?.sessions.length ?? 0) > 0;
  }

  async #serve(streamId: string): Promise<void> {
    const { signal } = this.#stop;
    for (let failures = 0; !signal.aborted && this.#isPublished(streamId);) {
      if (this.#deps.refusesStreams?.() === true || this.#encoding >= this.#init.streamsMax) {
        await this.#pauseUntilChange(streamId);
        continue;
      }
      try {
        this.#encoding += 1;
        if (!(await this.#deps.encode(streamId, signal))) await pause(this.#init.retryMs * (0.5 + Math.random() / 2), signal);
        failures = 0;
      } catch (err) {
        if (failures++ % 10 === 0) this.#deps.logger.error({ err, streamId }, 'a stream cannot be encoded now; trying again');
        await pause(backOffMs(failures, 200, 5000), signal);
      } finally {
        this.#encoding -= 1;
      }
    }
  }
}
