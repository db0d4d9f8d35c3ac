import { isUsable, keyAggregate, parseApiKey, type KeyState, type Scope } from '#domain/access';
import type { AggregateStore, Clock } from '#ports';
import { hashOf, sameHash } from './secrets.ts';

export interface KeyHolder {
  readonly keyId: string;
  readonly secret: string;
  readonly scopes: readonly Scope[];
}

interface Cached {
  readonly state: KeyState;
  readonly untilMs: number;
}

/** How long a revoked key may still work, ms. */
const cacheMs = 3_000;
const cachedMax = 4_096;
const absent: KeyState = { status: 'absent' };

/** Tells whose API key it is. Keys are read from their aggregates and remembered for three seconds. */
export class KeyAuthority {
  readonly #aggregates: AggregateStore;
  readonly #clock: Clock;
  /** In order of insertion, so that the oldest is first. Unknown ids are remembered too, or guessing would cost us queries. */
  readonly #cache = new Map<string, Cached>();

  constructor(aggregates: AggregateStore, clock: Clock) {
    this.#aggregates = aggregates;
    this.#clock = clock;
  }

  /** The holder of a usable key, or undefined for any other text. */
  async verify(text: string): Promise<KeyHolder | undefined> {
    const key = parseApiKey(text);
    if (key === undefined) return undefined;
    const state = await this.#load(key.keyId);
    const hash = hashOf(key.secret);
    if (!isUsable(state, this.#clock.now()) || !sameHash(hash, state.secretHash)) return undefined;
    return { ...key, scopes: state.scopes };
  }

  /** Makes this process see a change at once; others see it when their memory of the key ends. */
  forget(keyId: string): void {
    this.#cache.delete(keyId);
  }

  async #load(keyId: string): Promise<KeyState> {
    const cached = this.#cache.get(keyId);
    if (cached !== undefined && this.#clock.now() < cached.untilMs) return cached.state;
    const head = await this.#aggregates.load(keyAggregate.context, keyId);
    const state = head === undefined ? absent : (head.state as KeyState);
    this.#cache.delete(keyId);
    if (this.#cache.size >= cachedMax) this.#cache.delete(this.#cache.keys().next().value as string);
    this.#cache.set(keyId, { state, untilMs: this.#clock.now() + cacheMs });
    return state;
  }
}
