import type { Millis } from '#kernel';
import { TokenBucket } from './token-bucket.ts';

const addressesMax = 4096;
const perAddress = { perSecond: 0.5, burst: 5 };
const overall = { perSecond: 10, burst: 50 };

/** Decides which refusals become events: an attacker gets an answer each time, but cannot fill the log with them. */
export class RejectionGuard {
  readonly #overall: TokenBucket;
  readonly #addresses = new Map<string, TokenBucket>();
  #suppressed = 0;

  constructor(now: Millis) {
    this.#overall = new TokenBucket(overall, now);
  }

  /** Refusals that were answered but not recorded, since the last call of this. */
  takeSuppressed(): number {
    const count = this.#suppressed;
    this.#suppressed = 0;
    return count;
  }

  allows(address: string, now: Millis): boolean {
    const allowed = this.#bucketOf(address, now).take(now) && this.#overall.take(now);
    if (!allowed) this.#suppressed += 1;
    return allowed;
  }

  /** The least recently seen address makes room: it would have to come back slowly anyway. */
  #bucketOf(address: string, now: Millis): TokenBucket {
    const bucket = this.#addresses.get(address) ?? new TokenBucket(perAddress, now);
    this.#addresses.delete(address);
    this.#addresses.set(address, bucket);
    if (this.#addresses.size > addressesMax) this.#addresses.delete(this.#addresses.keys().next().value as string);
    return bucket;
  }
}
