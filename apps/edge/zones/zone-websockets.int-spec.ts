import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { ZoneConfiguration } from '#events';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { ScriptedOrigin, temporaryFolder, type EdgeProcess, type EdgeRuntime } from '../edge.fixture.ts';
import { writeCertificate } from '../server/certificates.fixture.ts';
import { ZoneLog } from './zones.fixture.ts';

/** An origin of pages and of sockets that echo, and what it was asked. */
class SocketOrigin {
  readonly seen: IncomingMessage[] = [];
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({ noServer: true });

  private constructor(server: Server) {
    this.#server = server;
    server.on('upgrade', (request, socket, head) => {
      this.seen.push(request);
      if (request.url === '/refused') return void socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n');
      this.#sockets.handleUpgrade(request, socket, head, (peer) => peer.on('message', (data) => peer.send(data, { binary: false })));
    });
  }

  static async start(tls?: { readonly key: string; readonly cert: string }): Promise<SocketOrigin> {
    const page: RequestListener = (_request, response) => void response.writeHead(200, { 'cache-control': 'max-age=60' }).end('page');
    const origin = new SocketOrigin(tls === undefined ? createServer(page) : createTlsServer(tls, page));
    origin.#server.listen(0, '127.0.0.1');
    await once(origin.#server, 'listening');
    return origin;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    for (const peer of this.#sockets.clients) peer.terminate();
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

describe.each<EdgeRuntime>(['bun', 'node'])('WebSockets of zones, served by %s', (runtime) => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let media: ScriptedOrigin;
  let origin: SocketOrigin;
  let zones: ZoneLog;
  let edge: EdgeProcess;
  const clients: WebSocket[] = [];

  beforeAll(async () => {
    folder = await temporaryFolder();
    media = await ScriptedOrigin.start();
    origin = await SocketOrigin.start();
    zones = await ZoneLog.open(folder.path);
    edge = await zones.edge(runtime, media.url);
  }, 30_000);

  afterEach(() => {
    for (const client of clients) client.terminate();
    origin.seen.length = 0;
  });

  afterAll(async () => {
    await zones.close();
    await media.close();
    origin.close();
    await folder.remove();
  });

  let sites = 0;
  const site = async (more: Partial<ZoneConfiguration> = {}, on: EdgeProcess = edge): Promise<string> => {
    const host = `ws-${++sites}.example`;
    await zones.configure(`zn-${runtime}-${sites}`, { hosts: [host], origins: [{ url: `http://127.0.0.1:${origin.port}` }], ...more }, [on]);
    return host;
  };

  /** What a socket echoes, or how it was answered instead. */
  async function echoed(host: string, path = '/chat', headers: Record<string, string> = {}, on: EdgeProcess = edge): Promise<unknown> {
    const client = new WebSocket(`ws://127.0.0.1:${on.port}${path}`, { headers: { host, ...headers } });
    clients.push(client);
    client.on('open', () => client.send('hello'));
    const ends = new Promise<unknown>((resolve) => {
      client.on('message', (data) => resolve(String(data)));
      client.on('unexpected-response', (_request, response) => {
        resolve([response.statusCode, response.headers['proxy-status'] ?? response.headers.location]);
        response.destroy();
      });
      client.on('error', (error) => resolve(error.message));
    });
    return ends;
  }

  test('go to an origin of the site with the fields that its rules make, also where a page of the same path is stored', async () => {
    const rules: ZoneConfiguration['rules'] = [
      { match: { paths: ['/chat'] }, cookies: 'strip', requestHeaders: [{ name: 'x-from', op: 'set', value: 'edge' }] },
      { match: { paths: ['/old'] }, redirect: { to: '/chat' } },
    ];
    const host = await site({ rules, hostHeader: 'request' });
    expect((await edge.get('/chat', { host })).body).toBe('page');
    expect((await edge.get('/chat', { host })).headers['cache-status']).toMatch(/hit/);
    expect(await echoed(host, '/chat', { cookie: 'a=1', 'x-forwarded-for': '6.6.6.6' })).toBe('hello');
    const { headers, url } = origin.seen.at(-1) as IncomingMessage;
    expect([url, headers.host, headers.cookie, headers['x-from'], headers['x-forwarded-for']]).toEqual(['/chat', host, undefined, 'edge', '127.0.0.1']);
    expect(await echoed(host, '/old')).toEqual([301, '/chat']);
    expect((await edge.get('/chat', { host })).headers['cache-status']).toMatch(/hit/);
  });

  test('go on to the next origin where one is down, and a refusal is told', async () => {
    const gone = await SocketOrigin.start();
    const dead = `http://127.0.0.1:${gone.port}`;
    gone.close();
    const host = await site({ origins: [{ url: dead, weight: 100 }, { url: `http://127.0.0.1:${origin.port}` }] });
    expect(await echoed(host)).toBe('hello');
    expect(await echoed(host, '/refused')).toEqual([403, undefined]);
    expect(await echoed(await site({ origins: [{ url: dead }] }))).toEqual([502, 'edge-1; error=destination_unavailable']);
  });

  test('over TLS the origin proves its name', async () => {
    const file = writeCertificate(folder.path, 'origin.test', ['origin.test']);
    const cert = await readFile(file, 'utf8');
    const secure = await SocketOrigin.start({ cert, key: await readFile(file.replace(/crt$/, 'key'), 'utf8') });
    const behind = (tls: Record<string, string>): Promise<string> =>
      site({ origins: [{ url: `https://localhost:${secure.port}`, tls }], hostHeader: 'shop.test' });
    expect(await echoed(await behind({ serverName: 'origin.test', ca: cert }))).toBe('hello');
    expect(secure.seen.at(-1)?.headers.host).toBe('shop.test');
    for (const wrong of [{ serverName: 'other.test', ca: cert }, { serverName: 'origin.test' }])
      expect(await echoed(await behind(wrong))).toEqual([502, 'edge-1; error=destination_unavailable']);
    expect(secure.seen).toHaveLength(1);
    secure.close();
  });

  test('lead neither into the platform’s own network nor round in a circle', async () => {
    const strict = await zones.edge(runtime, media.url, { ORIGIN_PRIVATE_ADDRESSES: 'false', EDGE_ID: 'edge-strict' });
    for (const name of ['127.0.0.1', 'localhost']) {
      const host = await site({ origins: [{ url: `http://${name}:${origin.port}` }] }, strict);
      expect(await echoed(host, '/chat', {}, strict)).toEqual([502, 'edge-strict; error=destination_ip_prohibited']);
    }
    expect(origin.seen).toEqual([]);
    await strict.kill();
    const host = await site({ origins: [{ url: `http://127.0.0.1:${edge.port}` }], hostHeader: 'request' });
    // Its own refusal, as it meets the handshake again.
    expect(await echoed(host)).toEqual([508, 'edge-1; error=proxy_loop_detected']);
    expect(await echoed(host, '/chat', { via: '1.1 edge-1' })).toEqual([508, 'edge-1; error=proxy_loop_detected']);
  });
});
