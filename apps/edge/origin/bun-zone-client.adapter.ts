import type { Fields } from '#core/http-cache';
import { isIP } from 'node:net';
import { BunHttp1Client } from './bun-http1.adapter.ts';
import type { OriginClient, OriginRequest, OriginResponse } from './origin-client.ts';
import { fetchOnBun, type BunRequestInit } from './bun-origin.adapter.ts';
import type { OriginEndpoint } from './origin-endpoint.ts';

/** What Bun says when TLS did not agree on HTTP/2. */
const noHttp2 = 'HTTP2Unsupported';
/** Of one origin, with connections of their own. */
const addressesMax = 16;

/**
 * An origin that a zone names, through Bun's fetch: to an address that was judged, under the name that it must prove. Bun
 * keeps connections by address and by what TLS was asked for, so that zones share none that they would not trust.
 */
export class BunZoneClient implements OriginClient {
  readonly #endpoint: OriginEndpoint;
  readonly #url: URL;
  readonly #now: () => number;
  #http2: boolean;
  /** Which of its addresses is asked: the next one after each that did not answer. */
  #turn = 0;
  /** By what is connected to. */
  readonly #plain = new Map<string, BunHttp1Client>();

  constructor(endpoint: OriginEndpoint, now: () => number) {
    this.#endpoint = endpoint;
    this.#url = new URL(endpoint.url);
    this.#now = now;
    this.#http2 = endpoint.http2 && this.#url.protocol === 'https:';
  }

  async request(request: OriginRequest): Promise<OriginResponse> {
    const base = await this.#base();
    try {
      if (this.#url.protocol === 'http:' && request.body === undefined) return await this.#plainAt(base).request({ ...request, fields: this.#named(request) });
      return await fetchOnBun(base + request.target, request, this.#init(request, this.#http2));
    } catch (error) {
      if ((error as { code?: unknown }).code === noHttp2) {
        // Nothing was asked yet: TLS has only agreed on something else.
        this.#http2 = false;
        return fetchOnBun(base + request.target, request, this.#init(request, false));
      }
      if (!request.cancelling.aborted) this.#turn++;
      throw error;
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#plain.values()].map((client) => client.close()));
  }

  /** One for each address that was asked lately. */
  #plainAt(base: string): BunHttp1Client {
    let client = this.#plain.get(base);
    if (client !== undefined) return client;
    for (const [old, before] of this.#plain) {
      if (this.#plain.size < addressesMax) break;
      this.#plain.delete(old);
      void before.close();
    }
    client = new BunHttp1Client(new URL(base), this.#now);
    this.#plain.set(base, client);
    return client;
  }

  #named({ fields }: OriginRequest): Fields {
    return fields.some(([name]) => name === 'host') ? fields : [...fields, ['host', this.#url.host]];
  }

  async #base(): Promise<string> {
    const { hostname, port, protocol } = this.#url;
    const { guard } = this.#endpoint;
    if (guard === undefined) return this.#endpoint.url.replace(/\/$/, '');
    const addresses = await guard.addressesOf(hostname.replace(/^\[|\]$/g, ''), this.#now());
    const address = addresses[this.#turn % addresses.length] as string;
    return `${protocol}//${isIP(address) === 6 ? `[${address}]` : address}${port === '' ? '' : `:${port}`}`;
  }

  #init(request: OriginRequest, http2: boolean): Partial<BunRequestInit> {
    const { body } = request;
    const { ca, serverName = this.#url.hostname } = this.#endpoint;
    return {
      headers: this.#named(request) as unknown as [string, string][],
      tls: { serverName, rejectUnauthorized: true, ...(ca === undefined ? {} : { ca }) },
      // A body is a stream that can be sent once: it does not wait for what TLS agrees on.
      ...(http2 && body === undefined ? { protocol: 'http2' } : {}),
    };
  }
}
