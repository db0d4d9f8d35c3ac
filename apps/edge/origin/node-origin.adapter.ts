import { isIP } from 'node:net';
import { Http1Client } from './http1-client.ts';
import { wireTarget } from './http1-wire.ts';
import { Http2Client } from './http2-client.ts';
import { openHttp2 } from './http2-wire.adapter.ts';
import { NegotiatedClient } from './negotiated-client.ts';
import { openOnNode } from './node-wire.adapter.ts';
import type { OriginClient, OriginRequest, OriginResponse } from './origin-client.ts';
import type { OriginEndpoint, OriginTerms } from './origin-endpoint.ts';

/** An origin on Node: over HTTP/2 where a zone allows it, and else HTTP/1.1. */
export class NodeOriginClient implements OriginClient {
  readonly #client: OriginClient;
  readonly #check: (() => void) | undefined;

  private constructor(client: OriginClient, check: (() => void) | undefined) {
    this.#client = client;
    this.#check = check;
  }

  static connect(endpoint: OriginEndpoint, { connectionsMax, now }: OriginTerms): NodeOriginClient {
    const { ca, connectTimeoutMs, guard, http2, serverName, url } = endpoint;
    const parsed = new URL(url);
    const target = wireTarget(parsed, { ca, serverName, lookup: guard?.lookup });
    const { hostname, tls } = target;
    const init = { host: parsed.host, connectTimeoutMs };
    const over1 = new Http1Client({ ...init, target, connectionsMax }, { open: openOnNode, now });
    const over2 =
      http2 && tls !== undefined ? new Http2Client({ ...init, target: { ...target, tls }, sessionsMax: connectionsMax }, { open: openHttp2, now }) : undefined;
    // Of an address nobody looks up what it is.
    const check = isIP(hostname) === 0 ? undefined : () => guard?.check(hostname, hostname);
    return new NodeOriginClient(over2 === undefined ? over1 : new NegotiatedClient({ http1: over1, http2: over2, now }), check);
  }

  async request(request: OriginRequest): Promise<OriginResponse> {
    this.#check?.();
    return this.#client.request(request);
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}
