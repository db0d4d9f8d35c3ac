import { hasCode } from '#kernel';
import { NotConnected } from './http1-client.ts';
import { isWithoutHttp2 } from './http2-wire.adapter.ts';
import type { OriginClient, OriginRequest, OriginResponse } from './origin-client.ts';
import { RepeatableBody } from './repeatable-body.ts';

/** For how long an origin that agreed on HTTP/1.1 is taken for one that speaks nothing else, ms: another machine, or version, may. */
const without2Ms = 60_000;

/** TLS, or the end of a connection that was never used, says so: nobody is asked twice where nobody listens, or answers. */
const turnsAway = /^(?:ECONNRESET|EPROTO|ERR_SSL_.*)$/;

/** How often a request with a body goes out once more at which the origin has not looked (RFC 9113 section 8.7). */
const unseenMax = 3;

export interface NegotiatedClientDeps {
  readonly http1: OriginClient;
  readonly http2: OriginClient;
  readonly now: () => number;
}

/** HTTP/2 to an origin as long as it agrees, and else HTTP/1.1. */
export class NegotiatedClient implements OriginClient {
  readonly #deps: NegotiatedClientDeps;
  #without2UntilMs = 0;

  constructor(deps: NegotiatedClientDeps) {
    this.#deps = deps;
  }

  async request(request: OriginRequest): Promise<OriginResponse> {
    const body = request.body === undefined ? undefined : new RepeatableBody(request.body);
    try {
      for (let unseen = 0; ; unseen++) {
        try {
          return await this.#ask(request, body);
        } catch (error) {
          if (!hasCode(error, 'HTTP2_UNSEEN') || unseen === unseenMax || body?.isWhole !== true || request.cancelling.aborted) throw error;
        }
      }
    } finally {
      body?.settle();
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#deps.http1.close(), this.#deps.http2.close()]);
  }

  /** Nothing of a request was sent, or of its body read, when TLS agrees on something else. */
  async #ask(request: OriginRequest, body: RepeatableBody | undefined): Promise<OriginResponse> {
    const { http1, http2, now } = this.#deps;
    const attempt = (): OriginRequest => ({ ...request, body: body?.attempt() });
    let refusal: NotConnected | undefined;
    if (now() < this.#without2UntilMs) {
      try {
        return await http1.request(attempt());
      } catch (error) {
        if (!(error instanceof NotConnected) || !turnsAway.test(error.code) || request.cancelling.aborted) throw error;
        refusal = error;
      }
    }
    try {
      const response = await http2.request(attempt());
      this.#without2UntilMs = 0;
      return response;
    } catch (error) {
      if (!isWithoutHttp2(error)) throw error;
      this.#without2UntilMs = now() + without2Ms;
      if (refusal !== undefined) throw refusal;
      return await http1.request(attempt());
    }
  }
}
