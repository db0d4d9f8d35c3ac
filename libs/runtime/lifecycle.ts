import type { Logger } from './logging.ts';
import { pause } from './pause.ts';

/**
 * The order in which a process ends: no new work is taken, work in flight is finished, leases are given back,
 * engines are closed.
 */
export const stopPhases = ['accept', 'work', 'leases', 'engines'] as const;
export type StopPhase = (typeof stopPhases)[number];

interface Stop {
  readonly phase: StopPhase;
  readonly name: string;
  readonly run: () => unknown;
}

export interface LifecycleInit {
  readonly logger: Logger;
  /** For the whole drain, ms. */
  readonly deadlineMs: number;
}

/** What has to be stopped, in order. Parts of one phase stop side by side; one that fails does not hold up the others. */
export class Lifecycle {
  readonly #init: LifecycleInit;
  readonly #stops: Stop[] = [];
  readonly #stopping = new AbortController();
  #drained: Promise<boolean> | undefined;

  constructor(init: LifecycleInit) {
    this.#init = init;
  }

  /** Aborted when the process begins to end. */
  get stopping(): AbortSignal {
    return this.#stopping.signal;
  }

  onStop(phase: StopPhase, name: string, run: () => unknown): void {
    this.#stops.push({ phase, name, run });
  }

  /** Drains once, however often it is called; true when everything stopped before the deadline. */
  stop(): Promise<boolean> {
    this.#drained ??= this.#drain();
    return this.#drained;
  }

  async #drain(): Promise<boolean> {
    this.#stopping.abort();
    const deadline = new AbortController();
    const all = this.#runPhases().then(() => true);
    const late = pause(this.#init.deadlineMs, deadline.signal).then(() => false);
    const inTime = await Promise.race([all, late]);
    deadline.abort();
    if (!inTime) this.#init.logger.warn({ deadlineMs: this.#init.deadlineMs }, 'the drain took too long; ending as a crash would, which loses nothing');
    return inTime;
  }

  async #runPhases(): Promise<void> {
    for (const phase of stopPhases) {
      // The last started is the first stopped within a phase: it may use what was there before it.
      const stops = this.#stops.filter((stop) => stop.phase === phase).reverse();
      await Promise.all(stops.map((stop) => this.#run(stop)));
    }
  }

  async #run(stop: Stop): Promise<void> {
    try {
      await stop.run();
    } catch (err) {
      this.#init.logger.error({ err, part: stop.name }, `${stop.name} did not stop cleanly`);
    }
  }
}
