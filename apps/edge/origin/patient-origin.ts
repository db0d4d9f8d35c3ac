import { pause } from '#runtime';
import { isDropped, type GuardedRequest, type OriginSource } from './guarded-origin.ts';
import { OriginError, type OriginResponse } from './origin-client.ts';
import { RepeatableBody } from './repeatable-body.ts';

export interface PatientOriginInit {
  /** How long an origin that cannot be reached is waited for, from the moment in which that was first seen, ms. */
  readonly patienceMs: number;
  /** Between two looks whether it is back, ms. */
  readonly againMs: number;
  /** What is asked to see it: any answer will do. */
  readonly probeTarget: string;
}

export interface PatientOriginDeps {
  readonly now: () => number;
  readonly wait?: (ms: number) => Promise<void>;
}

const isAway = (error: unknown): boolean => error instanceof OriginError && error.code === 'ORIGIN_UNREACHABLE';

/**
 * An origin that goes away and is soon back: one that is started anew, or whose address another takes over. What nothing stored can
 * stand in for waits for it, and is asked again when it is there. One request at a time looks whether it is; and once it has been
 * away for longer than anybody is made to wait, all fail at once until it has answered again.
 */
export class PatientOrigin implements OriginSource {
  readonly #origin: OriginSource;
  readonly #init: PatientOriginInit;
  readonly #now: () => number;
  readonly #wait: (ms: number) => Promise<void>;
  #awaySinceMs: number | undefined;
  #seenAwayMs = 0;
  #return: Promise<boolean> | undefined;

  constructor(origin: OriginSource, init: PatientOriginInit, { now, wait = pause }: PatientOriginDeps) {
    this.#origin = origin;
    this.#init = init;
    this.#now = now;
    this.#wait = wait;
  }

  /** Whatever the method: nothing was sent to an origin that could not be reached. */
  async request(request: GuardedRequest): Promise<OriginResponse> {
    const body = request.body === undefined || request.patient !== true ? undefined : new RepeatableBody(request.body);
    let repeated = request.method !== 'GET' && request.method !== 'HEAD';
    try {
      for (;;) {
        try {
          const response = await this.#origin.request(body === undefined ? request : { ...request, body: body.attempt() });
          this.#awaySinceMs = undefined;
          return response;
        } catch (error) {
          // One that dies takes connections until its last moment: it is away, or there again, a little later.
          if (!repeated && body?.isWhole !== false && request.patient === true && request.signal?.aborted !== true && isDropped(error)) {
            repeated = true;
            await this.#wait(this.#init.againMs);
            continue;
          }
          if (!isAway(error)) throw error;
          this.#noteAway();
          if (request.patient !== true || body?.isWhole === false || request.signal?.aborted === true || !(await this.#isBack())) throw error;
        }
      }
    } finally {
      body?.settle();
    }
  }

  /** When nobody has asked for a while nobody knows whether it was away all the time. */
  #noteAway(): void {
    const nowMs = this.#now();
    if (this.#awaySinceMs === undefined || nowMs - this.#seenAwayMs > this.#init.patienceMs) this.#awaySinceMs = nowMs;
    this.#seenAwayMs = nowMs;
  }

  /** One look after the other, for all who wait. False when it is not to be waited for any longer. */
  #isBack(): Promise<boolean> {
    this.#return ??= this.#look().finally(() => (this.#return = undefined));
    return this.#return;
  }

  async #look(): Promise<boolean> {
    const { againMs, patienceMs, probeTarget } = this.#init;
    while (this.#awaySinceMs !== undefined && this.#now() - this.#awaySinceMs < patienceMs) {
      await this.#wait(againMs);
      try {
        const { body } = await this.#origin.request({ method: 'GET', target: probeTarget, fields: [] });
        body?.cancel();
        this.#awaySinceMs = undefined;
      } catch (error) {
        this.#seenAwayMs = this.#now();
        if (isAway(error)) continue;
        // It answers, if badly: what is wrong with it is for those to hear who asked.
        this.#awaySinceMs = undefined;
      }
    }
    return this.#awaySinceMs === undefined;
  }
}
