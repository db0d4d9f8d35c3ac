import type { AddressList } from '#core/network';
import { LimitBook, type StreamState, type TenantLimits } from '#domain/stream';
import type { AggregateStore, Clock } from '#ports';
import type { AdmissionHook, HookQuestion, HookVerdict } from './admission-hook.ts';
import type { Refusal } from './permit.types.ts';
import { RecentBreaches } from './recent-breaches.ts';
import { looksLikeToken, type TokenGrant, type TokenVerifier } from './token-verifier.ts';

export interface PublishPermitsInit {
  /** Undefined: from everywhere. */
  readonly sources: AddressList | undefined;
  readonly limits: LimitBook;
}

export interface PublishPermitsDeps {
  readonly aggregates: Pick<AggregateStore, 'find'>;
  readonly tokens: TokenVerifier | undefined;
  readonly hook: AdmissionHook | undefined;
  readonly clock: Clock;
}

/** Where one publishes. */
type Slot = Pick<HookQuestion, 'streamId' | 'endpoint'>;

/** What publishers need beside a stream's own key: the right address, room within their tenant's limits, the operator's word. */
export class PublishPermits {
  readonly #init: PublishPermitsInit;
  readonly #deps: PublishPermitsDeps;
  readonly #breaches = new RecentBreaches();

  constructor(init: PublishPermitsInit, deps: PublishPermitsDeps) {
    this.#init = init;
    this.#deps = deps;
  }

  source(host: string): Refusal | undefined {
    const { sources } = this.#init;
    if (sources === undefined || sources.has(host)) return undefined;
    return { reason: 'source-not-allowed', detail: 'Publishing is not allowed from your address.' };
  }

  /** What a token in place of a stream key lets do; undefined for what is no token, or where none are taken. */
  async token(key: string): Promise<TokenGrant | Refusal | undefined> {
    const { tokens } = this.#deps;
    return tokens === undefined || !looksLikeToken(key) ? undefined : tokens.verify(key);
  }

  limitsOf(tenant: string): TenantLimits {
    return this.#init.limits.of(tenant);
  }

  /** A publisher that was let in was ended for what it sends. */
  breached({ streamId, endpoint }: Slot, refusal: Refusal): void {
    this.#breaches.remember(`${streamId} ${endpoint}`, refusal, this.#deps.clock.now());
  }

  /** For an encoder that connects again with what it was just ended for. */
  again({ streamId, endpoint }: Slot): Refusal | undefined {
    return this.#breaches.of(`${streamId} ${endpoint}`, this.#deps.clock.now());
  }

  /** Room for one more stream of a tenant; two that come at once may both find it. */
  async room(tenant: string, streamId: string): Promise<Refusal | undefined> {
    const { streams } = this.limitsOf(tenant);
    if (streams === undefined) return undefined;
    const live = await this.#deps.aggregates.find('stream', 'status', 'live');
    const others = live.filter((head) => head.tenant === tenant && (head.state as Exclude<StreamState, { status: 'absent' }>).streamId !== streamId);
    if (others.length < streams) return undefined;
    return {
      reason: 'limit-exceeded',
      detail: `This tenant may have ${streams} ${streams === 1 ? 'stream' : 'streams'} live at once, and has ${others.length}.`,
    };
  }

  async word(question: HookQuestion, signal: AbortSignal): Promise<HookVerdict | Refusal> {
    return (await this.#deps.hook?.ask(question, signal)) ?? {};
  }
}
