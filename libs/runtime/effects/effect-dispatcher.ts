import type { Clock, EffectStore, JobQueue } from '#ports';
import type { Logger } from '../logging.ts';
import { backOffMs, pause } from '../pause.ts';
import type { Health } from '../telemetry/health.ts';
import { metrics } from '../telemetry/metrics/metrics.constants.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';

export interface EffectDispatcherInit {
  /** Effects of one lane that are in the queue at once: a slow receiver takes no more than these places. */
  readonly laneMax: number;
  /** Effects of one kind and tenant that are in the queue at once: however many slow receivers a tenant has, others find places. */
  readonly tenantMax: number;
  /** After so long in the queue without an end, a job counts as lost, ms. */
  readonly lostAfterMs: number;
  /** How long what is over is kept, ms. */
  readonly keepMs: number;
  /** It looks at least so often, and at once when it is woken; 200 by default. */
  readonly lookMs?: number;
}

export interface EffectDispatcherDeps {
  readonly effects: EffectStore;
  readonly jobs: JobQueue;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly health?: Health;
  readonly telemetry?: Telemetry;
}

const batchMax = 500;
const forgetEveryMs = 60_000;
const measureEveryMs = 5000;

/** Moves what is due out of the ledger into the queue. Several may do so: a job that is there already stays alone. */
export class EffectDispatcher {
  readonly #init: Required<EffectDispatcherInit>;
  readonly #deps: EffectDispatcherDeps;
  readonly #stop = new AbortController();
  #wake = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #kinds: ReadonlySet<string> = new Set();

  constructor(init: EffectDispatcherInit, deps: EffectDispatcherDeps) {
    this.#init = { lookMs: 200, ...init };
    this.#deps = deps;
  }

  start(): Promise<void> {
    this.#loop = this.#run();
    return Promise.resolve();
  }

  /** There may be something to do. */
  wake(): void {
    this.#wake.abort();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    const { lookMs } = this.#init;
    const heart = this.#deps.health?.loop('effect dispatcher', lookMs);
    let [forgotAt, measuredAt, failures] = [performance.now(), 0, 0];
    while (!signal.aborted) {
      heart?.beat();
      this.#wake = new AbortController();
      try {
        const moved = await this.#move();
        failures = 0;
        if (performance.now() - measuredAt > measureEveryMs) {
          await this.#measure();
          measuredAt = performance.now();
        }
        if (performance.now() - forgotAt > forgetEveryMs) {
          await this.#deps.effects.forget(this.#init.keepMs, 10_000);
          forgotAt = performance.now();
        }
        if (moved < batchMax) await pause(lookMs, AbortSignal.any([signal, this.#wake.signal]));
      } catch (err) {
        this.#deps.logger.warn({ err, failures }, 'effects are not handed out; trying again');
        await pause(backOffMs(failures++, lookMs, 2000), signal);
      }
    }
    heart?.end();
  }

  async #move(): Promise<number> {
    const { effects, jobs } = this.#deps;
    const { laneMax, lostAfterMs, tenantMax } = this.#init;
    const due = await effects.enlist({ laneMax, tenantMax, lostAfterMs, max: batchMax });
    if (due.length === 0) return 0;
    try {
      await jobs.add(due.map(({ key, kind }) => ({ id: key, kind })));
    } catch (error) {
      // Some may be in the queue all the same, and are then added a second time, which changes nothing.
      await effects.delist(due.map(({ key }) => key));
      throw error;
    }
    return due.length;
  }

  async #measure(): Promise<void> {
    const { effects, telemetry, clock } = this.#deps;
    if (telemetry === undefined || !telemetry.meter.on) return;
    const backlog = await effects.backlog();
    const [pending, oldest] = [telemetry.meter.gauge(metrics.effectsPending), telemetry.meter.gauge(metrics.effectsOldest)];
    for (const kind of this.#kinds) {
      pending.set(0, { kind });
      oldest.set(0, { kind });
    }
    for (const { kind, pending: count, oldestMs } of backlog) {
      pending.set(count, { kind });
      oldest.set(Math.max(0, clock.now() - oldestMs) / 1000, { kind });
    }
    this.#kinds = new Set([...this.#kinds, ...backlog.map(({ kind }) => kind)]);
  }
}
