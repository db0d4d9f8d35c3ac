import { isIP } from 'node:net';
import { isWithoutHttp2, NodeHttp2Client } from './node-http2.adapter.ts';
import { openOnNode } from './node-wire.adapter.ts';
import { Http1Client } from './http1-client.ts';
import { wireTarget } from './http1-wire.ts';
import type { OriginClient, OriginRequest, OriginResponse } from './origin-client.ts';
import type { OriginEndpoint, OriginTerms } from './origin-endpoint.ts';

/** An origin on Node: by connections of our own, and over HTTP/2 through undici's. */
export class NodeOriginClient implements OriginClient {
  readonly #http1: Http1Client;
  #http2: NodeHttp2Client | undefined;
  readonly #check: (() => void) | undefined;

  private constructor(http1: Http1Client, http2: NodeHttp2Client | undefined, check: (() => void) | undefined) {
    this.#http1 = http1;
    this.#http2 = http2;
    this.#check = check;
  }

  static async connect(endpoint: OriginEndpoint, { connectionsMax, now }: OriginTerms): Promise<NodeOriginClient> {
    const { ca, connectTimeoutMs, guard, http2, serverName, url } = endpoint;
    const parsed = new URL(url);
    const target = wireTarget(parsed, { ca, serverName, lookup: guard?.lookup });
    const { hostname, tls } = target;
    const http1 = new Http1Client({ target, host: parsed.host, connectTimeoutMs, connectionsMax }, { open: openOnNode, now });
    const over2 = http2 && tls !== undefined ? await NodeHttp2Client.connect({ url, target: { ...target, tls }, connectTimeoutMs }) : undefined;
    // Of an address nobody looks up what it is.
    return new NodeOriginClient(http1, over2, isIP(hostname) === 0 ? undefined : () => guard?.check(hostname, hostname));
  }

  async request(request: OriginRequest): Promise<OriginResponse> {
    this.#check?.();
    // A body can be sent once: it does not wait for what TLS agrees on.
    if (this.#http2 === undefined || request.body !== undefined) return this.#http1.request(request);
    try {
      return await this.#http2.request(request);
    } catch (error) {
      if (!isWithoutHttp2(error)) throw error;
      void this.#http2?.close();
      this.#http2 = undefined;
      return this.#http1.request(request);
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#http1.close(), this.#http2?.close()]);
  }
}
