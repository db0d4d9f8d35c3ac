import { ageSeconds, formatCacheStatus, selectedHead, ttlSeconds, type StoredResponse } from '#core/http-cache';
import { replyHead, type EdgeReply, type StoredBytes } from '../server/edge-server.ts';

/** What an object weighs besides its body: its head, its ready-made answer and its places in the tables, bytes. */
const overheadBytes = 1024;

/** A response in memory, with the answer that most requests for it get, made once a second. */
export class CachedObject {
  readonly key: string;
  readonly body: StoredBytes;
  /** The purge generation when the origin was last asked for it. */
  generation: number;
  response: StoredResponse;
  /** The next variant of the same key. */
  next: CachedObject | undefined;
  /** Its place in the eviction index; -1 outside the store. */
  slot = -1;
  /** After a failure of the origin: served stale without another try before this, ms. */
  retryAtMs = 0;
  #reply: EdgeReply | undefined;
  #replySecond = 0;

  constructor(key: string, response: StoredResponse, body: StoredBytes, generation: number) {
    this.key = key;
    this.response = response;
    this.body = body;
    this.generation = generation;
  }

  get bytes(): number {
    let bytes = overheadBytes + this.key.length + this.body.size;
    for (const [name, value] of this.response.fields) bytes += 2 * (name.length + value.length);
    return bytes;
  }

  /** Takes over what a 304 brought. */
  renew(response: StoredResponse, generation: number): void {
    this.response = response;
    this.generation = generation;
    this.retryAtMs = 0;
    this.#reply = undefined;
  }

  /** The whole object as a hit. Age and the seconds left are the only fields that move, so one answer serves a second. */
  hit(nowMs: number, cacheName: string): EdgeReply {
    const second = Math.floor(nowMs / 1000);
    if (this.#reply !== undefined && this.#replySecond === second) return this.#reply;
    this.#replySecond = second;
    const { freshness } = this.response;
    const head = selectedHead({ kind: 'whole' }, this.response, this.body.size);
    const status = formatCacheStatus(cacheName, { ttl: ttlSeconds(freshness, nowMs) });
    const fields = [...head.fields, ['age', String(ageSeconds(freshness, nowMs))], ['cache-status', status]] as const;
    this.#reply = { head: replyHead(head.status, fields), body: this.body };
    return this.#reply;
  }
}
