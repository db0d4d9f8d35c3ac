import { definitionOf, effectAbandoned, effectFailed, effectSucceeded, type EventEnvelope } from '#events';
import { hasCode, OperatingError } from '#kernel';
import type { Effect, EffectAttempt, EffectSettlement, EffectStore, JobQueue, JobWorker } from '#ports';
import { envelop, type CatalogueDraft, type EnvelopeDeps } from '../envelopes.ts';
import type { Logger } from '../logging.ts';
import { backOffMs, pause } from '../pause.ts';
import type { Health } from '../telemetry/health.ts';
import { metrics } from '../telemetry/metrics/metrics.constants.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { EffectResult, EffectWorker } from './effect-worker.ts';

export interface EffectWorkersInit {
  readonly workers: readonly EffectWorker[];
  /** Unique among living processes and stable over restarts: who comes back takes up at once what it held. */
  readonly owner: string;
  /** How long an effect stays with a process that says nothing, ms; 8,000 by default. */
  readonly holdMs?: number;
  /** The shortest pause before the next try, ms: the job of the last one has to be gone by then. 500 by default. */
  readonly againMsMin?: number;
}

export interface EffectWorkersDeps extends EnvelopeDeps {
  readonly effects: EffectStore;
  readonly jobs: JobQueue;
  readonly logger: Logger;
  readonly health?: Health;
  readonly telemetry?: Telemetry;
  /** Told that an effect has ended, one way or another: there may be room for the next. */
  readonly onSettled?: () => void;
}

/** An effect that ended its process so often is not begun once more. */
const startsMax = 100;
const superviseMs = 5000;
const engineAwayMsMax = 30_000;
const stopGraceMs = 3000;
/** How long it is tried to record how an effect ended; afterwards it is performed once more. */
const recordTriesMax = 12;

/**
 * Performs effects: takes a job, takes the effect from the ledger so that nobody else performs it, performs it, and
 * records how it ended together with the event that says so. Killed anywhere in between, the effect is taken by another
 * under the same key; what was recorded is recorded once.
 */
export class EffectWorkers {
  readonly #init: Required<EffectWorkersInit>;
  readonly #deps: EffectWorkersDeps;
  readonly #active = new Set<string>();
  readonly #stop = new AbortController();
  #running: Promise<unknown> = Promise.resolve();

  constructor(init: EffectWorkersInit, deps: EffectWorkersDeps) {
    this.#init = { holdMs: 8000, againMsMin: 500, ...init };
    this.#deps = deps;
  }

  start(): Promise<void> {
    this.#running = Promise.all(this.#init.workers.map((worker) => this.#keep(worker)));
    return Promise.resolve();
  }

  /** Takes nothing more and waits for what is under way. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** Keeps a worker of the queue: one that ended by itself is made anew. */
  async #keep(worker: EffectWorker): Promise<void> {
    const { signal } = this.#stop;
    const { kind, concurrency } = worker;
    const heart = this.#deps.health?.loop(`effects ${kind}`, superviseMs);
    let working: JobWorker | undefined;
    while (!signal.aborted) {
      heart?.beat();
      try {
        if (working?.alive !== true) working = await this.#deps.jobs.work({ kind, concurrency }, (id) => this.#do(worker, id));
      } catch (err) {
        this.#deps.logger.warn({ err, kind }, 'effects are not taken; trying again');
      }
      await pause(superviseMs, signal);
    }
    await working?.stop();
    heart?.end();
  }

  /** Never throws: a job that was of no use comes again out of the ledger. */
  async #do(worker: EffectWorker, key: string): Promise<void> {
    const { logger, effects } = this.#deps;
    if (this.#active.has(key)) return;
    this.#active.add(key);
    try {
      const effect = await effects.take(key, this.#init.owner, this.#init.holdMs);
      if (effect !== undefined) await this.#perform(worker, effect);
    } catch (err) {
      const level = hasCode(err, 'EFFECT_FENCED') ? 'info' : 'warn';
      logger[level]({ err, effect: key, kind: worker.kind }, 'how an effect ended is not recorded; it is performed once more if it has to be');
    } finally {
      this.#active.delete(key);
      this.#deps.onSettled?.();
    }
  }

  async #perform(worker: EffectWorker, effect: Effect): Promise<void> {
    const lost = new AbortController();
    const held = this.#hold(effect, lost);
    const startedAtMs = this.#deps.clock.now();
    const began = performance.now();
    try {
      const result = effect.starts > startsMax ? tooOften(effect) : await this.#attempt(worker, effect, lost.signal);
      const durationMs = performance.now() - began;
      this.#count(worker.kind, result, durationMs);
      if (lost.signal.aborted) return;
      await this.#record(await this.#settlementOf(worker, effect, result, { startedAtMs, durationMs }));
    } finally {
      lost.abort();
      await held;
    }
  }

  /** A process that ends gives its effects a moment, and then up: that was no try. */
  async #attempt(worker: EffectWorker, effect: Effect, lost: AbortSignal): Promise<EffectResult> {
    const ending = new AbortController();
    const end = (): void => void pause(stopGraceMs, lost).then(() => ending.abort());
    if (this.#stop.signal.aborted) end();
    this.#stop.signal.addEventListener('abort', end, { once: true });
    try {
      const result = await attempted(worker, effect, AbortSignal.any([lost, ending.signal]));
      return ending.signal.aborted && result.outcome === 'again' ? { outcome: 'later', afterMs: 0 } : result;
    } finally {
      this.#stop.signal.removeEventListener('abort', end);
    }
  }

  async #hold({ key, claim }: Effect, lost: AbortController): Promise<void> {
    const { holdMs } = this.#init;
    for (;;) {
      await pause(holdMs / 3, lost.signal);
      if (lost.signal.aborted) return;
      try {
        if (!(await this.#deps.effects.hold(key, claim, holdMs))) lost.abort();
      } catch (err) {
        this.#deps.logger.debug({ err, effect: key }, 'the hold on an effect could not be prolonged');
      }
    }
  }

  async #settlementOf(
    worker: EffectWorker,
    effect: Effect,
    result: EffectResult,
    time: Pick<EffectAttempt, 'startedAtMs' | 'durationMs'>,
  ): Promise<EffectSettlement> {
    const { key, claim } = effect;
    const { againMsMin } = this.#init;
    if (result.outcome === 'later') return { key, claim, outcome: 'again', afterMs: Math.max(againMsMin, result.afterMs), events: [] };
    const ok = result.outcome === 'succeeded';
    const detail = result.detail ?? (ok ? '' : result.message);
    const attempt: EffectAttempt = { ...time, ok, status: result.status ?? null, detail: detail.replaceAll('\0', '').slice(0, 1024) };
    const attempts = effect.attempts + 1;
    const { reactor, kind, lane, round } = effect;
    const about = { effectKey: key, reactor, kind, lane, attempts, round };
    if (result.outcome === 'succeeded') {
      return { key, claim, outcome: 'succeeded', attempt, events: await this.#envelop(effect, [effectSucceeded.draft(about), ...(result.events ?? [])]) };
    }
    const message = result.message.replaceAll('\0', '').slice(0, 1024);
    const told = { ...about, message };
    if (result.outcome === 'failed') {
      return {
        key,
        claim,
        outcome: 'failed',
        attempt,
        error: message,
        events: await this.#envelop(effect, [effectFailed.draft(told), ...(result.events ?? [])]),
      };
    }
    if (attempts >= worker.triesMax) {
      const more = (await worker.abandoned?.(effect, message)) ?? [];
      return { key, claim, outcome: 'abandoned', attempt, error: message, events: await this.#envelop(effect, [effectAbandoned.draft(told), ...more]) };
    }
    const afterMs = Math.max(againMsMin, worker.backOffMs(attempts), result.afterMs ?? 0);
    return { key, claim, outcome: 'again', afterMs, attempt, error: message, events: [] };
  }

  async #envelop({ eventId, correlationId, traceparent, tenant }: Effect, drafts: readonly CatalogueDraft[]): Promise<readonly EventEnvelope[]> {
    const common = { actor: 'system:effects', correlationId, causationId: eventId, traceparent, tenant, producerEpoch: 0n };
    const events: EventEnvelope[] = [];
    for (const draft of drafts) {
      const context = definitionOf(draft.type)?.context;
      // Facts of no aggregate, as those about a refusal.
      if (context !== undefined) events.push(await envelop(draft, { ...common, context }, 0n, this.#deps));
    }
    return events;
  }

  /** Insists for a while: what happened outside has happened. One that was recorded at the first time is not recorded twice. */
  async #record(settlement: EffectSettlement): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#deps.effects.settle(settlement);
      } catch (error) {
        if ((error as { retryable?: unknown }).retryable !== true || tries >= recordTriesMax) throw error;
        await pause(backOffMs(tries, 50, 2000));
      }
    }
  }

  #count(kind: string, { outcome }: EffectResult, durationMs: number): void {
    const meter = this.#deps.telemetry?.meter;
    if (meter === undefined || outcome === 'later') return;
    meter.counter(metrics.effectTries).add(1, { kind, outcome });
    meter.histogram(metrics.effectSeconds).observe(durationMs / 1000, { kind });
  }
}

async function attempted(worker: EffectWorker, effect: Effect, signal: AbortSignal): Promise<EffectResult> {
  try {
    return await worker.perform(effect, signal);
  } catch (error) {
    if (isEngineAway(error)) return { outcome: 'later', afterMs: Math.round(backOffMs(effect.starts, 100, engineAwayMsMax)) };
    return { outcome: 'again', message: error instanceof Error ? error.message || error.name : String(error) };
  }
}

/** Our own database or log does not answer: whom the effect is for was not asked, and need not wait longer for the next try. */
function isEngineAway(error: unknown): boolean {
  return error instanceof OperatingError && error.retryable && /^(DATABASE|LOG)_/.test(error.code);
}

function tooOften({ starts }: Effect): EffectResult {
  return { outcome: 'failed', message: `It ended its process ${starts - 1} times.` };
}
