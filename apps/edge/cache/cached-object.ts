import { staleFrom, type PurgeLabel, type StoredResponse } from '#core/http-cache';
import type { WishSource } from '#core/prefetch';
import type { EdgeReply, StoredBytes } from '../server/exchange.ts';
import { HitHead } from './hit-head.ts';

/** What an object weighs besides its body: its head, its ready-made answer and its places in the tables, bytes. */
const overheadBytes = 1024;

export interface CachedObjectInit {
  readonly key: string;
  readonly labels: readonly PurgeLabel[];
  readonly response: StoredResponse;
  readonly generation: number;
}

/** A response in memory, with the answer that most requests for it get, made once. */
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

  constructor({ key, labels, response, generation }: CachedObjectInit, body: StoredBytes, hitHead: HitHead = new HitHead()) {
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
    this.#hitHead = new HitHead();
  }

  /** Made stale by a soft purge. */
  expire(atMs: number): void {
    this.response = { ...this.response, freshness: staleFrom(this.response.freshness, atMs) };
    this.#hitHead = new HitHead();
  }

  /** The whole object as a hit. */
  hit(nowMs: number, cacheName: string): EdgeReply {
    const head = this.#hitHead;
    head.go(this, nowMs, cacheName);
    if (this.#reply?.head !== head) this.#reply = { head, body: this.body };
    return this.#reply;
  }
}
