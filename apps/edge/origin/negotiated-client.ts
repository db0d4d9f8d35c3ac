import { NotConnected } from './http1-client.ts';
import { isWithoutHttp2 } from './http2-wire.adapter.ts';
import type { OriginClient, OriginRequest, OriginResponse } from './origin-client.ts';
import { UnsentBody } from './unsent-body.ts';

/** For how long an origin that agreed on HTTP/1.1 is taken for one that speaks nothing else, ms: another machine, or version, may. */
const without2Ms = 60_000;

/** TLS, or the end of a connection that was never used, says so: nobody is asked twice where nobody listens, or answers. */
const turnsAway = /^(?:ECONNRESET|EPROTO|ERR_SSL_.*)$/;

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
    // Nothing of a request was sent, or of its body read, when TLS agrees on something else.
    const body = request.body === undefined ? undefined : new UnsentBody(request.body);
    try {
      return await this.#ask({ ...request, body });
    } finally {
      body?.settle();
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#deps.http1.close(), this.#deps.http2.close()]);
  }

  async #ask(request: OriginRequest): Promise<OriginResponse> {
    const { http1, http2, now } = this.#deps;
    let refusal: NotConnected | undefined;
    if (now() < this.#without2UntilMs) {
      try {
        return await http1.request(request);
      } catch (error) {
        if (!(error instanceof NotConnected) || !turnsAway.test(error.code) || request.cancelling.aborted) throw error;
        refusal = error;
      }
    }
    try {
      const response = await http2.request(request);
      this.#without2UntilMs = 0;
      return response;
    } catch (error) {
      if (!isWithoutHttp2(error)) throw error;
      this.#without2UntilMs = now() + without2Ms;
      if (refusal !== undefined) throw refusal;
      return await http1.request(request);
    }
  }
}
