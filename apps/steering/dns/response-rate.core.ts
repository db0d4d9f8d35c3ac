import type { Millis } from '#kernel';

export interface ResponseRateInit {
  /** Answers a second to one network, and in a burst. */
  readonly perSecond: number;
  /** Networks that are remembered; beyond them the longest unseen is forgotten. */
  readonly networksMax: number;
}

interface Bucket {
  tokens: number;
  atMs: Millis;
  refused: number;
}

export type RateVerdict = 'answer' | 'truncate' | 'drop';

/**
 * Who forges a victim's address gets no flood out of us (response rate limiting as BIND and NSD have it): of what one network is
 * answered too much, every other is dropped, and the rest says "ask by TCP", which no forger can. Pure: time is handed in.
 */
export class ResponseRate {
  readonly #init: ResponseRateInit;
  /** In the order in which they were last seen. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(init: ResponseRateInit) {
    this.#init = init;
  }

  take(network: string, nowMs: Millis): RateVerdict {
    const { networksMax, perSecond } = this.#init;
    const known = this.#buckets.get(network);
    const bucket = known ?? { tokens: perSecond, atMs: nowMs, refused: 0 };
    this.#buckets.delete(network);
    if (this.#buckets.size >= networksMax) this.#buckets.delete(this.#buckets.keys().next().value as string);
    this.#buckets.set(network, bucket);
    bucket.tokens = Math.min(perSecond, bucket.tokens + (Math.max(0, nowMs - bucket.atMs) * perSecond) / 1000);
    bucket.atMs = nowMs;
    if (bucket.tokens >= 1) {
      bucket.tokens -= 1;
      return 'answer';
    }
    return bucket.refused++ % 2 === 0 ? 'truncate' : 'drop';
  }
}
