import { isIP } from 'node:net';
import { Http1Client } from './http1-client.ts';
import { wireTarget } from './http1-wire.ts';
import { Http2Client } from './http2-client.ts';
import { isWithoutHttp2, openHttp2 } from './http2-wire.adapter.ts';
import { openOnNode } from './node-wire.adapter.ts';
import type { OriginClient, OriginRequest, OriginResponse } from './origin-client.ts';
import type { OriginEndpoint, OriginTerms } from './origin-endpoint.ts';
import { UnsentBody } from './unsent-body.ts';

/** An origin on Node: over HTTP/2 where a zone allows it, and else HTTP/1.1. */
export class NodeOriginClient implements OriginClient {
  readonly #http1: Http1Client;
  #http2: Http2Client | undefined;
  readonly #check: (() => void) | undefined;

  private constructor(http1: Http1Client, http2: Http2Client | undefined, check: (() => void) | undefined) {
    this.#http1 = http1;
    this.#http2 = http2;
    this.#check = check;
  }

  static connect(endpoint: OriginEndpoint, { connectionsMax, now }: OriginTerms): NodeOriginClient {
    const { ca, connectTimeoutMs, guard, http2, serverName, url } = endpoint;
    const parsed = new URL(url);
    const target = wireTarget(parsed, { ca, serverName, lookup: guard?.lookup });
    const { hostname, tls } = target;
    const http1 = new Http1Client({ target, host: parsed.host, connectTimeoutMs, connectionsMax }, { open: openOnNode, now });
    const over2 =
      http2 && tls !== undefined
        ? new Http2Client({ target: { ...target, tls }, host: parsed.host, connectTimeoutMs, sessionsMax: connectionsMax }, { open: openHttp2, now })
        : undefined;
    // Of an address nobody looks up what it is.
    return new NodeOriginClient(http1, over2, isIP(hostname) === 0 ? undefined : () => guard?.check(hostname, hostname));
  }

  async request(request: OriginRequest): Promise<OriginResponse> {
    this.#check?.();
    if (this.#http2 === undefined) return this.#http1.request(request);
    // Nothing of the request was sent, or of its body read, when TLS agrees on something else.
    const body = request.body === undefined ? undefined : new UnsentBody(request.body);
    const asked = { ...request, body };
    try {
      return await this.#http2.request(asked);
    } catch (error) {
      if (!isWithoutHttp2(error)) throw error;
      void this.#http2?.close();
      this.#http2 = undefined;
      return await this.#http1.request(asked);
    } finally {
      body?.settle();
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#http1.close(), this.#http2?.close()]);
  }
}
