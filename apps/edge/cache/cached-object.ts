import { ageSeconds, formatCacheStatus, selectedHead, staleFrom, ttlSeconds, type PurgeLabel, type StoredResponse } from '#core/http-cache';
import type { WishSource } from '#core/prefetch';
import { replyHead, type EdgeReply, type ReplyHead, type StoredBytes } from '../server/exchange.ts';

/** What an object weighs besides its body: its head, its ready-made answer and its places in the tables, bytes. */
const overheadBytes = 1024;

export interface CachedObjectInit {
  readonly key: string;
  readonly labels: readonly PurgeLabel[];
  readonly response: StoredResponse;
  readonly generation: number;
}

/** The head of the answer that most requests get. Objects that are the same may share one. */
export interface HitHead {
  head: ReplyHead | undefined;
  /** In which it says the truth. */
  second: number;
}

export function noHitHead(): HitHead {
  return { head: undefined, second: 0 };
}

/** A response in memory, with the answer that most requests for it get, made once a second. */
export class CachedObject {
  readonly key: string;
  readonly body: StoredBytes;
  /** What it can be purged by, besides its key. */
  labels: readonly PurgeLabel[];
  /** The purge generation at which it was last known to be current: when the origin was asked for it, or it was judged. */
  generation: number;
  response: StoredResponse;
  /** The next variant of the same key. */
  next: CachedObject | undefined;
  /** How often it was found since the origin last spoke of it. */
  uses = 0;
  /** Its place in the eviction index; -1 outside the store, -2 on probation. */
  slot = -1;
  /** Why it was fetched before anybody asked for it; undefined from the first use on. */
  ahead: WishSource | undefined;
  /** `asked`: it is on the disk, was offered to it, or is nothing for it. `void`: it must not get there any more. */
  atDisk: 'no' | 'asked' | 'void' = 'no';
  /** After a failure of the origin: served stale without another try before this, ms. */
  retryAtMs = 0;
  #reply: EdgeReply | undefined;
  #hitHead: HitHead;

  constructor({ key, labels, response, generation }: CachedObjectInit, body: StoredBytes, hitHead: HitHead = noHitHead()) {
    this.#hitHead = hitHead;
    this.key = key;
    this.labels = labels;
    this.response = response;
    this.body = body;
    this.generation = generation;
  }

  /** Of what it stands for, bytes. */
  get length(): number {
    return this.response.sliced?.length ?? this.body.size;
  }

  get bytes(): number {
    let bytes = overheadBytes + this.key.length + 8 * this.labels.length + this.body.size;
    for (const [name, value] of this.response.fields) bytes += 2 * (name.length + value.length);
    return bytes;
  }

  /** Takes over what a 304 brought. */
  renew({ labels, response, generation }: Omit<CachedObjectInit, 'key'>): void {
    this.labels = labels;
    this.response = response;
    this.generation = generation;
    this.retryAtMs = 0;
    this.uses = 0;
    if (this.atDisk === 'asked') this.atDisk = 'no';
    this.#hitHead = noHitHead();
  }

  /** Made stale by a soft purge. */
  expire(atMs: number): void {
    this.response = { ...this.response, freshness: staleFrom(this.response.freshness, atMs) };
    this.#hitHead = noHitHead();
  }

  /** The whole object as a hit. Age and the seconds left are the only fields that move, so one answer serves a second. */
  hit(nowMs: number, cacheName: string): EdgeReply {
    const second = Math.floor(nowMs / 1000);
    const known = this.#hitHead;
    if (known.head === undefined || known.second !== second) {
      known.head = this.#headOf(nowMs, cacheName);
      known.second = second;
    }
    if (this.#reply?.head !== known.head) this.#reply = { head: known.head, body: this.body };
    return this.#reply;
  }

  #headOf(nowMs: number, cacheName: string): ReplyHead {
    const { freshness } = this.response;
    const head = selectedHead({ kind: 'whole' }, this.response, this.body.size);
    const status = formatCacheStatus(cacheName, { ttl: ttlSeconds(freshness, nowMs) });
    return replyHead(head.status, [...head.fields, ['age', String(ageSeconds(freshness, nowMs))], ['cache-status', status]]);
  }
}
