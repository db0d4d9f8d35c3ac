import type { SteeringChoice } from '#domain/edge';
import { healthAnswer, type Health } from '#runtime';
import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { isIP, isIPv6, type AddressInfo, type BlockList } from 'node:net';
import { once } from 'node:events';
import { plainAddress } from '../steering/network.core.ts';

export interface SteerServerInit {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly node: string;
  /** Whose word for a client's address and scheme counts. */
  readonly proxies: BlockList;
  /** Shown by those who may ask why. */
  readonly token: string | undefined;
}

export interface SteerServerDeps {
  readonly choose: (path: string, clientAddress: string) => SteeringChoice;
  readonly registryAgeMs: () => number;
  readonly health: Health;
  readonly count: (quality: SteeringChoice['quality']) => void;
}

const limits = { headersTimeout: 10_000, requestTimeout: 15_000, keepAliveTimeout: 20_000, maxHeaderSize: 16_384 };
const whyPath = '/api/v1/steer';

/** Sends clients to edges by HTTP redirects, and tells why. */
export class SteerServer {
  readonly #init: SteerServerInit;
  readonly #deps: SteerServerDeps;
  readonly #server: Server;

  constructor(init: SteerServerInit, deps: SteerServerDeps) {
    this.#init = init;
    this.#deps = deps;
    this.#server = createServer(limits, (request, response) => void this.#answer(request, response));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** @throws Error with `code` EADDRINUSE */
  async listen(): Promise<void> {
    this.#server.listen(this.#init.port, this.#init.host);
    await once(this.#server, 'listening');
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeIdleConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.resume();
    const target = originForm(request.url ?? '/');
    if (target === undefined) return send(response, 400, problem(400, 'This is no path.'));
    const [path = '/'] = target.split('?', 1);
    if (path === '/healthz' || path === '/readyz') return this.#health(path, response);
    if (request.method !== 'GET' && request.method !== 'HEAD' && request.method !== 'OPTIONS')
      return send(response, 405, problem(405, 'Clients are redirected with GET and HEAD alone.'), { allow: 'GET, HEAD, OPTIONS' });
    if (request.method === 'OPTIONS') return send(response, 204, undefined, preflight);
    if (path === whyPath) return this.#why(request, response, new URL(target, 'http://steer').searchParams);
    return this.#redirect(request, response, target);
  }

  async #health(path: string, response: ServerResponse): Promise<void> {
    const { health } = this.#deps;
    const report = path === '/healthz' ? health.moving() : await health.ready();
    const { body, status } = healthAnswer(report, { app: 'steering', node: this.#init.node });
    send(response, status, body);
  }

  #redirect(request: IncomingMessage, response: ServerResponse, target: string): void {
    const choice = this.#deps.choose(target, this.#clientOf(request));
    this.#deps.count(choice.quality);
    if (choice.chosen === undefined) return send(response, 503, problem(503, 'Every edge is away. Try again shortly.'), { 'retry-after': '2' });
    const base = urlFor(choice.chosen.urls, this.#schemeOf(request)).replace(/\/$/, '');
    // 307: the method stays (RFC 9110 section 15.4.8). Whoever kept the answer would come back to an edge that has left.
    send(response, 307, undefined, { location: `${base}${target}`, 'access-control-allow-origin': '*' });
  }

  #why(request: IncomingMessage, response: ServerResponse, query: URLSearchParams): void {
    if (!this.#mayAsk(request)) return send(response, 403, problem(403, 'Ask from this machine, or send STEERING_TOKEN: "Authorization: Bearer …".'));
    const [path, client] = [query.get('path') ?? '/', plainAddress(query.get('client') ?? this.#clientOf(request))];
    if (!path.startsWith('/')) return send(response, 400, problem(400, 'query.path: Expected a path, such as /live/st-7f3k2m9q/master.m3u8.'));
    if (isIP(client) === 0) return send(response, 400, problem(400, 'query.client: Expected an IP address.'));
    const { candidates, chosen, quality, reason } = this.#deps.choose(path, client);
    const why = {
      ...{ path, client, edge: chosen?.id ?? null, url: chosen?.urls[0] ?? null, quality, reason, registryAgeMs: this.#deps.registryAgeMs() },
      candidates: candidates.map(({ candidate, distanceKm, verdict }) => ({
        ...{ id: candidate.id, region: candidate.region, state: candidate.state, because: candidate.reason, probe: candidate.probe },
        ...{ load: candidate.load, distanceKm: distanceKm === null ? null : Math.round(distanceKm), verdict },
      })),
    };
    return send(response, 200, `${JSON.stringify(why)}\n`);
  }

  #mayAsk(request: IncomingMessage): boolean {
    const peer = plainAddress(request.socket.remoteAddress ?? '');
    const { token } = this.#init;
    const shown = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
    if (token !== undefined && shown !== undefined) {
      const [given, right] = [Buffer.from(shown), Buffer.from(token)];
      return given.length === right.length && timingSafeEqual(given, right);
    }
    return (peer === '::1' || peer.startsWith('127.')) && !this.#isProxy(peer);
  }

  #isProxy(address: string): boolean {
    return isIP(address) !== 0 && this.#init.proxies.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
  }

  /** The nearest address that is no proxy of ours: what stands left of it anybody may have written. */
  #clientOf(request: IncomingMessage): string {
    let client = plainAddress(request.socket.remoteAddress ?? '');
    const forwarded = [request.headers['x-forwarded-for'] ?? []].flat().join(',').split(',');
    for (let at = forwarded.length - 1; at >= 0 && this.#isProxy(client); at--) {
      const next = plainAddress((forwarded[at] as string).trim());
      if (isIP(next) === 0) break;
      client = next;
    }
    return client;
  }

  #schemeOf(request: IncomingMessage): string | undefined {
    const said = request.headers['x-forwarded-proto'];
    return this.#isProxy(plainAddress(request.socket.remoteAddress ?? '')) && typeof said === 'string' ? said : undefined;
  }
}

const preflight = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, HEAD',
  'access-control-allow-headers': '*',
  'access-control-max-age': '600',
};

/** The target of a request as a path, with its query; undefined for what is none (RFC 9112 section 3.2). */
function originForm(target: string): string | undefined {
  if (target.startsWith('/')) return target;
  return /^https?:\/\//i.test(target) && URL.canParse(target) ? new URL(target).pathname + new URL(target).search : undefined;
}

/** The best URL of the scheme that the client came by; the best of all where there is none. */
function urlFor(urls: readonly string[], scheme: string | undefined): string {
  return urls.find((url) => scheme !== undefined && url.startsWith(`${scheme}:`)) ?? (urls[0] as string);
}

function problem(status: number, detail: string): string {
  return `${JSON.stringify({ type: 'about:blank', status, detail })}\n`;
}

function send(response: ServerResponse, status: number, body: string | undefined, headers: Readonly<Record<string, string>> = {}): void {
  const type = status >= 400 ? 'application/problem+json' : 'application/json';
  response.writeHead(status, { 'cache-control': 'no-store', ...(body === undefined ? { 'content-length': '0' } : { 'content-type': type }), ...headers });
  response.end(body);
}
