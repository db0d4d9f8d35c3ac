import type { Millis } from '#kernel';

export interface TokenBucketInit {
  readonly perSecond: number;
  readonly burst: number;
}

/** Lets `burst` things through at once and `perSecond` of them in the long run. */
export class TokenBucket {
  readonly #init: TokenBucketInit;
  #tokens: number;
  #at: Millis;

  constructor(init: TokenBucketInit, now: Millis) {
    this.#init = init;
    this.#tokens = init.burst;
    this.#at = now;
  }

  take(now: Millis): boolean {
    this.#tokens = Math.min(this.#init.burst, this.#tokens + (Math.max(0, now - this.#at) / 1000) * this.#init.perSecond);
    this.#at = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
