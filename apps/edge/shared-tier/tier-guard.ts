import { hasCode } from '#kernel';

/**
 * `on`: it is asked. `away`: it is slow, silent, not there, or refuses; it is left alone for a second at a time.
 * `full`: it answers, and takes nothing new.
 */
export type TierState = 'on' | 'away' | 'full';

export interface TierGuardDeps {
  readonly now: () => number;
  /** Told when the state changes; `error` is why it is not on. */
  readonly onChange: (state: TierState, reason: string | undefined) => void;
}

/** So many answers in a row that came too late, and nobody waits for the next one. */
const lateMax = 3;
const restMs = 1000;

/** Whether the shared tier is worth a request's time: one that is slow or away costs a few requests the wait, not all of them. */
export class TierGuard {
  readonly #deps: TierGuardDeps;
  #lateInRow = 0;
  #restsUntilMs = 0;
  #fullUntilMs = 0;
  #probing = false;
  #state: TierState = 'on';
  #reason: string | undefined;

  constructor(deps: TierGuardDeps) {
    this.#deps = deps;
  }

  get state(): TierState {
    return this.#state;
  }

  /** Why it is not on. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /** Whether it may be asked now; while it is away, by one request a second. */
  admits(): boolean {
    if (this.#state !== 'away') return true;
    if (this.#probing || this.#deps.now() < this.#restsUntilMs) return false;
    this.#probing = true;
    return true;
  }

  /** Whether it may be given something. */
  takes(): boolean {
    return this.#state === 'on' || (this.#state === 'full' && this.#deps.now() >= this.#fullUntilMs);
  }

  answered(): void {
    this.#probing = false;
    this.#lateInRow = 0;
    if (this.#state === 'away') this.#change('on', undefined);
  }

  /** It took something. */
  took(): void {
    if (this.#state === 'full') this.#change('on', undefined);
  }

  late(waitMs: number): void {
    this.#probing = false;
    if (++this.#lateInRow < lateMax && this.#state !== 'away') return;
    this.#rest(`no answer within ${waitMs} ms`);
  }

  /** It is not there, or refuses; what it says about one name alone is no reason. */
  failed(error: unknown): void {
    this.#probing = false;
    this.#rest(error instanceof Error ? error.message : String(error));
  }

  full(reason: string): void {
    this.#fullUntilMs = this.#deps.now() + restMs;
    if (this.#state !== 'away') this.#change('full', reason);
  }

  #rest(reason: string): void {
    this.#restsUntilMs = this.#deps.now() + restMs;
    this.#change('away', reason);
  }

  #change(state: TierState, reason: string | undefined): void {
    const changes = state !== this.#state;
    this.#state = state;
    this.#reason = reason;
    if (changes) this.#deps.onChange(state, reason);
  }
}

/** Out of memory, and of the right to write: what is there can still be read. */
export function isFull(error: unknown): error is Error {
  return error instanceof Error && /\b(OOM|MISCONF|READONLY|NOREPLICAS)\b/.test(error.message);
}

/** Another kind of value under the name: somebody else's, or damage. It says nothing about the server. */
export function isOfOneName(error: unknown): boolean {
  return hasCode(error, 'REDIS_REFUSED') && error instanceof Error && error.message.includes('WRONGTYPE');
}
