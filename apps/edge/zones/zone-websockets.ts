import { cdnHops, cdnHopsMax, isLoop, passThroughFields } from '#core/http-cache';
import { problem, type ProblemInit } from '../cache/problem.ts';
import { OriginError } from '../origin/origin-client.ts';
import type { OriginEndpoint } from '../origin/origin-endpoint.ts';
import type { OriginPool } from '../origin/origin-pool.ts';
import type { EdgeReply, EdgeRequest, TunnelOutcome, TunnelTarget } from '../server/exchange.ts';
import { handshakeReply, isWorthAnother } from '../server/handshake-reply.ts';
import { isHandshakeField, isWebSocketHandshake, protocolsOffered } from '../server/websocket-tunnel.ts';
import { hostNameOf } from './zone-table.ts';
import type { ZoneOrigin } from './zone-origin.ts';

/** Of one origin's addresses, how many are tried before another origin is. */
const addressesTried = 2;

export interface ZoneWebSocketsInit {
  readonly pseudonym: string;
  readonly cacheName: string;
}

export interface ZoneWebSocketsDeps {
  readonly pool: Pick<OriginPool, 'take'>;
  readonly endpoints: readonly OriginEndpoint[];
  readonly origin: Pick<ZoneOrigin, 'asked'>;
  readonly now: () => number;
}

/**
 * WebSockets of a zone: to one of its origins that is well, with the fields that its rules make of the client's. Never by way of a
 * shield, which could keep nothing of them.
 */
export class ZoneWebSockets {
  readonly #init: ZoneWebSocketsInit;
  readonly #deps: ZoneWebSocketsDeps;

  constructor(init: ZoneWebSocketsInit, deps: ZoneWebSocketsDeps) {
    this.#init = init;
    this.#deps = deps;
  }

  /** Undefined for a request that asks for no WebSocket. @param path the normal target */
  open(request: EdgeRequest, path: string): Promise<EdgeReply> | undefined {
    return request.field('upgrade') === undefined || !isWebSocketHandshake(request) ? undefined : this.#open(request, path);
  }

  async #open(request: EdgeRequest, path: string): Promise<EdgeReply> {
    const { pseudonym } = this.#init;
    if (isLoop(request.field('via'), pseudonym) || cdnHops(request.field('cdn-loop')) >= cdnHopsMax)
      return this.#problem(request, { status: 508, detail: 'The request has come through this edge already.', error: 'proxy_loop_detected' });
    try {
      let last: TunnelOutcome = { kind: 'failed', error: 'http_upgrade_failed' };
      const taken = await this.#deps.pool.take({ key: path, method: request.method }, async (url) => {
        last = await this.#tunnel(request, path, url);
        return isWorthAnother(last) ? undefined : last;
      });
      return handshakeReply(taken ?? last, { target: request.target, cacheName: this.#init.cacheName });
    } catch (error) {
      if (!(error instanceof OriginError)) throw error;
      return this.#problem(request, { status: error.status, detail: error.message, error: error.proxyError });
    }
  }

  async #tunnel(request: EdgeRequest, path: string, url: string): Promise<TunnelOutcome> {
    const { endpoints, now } = this.#deps;
    const { ca, guard, serverName } = endpoints.find((endpoint) => endpoint.url === url) as OriginEndpoint;
    const target: TunnelTarget = {
      ...{ originUrl: url.replace(/\/$/, ''), target: request.target, fields: this.#fields(request, path), protocols: protocolsOffered(request) },
      ...{ serverName, ca },
    };
    if (guard === undefined) return request.tunnel(target);
    const host = new URL(url).hostname.replace(/^\[|\]$/g, '');
    let outcome: TunnelOutcome = { kind: 'failed', error: 'dns_error' };
    for (const address of (await addressesOf(guard, host, now())).slice(0, addressesTried)) {
      outcome = await request.tunnel({ ...target, address });
      if (outcome.kind !== 'failed') break;
    }
    return outcome;
  }

  #fields(request: EdgeRequest, path: string): TunnelTarget['fields'] {
    const { clientAddress, scheme } = request;
    const fields = passThroughFields(request.fields(), { clientAddress, scheme, pseudonym: this.#init.pseudonym });
    const host = request.field('host');
    return this.#deps.origin.asked(fields, host === undefined ? undefined : hostNameOf(host), path).filter(([name]) => !isHandshakeField(name));
  }

  #problem({ target }: EdgeRequest, told: Pick<ProblemInit, 'status' | 'detail' | 'error'>): EdgeReply {
    return problem({ ...told, target, cacheName: this.#init.cacheName, outcome: { forwarded: 'bypass' } });
  }
}

/** None for a name that leads nowhere. @throws OriginError for one that leads where it must not */
async function addressesOf(guard: NonNullable<OriginEndpoint['guard']>, host: string, nowMs: number): Promise<readonly string[]> {
  try {
    return await guard.addressesOf(host, nowMs);
  } catch (error) {
    if (error instanceof OriginError) throw error;
    return [];
  }
}
