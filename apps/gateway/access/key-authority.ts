import { isUsable, keyAggregate, keyStateOf, parseApiKey, secretHashesOf, type KeyState } from '#domain/access';
import { isFresh } from '#kernel';
import type { AggregateStore, Clock } from '#ports';
import { unauthenticated, type Authentication } from './authentication.ts';
import { hashOf, sameHash } from './secrets.ts';

interface Cached {
  readonly state: Promise<KeyState>;
  readonly sinceMs: number;
  /** Set once the answer is there. */
  exists: boolean;
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
    const who = { kind: 'key', id: key.keyId, actor: `key:${key.keyId}` } as const;
    const nowMs = this.#clock.now();
    const hash = hashOf(key.secret);
    if (!secretHashesOf(state, nowMs).some((each) => sameHash(hash, each))) return unauthenticated('wrong-secret', { who: who.actor });
    if (state.status === 'revoked') return unauthenticated('revoked', { who: who.actor });
    if (!isUsable(state, nowMs)) return unauthenticated('expired', { who: who.actor });
    const { tenant, scopes, contexts, expiresAtMs, ratePerMinute } = state;
    const principal = { ...who, tenant, scopes, contexts: contexts ?? undefined, expiresAtMs, ratePerMinute: ratePerMinute ?? undefined };
    return { refused: false, principal, proof: key.secret };
  }

  /** True when there was such a key lately, whether the secret is right or not. */
  remembers(text: string): boolean {
    const key = parseApiKey(text);
    return key !== undefined && this.#cache.get(key.keyId)?.exists === true;
  }

  /** Makes this process see a change at once; others see it when their memory of the key ends. */
  forget(keyId: string): void {
    this.#cache.delete(keyId);
  }

  /** One question at a time for each key, however many ask. */
  #load(keyId: string): Promise<KeyState> {
    const cached = this.#cache.get(keyId);
    if (cached !== undefined && isFresh(cached.sinceMs, this.#clock.now(), cacheMs)) return cached.state;
    const state = this.#aggregates.load(keyAggregate.context, keyId).then((head) => (head === undefined ? absent : keyStateOf(head.state)));
    const entry: Cached = { state, sinceMs: this.#clock.now(), exists: false };
    this.#cache.delete(keyId);
    if (this.#cache.size >= cachedMax) this.#cache.delete(this.#cache.keys().next().value as string);
    this.#cache.set(keyId, entry);
    state.then(
      ({ status }) => (entry.exists = status !== 'absent'),
      () => {
        if (this.#cache.get(keyId) === entry) this.#cache.delete(keyId);
      },
    );
    return state;
  }
}
