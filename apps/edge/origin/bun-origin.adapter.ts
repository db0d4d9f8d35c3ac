import type { Fields } from '#core/http-cache';
import { isIP } from 'node:net';
import { AddressOrder } from './address-order.ts';
import { fetchOverHttp2, isWithoutHttp2 } from './bun-http2.adapter.ts';
import { openOnBun } from './bun-wire.adapter.ts';
import { Http1Client, NotConnected } from './http1-client.ts';
import { wireTarget } from './http1-wire.ts';
import type { OriginClient, OriginRequest, OriginResponse } from './origin-client.ts';
import type { OriginEndpoint, OriginTerms } from './origin-endpoint.ts';
import { UnsentBody } from './unsent-body.ts';

/** Of one origin, with connections of their own. */
const addressesMax = 16;

/** What Bun's fetch says when there is no connection. */
const unconnectedCodes = new Set<unknown>(['ConnectionRefused', 'FailedToOpenSocket']);
const isUnconnected = (error: unknown): boolean => error instanceof NotConnected || unconnectedCodes.has((error as { code?: unknown }).code);

/**
 * An origin on Bun: by connections of our own, and over HTTP/2 through Bun's fetch. Where a zone names it, to an address that was
 * judged, under the name that it must prove. Bun keeps connections of HTTP/2 by address and by what TLS was asked for, so that zones
 * share none that they would not trust.
 */
export class BunOriginClient implements OriginClient {
  readonly #endpoint: OriginEndpoint;
  readonly #url: URL;
  readonly #serverName: string;
  readonly #terms: OriginTerms;
  #http2: boolean;
  readonly #order: AddressOrder;
  /** By what is connected to. */
  readonly #clients = new Map<string, Http1Client>();

  constructor(endpoint: OriginEndpoint, terms: OriginTerms) {
    this.#endpoint = endpoint;
    this.#url = new URL(endpoint.url);
    this.#serverName = endpoint.serverName ?? this.#url.hostname.replace(/^\[|\]$/g, '');
    this.#terms = terms;
    this.#order = new AddressOrder(terms.now);
    this.#http2 = endpoint.http2 && this.#url.protocol === 'https:';
  }

  request(request: OriginRequest): Promise<OriginResponse> {
    // A body can be sent once: it does not wait for what TLS agrees on.
    const http2 = this.#http2 && request.body === undefined;
    if (this.#endpoint.guard === undefined && !http2) return this.#at(this.#endpoint.url).request(request);
    return this.#ask(request, http2);
  }

  async #ask(request: OriginRequest, http2: boolean): Promise<OriginResponse> {
    // Nothing of a request was sent where there was no connection: the next address may have it, whatever its method.
    const body = request.body === undefined ? undefined : new UnsentBody(request.body);
    const asked = { ...request, body };
    try {
      return await this.#order.ask(await this.#bases(), {
        ask: (base) => (http2 ? this.#overHttp2(base, asked) : this.#at(base).request(asked)),
        isUnasked: isUnconnected,
        isOver: () => request.cancelling.aborted,
      });
    } finally {
      body?.settle();
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#clients.values()].map((client) => client.close()));
  }

  async #overHttp2(base: string, request: OriginRequest): Promise<OriginResponse> {
    try {
      return await fetchOverHttp2(base + request.target, request, this.#named(request), { serverName: this.#serverName, ca: this.#endpoint.ca });
    } catch (error) {
      if (!isWithoutHttp2(error)) throw error;
      const response = await this.#at(base).request(request);
      this.#http2 = false;
      return response;
    }
  }

  /** One for each address that was asked lately. */
  #at(base: string): Http1Client {
    let client = this.#clients.get(base);
    if (client !== undefined) return client;
    for (const [old, before] of this.#clients) {
      if (this.#clients.size < addressesMax) break;
      this.#clients.delete(old);
      void before.close();
    }
    const { ca, connectTimeoutMs } = this.#endpoint;
    const target = wireTarget(new URL(base), { ca, serverName: this.#serverName });
    const { connectionsMax, now } = this.#terms;
    client = new Http1Client({ target, host: this.#url.host, connectTimeoutMs, connectionsMax }, { open: openOnBun, now });
    this.#clients.set(base, client);
    return client;
  }

  #named({ fields }: OriginRequest): Fields {
    return fields.some(([name]) => name === 'host') ? fields : [...fields, ['host', this.#url.host]];
  }

  /** One for each of its addresses. */
  async #bases(): Promise<readonly string[]> {
    const { hostname, port, protocol } = this.#url;
    const { guard } = this.#endpoint;
    if (guard === undefined) return [this.#endpoint.url.replace(/\/$/, '')];
    const addresses = await guard.addressesOf(hostname.replace(/^\[|\]$/g, ''), this.#terms.now());
    const at = port === '' ? '' : `:${port}`;
    return addresses.map((address) => `${protocol}//${isIP(address) === 6 ? `[${address}]` : address}${at}`);
  }
}
