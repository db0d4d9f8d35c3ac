import { isIP } from 'node:net';
import { AddressOrder } from './address-order.ts';
import { openOnBun } from './bun-wire.adapter.ts';
import { Http1Client, NotConnected } from './http1-client.ts';
import { wireTarget, type WireTarget } from './http1-wire.ts';
import { Http2Client } from './http2-client.ts';
import { openHttp2 } from './http2-wire.adapter.ts';
import { NegotiatedClient } from './negotiated-client.ts';
import type { OriginClient, OriginRequest, OriginResponse } from './origin-client.ts';
import type { OriginEndpoint, OriginTerms } from './origin-endpoint.ts';
import { UnsentBody } from './unsent-body.ts';

/** Addresses of one origin, with connections of their own. */
const clientsMax = 16;

const isUnconnected = (error: unknown): boolean => error instanceof NotConnected;

/**
 * An origin on Bun: over HTTP/2 where a zone allows it, and else HTTP/1.1. Where a zone names it, to an address that was judged, under
 * the name that it must prove.
 */
export class BunOriginClient implements OriginClient {
  readonly #endpoint: OriginEndpoint;
  readonly #url: URL;
  readonly #serverName: string;
  readonly #terms: OriginTerms;
  readonly #http2: boolean;
  readonly #order: AddressOrder;
  /** By what is connected to. */
  readonly #clients = new Map<string, OriginClient>();

  constructor(endpoint: OriginEndpoint, terms: OriginTerms) {
    this.#endpoint = endpoint;
    this.#url = new URL(endpoint.url);
    this.#serverName = endpoint.serverName ?? this.#url.hostname.replace(/^\[|\]$/g, '');
    this.#terms = terms;
    this.#order = new AddressOrder(terms.now);
    this.#http2 = endpoint.http2 && this.#url.protocol === 'https:';
  }

  request(request: OriginRequest): Promise<OriginResponse> {
    if (this.#endpoint.guard === undefined && !this.#http2) return this.#at(this.#endpoint.url).request(request);
    return this.#ask(request);
  }

  async #ask(request: OriginRequest): Promise<OriginResponse> {
    // Nothing of a request was sent where there was no connection: the next address may have it, whatever its method.
    const body = request.body === undefined ? undefined : new UnsentBody(request.body);
    const asked = { ...request, body };
    try {
      return await this.#order.ask(await this.#bases(), {
        ask: (base) => this.#at(base).request(asked),
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

  /** One for each address that was asked lately. */
  #at(base: string): OriginClient {
    const known = this.#clients.get(base);
    if (known !== undefined) return known;
    for (const [old, before] of this.#clients) {
      if (this.#clients.size < clientsMax) break;
      this.#clients.delete(old);
      void before.close();
    }
    const client = this.#clientOf(wireTarget(new URL(base), { ca: this.#endpoint.ca, serverName: this.#serverName }));
    this.#clients.set(base, client);
    return client;
  }

  #clientOf(target: WireTarget): OriginClient {
    const { connectionsMax, now } = this.#terms;
    const { tls } = target;
    const init = { host: this.#url.host, connectTimeoutMs: this.#endpoint.connectTimeoutMs };
    const http1 = new Http1Client({ ...init, target, connectionsMax }, { open: openOnBun, now });
    if (!this.#http2 || tls === undefined) return http1;
    const http2 = new Http2Client({ ...init, target: { ...target, tls }, sessionsMax: connectionsMax }, { open: openHttp2, now });
    return new NegotiatedClient({ http1, http2, now });
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
