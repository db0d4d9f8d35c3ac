import { pause, type Lifecycle, type Logger } from '#runtime';

/** By which a process is asked to leave its place to another, which serves already. */
export const leaveSignal = 'SIGUSR2';

export interface LeavingDeps {
  readonly lifecycle: Lifecycle;
  readonly logger: Logger;
  /** Hands new connections to others. */
  readonly handOver: () => Promise<void>;
  /** Tells those who are connected by HTTP/2 to go elsewhere. */
  readonly sendAway: () => void;
}

/**
 * How a process leaves whose place another has taken: for a while each answer ends its connection (RFC 9112 section 9.6), so
 * that clients come again to the others by themselves; then it takes no new ones, and ends as on a signal. It goes on to
 * follow purges and zones until then.
 */
export class Leaving {
  readonly #forMs: number;
  #asked = false;

  constructor(forMs: number) {
    this.#forMs = forMs;
  }

  get asked(): boolean {
    return this.#asked;
  }

  listen({ handOver, lifecycle, logger, sendAway }: LeavingDeps): void {
    process.once(leaveSignal, () => {
      this.#asked = true;
      logger.info(`leaving: connections end with their answers for ${this.#forMs / 1000} s`);
      sendAway();
      void pause(this.#forMs, lifecycle.stopping)
        .then(() => (lifecycle.stopping.aborted ? undefined : handOver()))
        .catch((err: unknown) => logger.warn({ err }, 'new connections could not be handed over'))
        .then(() => process.kill(process.pid, 'SIGTERM'));
    });
  }
}
