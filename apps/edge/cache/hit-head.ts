import { ageSeconds, formatCacheStatus, selectedHead, ttlSeconds, type Field, type Fields, type StoredResponse } from '#core/http-cache';
import type { HeadLog, ReplyHead, StoredBytes } from '../server/exchange.ts';

interface Shown {
  readonly response: StoredResponse;
  readonly body: StoredBytes;
}

/**
 * The head of the answer that most requests for an object get, in any second. Age and the seconds left are all that moves, and
 * they are numbers until they are sent: a head made anew for each object and second would be most of what the collector of
 * garbage has to look at. Objects that are the same may share one.
 */
export class HitHead implements ReplyHead {
  status = 0;
  second: number | undefined = undefined;
  prebuilt: unknown = undefined;
  prebuiltSecure: unknown = undefined;
  log: HeadLog | null | undefined = undefined;
  #response: StoredResponse | undefined = undefined;
  #size = 0;
  #cacheName = '';
  #age = 0;
  #ttl = 0;

  /** On to this second. */
  go({ body, response }: Shown, nowMs: number, cacheName: string): void {
    const second = Math.floor(nowMs / 1000);
    if (this.second === second) return;
    this.second = second;
    const { freshness } = response;
    this.#age = ageSeconds(freshness, nowMs);
    const ttl = ttlSeconds(freshness, nowMs);
    // From fresh to stale it is another answer to the log.
    if (ttl < 0 !== this.#ttl < 0) this.log = undefined;
    this.#ttl = ttl;
    this.#response = response;
    this.#size = body.size;
    this.status = response.status;
    this.#cacheName = cacheName;
  }

  get fields(): Fields {
    // Not kept: where it is wanted more than once, what is made of it is.
    const still = this.#response === undefined ? [] : selectedHead({ kind: 'whole' }, this.#response, this.#size).fields;
    return [...still, ...this.moving()];
  }

  moving(): Fields {
    const age: Field = ['age', String(this.#age)];
    return [age, ['cache-status', formatCacheStatus(this.#cacheName, { ttl: this.#ttl })]];
  }
}
