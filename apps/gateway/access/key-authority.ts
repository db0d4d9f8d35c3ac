import { defaultTenant, keyAggregate, parseApiKey, type KeyState } from '#domain/access';
import type { AggregateStore, Clock } from '#ports';
import { unauthenticated, type Authentication } from './authenticator.ts';
import { hashOf, sameHash } from './secrets.ts';

interface Cached {
  readonly state: Promise<KeyState>;
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

  /** The principal of a usable key, or why the text is none. */
  async verify(text: string): Promise<Authentication> {
    const key = parseApiKey(text);
    if (key === undefined) return unauthenticated('malformed');
    const state = await this.#load(key.keyId);
    if (state.status === 'absent') return unauthenticated('unknown-key');
    if (!sameHash(hashOf(key.secret), state.secretHash)) return unauthenticated('wrong-secret');
    if (state.status === 'revoked') return unauthenticated('revoked');
    if (state.expiresAtMs !== 0 && this.#clock.now() >= state.expiresAtMs) return unauthenticated('expired');
    const { scopes, expiresAtMs } = state;
    const principal = { kind: 'key', id: key.keyId, actor: `key:${key.keyId}`, tenant: defaultTenant, scopes, expiresAtMs } as const;
    return { refused: false, principal, proof: key.secret };
  }

  /** Makes this process see a change at once; others see it when their memory of the key ends. */
  forget(keyId: string): void {
    this.#cache.delete(keyId);
  }

  /** One question at a time for each key, however many ask. */
  #load(keyId: string): Promise<KeyState> {
    const cached = this.#cache.get(keyId);
    if (cached !== undefined && this.#clock.now() < cached.untilMs) return cached.state;
    const state = this.#aggregates.load(keyAggregate.context, keyId).then((head) => (head === undefined ? absent : (head.state as KeyState)));
    const entry = { state, untilMs: this.#clock.now() + cacheMs };
    this.#cache.delete(keyId);
    if (this.#cache.size >= cachedMax) this.#cache.delete(this.#cache.keys().next().value as string);
    this.#cache.set(keyId, entry);
    state.catch(() => {
      if (this.#cache.get(keyId) === entry) this.#cache.delete(keyId);
    });
    return state;
  }
}
