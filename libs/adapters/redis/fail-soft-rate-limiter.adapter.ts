import { RateLimiter, type RateDecision, type RatePolicy } from '#ports';

export interface FailSoftInit {
  /** After a failure the shared limiter is left alone for this long, so that a silent one slows down one call, not all; 1 s by default. */
  readonly restMs?: number;
  /** Called when counting changes: with the error when it goes on locally, without when it is shared again. */
  onChange?(error: unknown): void;
}

export interface FailSoftDeps {
  /** Counts for all processes. */
  readonly shared: RateLimiter;
  /** Counts for this process, and never fails. */
  readonly local: RateLimiter;
}

/** Limits by a shared count; where that is away, each process counts for itself, and nobody is refused because of it. */
export class FailSoftRateLimiter extends RateLimiter {
  readonly #init: FailSoftInit;
  readonly #deps: FailSoftDeps;
  #isLocal = false;
  #restsUntil = 0;

  constructor(init: FailSoftInit, deps: FailSoftDeps) {
    super();
    this.#init = init;
    this.#deps = deps;
  }

  override async take(name: string, cost: number, policy: RatePolicy, nowMs: number): Promise<RateDecision> {
    if (performance.now() >= this.#restsUntil) {
      // The others count locally until this one has its answer.
      if (this.#isLocal) this.#rest();
      try {
        const decision = await this.#deps.shared.take(name, cost, policy, nowMs);
        this.#change(false, undefined);
        return decision;
      } catch (error) {
        this.#rest();
        this.#change(true, error);
      }
    }
    return this.#deps.local.take(name, cost, policy, nowMs);
  }

  #rest(): void {
    this.#restsUntil = performance.now() + (this.#init.restMs ?? 1000);
  }

  #change(isLocal: boolean, error: unknown): void {
    if (!isLocal && this.#isLocal) this.#restsUntil = 0;
    if (this.#isLocal === isLocal) return;
    this.#isLocal = isLocal;
    this.#init.onChange?.(error);
  }
}
