import { topicPartitions, type Context } from '#events';
import type { Clock, EventIndex, EventLog } from '#ports';
import { LeasedWorker, type LeasedWorkerDeps, type Tenure } from '../lease/leased-worker.ts';
import { pause } from '../pause.ts';
import type { RightOfWay } from '../right-of-way.ts';
import { IndexReader } from './index-reader.ts';

export interface EventIndexKeeperDeps extends LeasedWorkerDeps {
  readonly log: EventLog;
  readonly index: EventIndex;
  readonly clock: Clock;
  /** Of others in this thread: nobody waits for the index. */
  readonly rightOfWay?: RightOfWay;
}

export interface EventIndexKeeperInit {
  /** Unique among living projectors, stable over restarts. */
  readonly owner: string;
  readonly topics: readonly Context[];
  /** How long events stay in the index, ms; 0 for ever. They stay on the log either way. */
  readonly keepMs?: number;
  /** Between looks at a log that had nothing new, ms. */
  readonly idleMs?: number;
}

const defaults = { keepMs: 0, idleMs: 250 };
/** Fewer are written together with what comes meanwhile. */
const eventsWorth = 1000;
/** What was written is prepared for searches after so many events, and so often. */
const tendEvery = { events: 200_000, ms: 60_000 };

/**
 * Keeps the event index: one process at a time, under a lease whose epoch fences the others at the store. It may fall behind
 * while much comes, and nothing waits for it.
 */
export class EventIndexKeeper {
  readonly #init: EventIndexKeeperInit & typeof defaults;
  readonly #deps: EventIndexKeeperDeps;
  readonly #worker: LeasedWorker;

  constructor(init: EventIndexKeeperInit, deps: EventIndexKeeperDeps) {
    this.#init = { ...defaults, ...init };
    this.#deps = deps;
    const work = { worker: 'event index', lease: 'event-index', trouble: 'the event index is not kept' };
    this.#worker = new LeasedWorker({ ...work, ...init }, deps, (tenure) => this.#keep(tenure));
  }

  start(): void {
    this.#worker.start();
  }

  /** Ends after the batch under way and gives the lease back. */
  stop(): Promise<void> {
    return this.#worker.stop();
  }

  async #keep({ lease, signal, moved }: Tenure): Promise<void> {
    const { log, index, clock, rightOfWay } = this.#deps;
    const { topics, keepMs, idleMs } = this.#init;
    for (const topic of topics) await log.ensureTopic(topic, topicPartitions);
    const positions = await index.claim(lease.epoch, await log.identity());
    const reader = new IndexReader({ topics, positions, epoch: lease.epoch }, log);
    for (let [tendAtMs, written] = [0, 0]; !signal.aborted;) {
      const begun = performance.now();
      const batch = await reader.next();
      if (batch !== undefined) await index.append(batch);
      moved();
      written += batch?.events.length ?? 0;
      if (written >= tendEvery.events || clock.now() >= tendAtMs) {
        await index.tend(keepMs === 0 ? undefined : clock.now() - keepMs);
        [tendAtMs, written] = [clock.now() + tendEvery.ms, 0];
      }
      if (batch !== undefined) await rightOfWay?.give(performance.now() - begun, signal);
      if ((batch?.events.length ?? 0) < eventsWorth) await pause(idleMs, signal);
    }
  }
}
