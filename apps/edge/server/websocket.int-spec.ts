import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { ToldTraffic } from '../traffic/traffic.fixture.ts';
import { EdgeProcess, sendRaw, temporaryFolder, until, type EdgeRuntime } from '../edge.fixture.ts';

/** How the origin answers handshakes; not at all where it is empty. */
const refusals: Readonly<Record<string, string>> = {
  '/unauthorized': 'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="chat"\r\nset-cookie: a=1\r\nset-cookie: b=2\r\ncontent-length: 2\r\n\r\nno',
  '/chunks': 'HTTP/1.1 403 Forbidden\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n',
  '/elsewhere': 'HTTP/1.1 302 Found\r\nlocation: /login\r\ncontent-length: 0\r\n\r\n',
  '/version': 'HTTP/1.1 426 Upgrade Required\r\nsec-websocket-version: 13, 8\r\nupgrade: websocket\r\nconnection: upgrade, close\r\ncontent-length: 0\r\n\r\n',
  '/page': 'HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncache-control: max-age=60\r\ncontent-length: 4\r\n\r\npage',
  '/cut': 'HTTP/1.1 403 Forbidden\r\nretry-after: 7\r\ncontent-length: 9\r\n\r\nno',
  '/nonsense': 'nonsense\r\n\r\n',
  '/silent': '',
};

describe.each<EdgeRuntime>(['bun', 'node'])('WebSockets, served by %s', (runtime) => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let server: Server;
  let origin: WebSocketServer;
  let edge: EdgeProcess;
  const seen: IncomingMessage[] = [];
  const clients: WebSocket[] = [];

  beforeAll(async () => {
    folder = await temporaryFolder();
    server = createServer((_request, response) => response.writeHead(404).end());
    origin = new WebSocketServer({ noServer: true, handleProtocols: (offered) => [...offered].at(-1) ?? false });
    server.on('upgrade', (request, socket, head) => {
      const refusal = refusals[request.url ?? ''];
      if (refusal !== undefined) return void (refusal === '' || socket.end(refusal));
      seen.push(request);
      origin.handleUpgrade(request, socket, head, (peer) => origin.emit('connection', peer, request));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    edge = await EdgeProcess.start({ runtime, dataDir: folder.path, originUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  }, 30_000);

  afterEach(() => {
    for (const client of clients) client.terminate();
    origin.removeAllListeners('connection');
  });

  afterAll(async () => {
    await edge.kill('SIGTERM');
    origin.close();
    server.closeAllConnections();
    server.close();
    await folder.remove();
  });

  function open(path: string, protocols: readonly string[] = [], headers: Readonly<Record<string, string>> = {}): WebSocket {
    const client = new WebSocket(`ws://127.0.0.1:${edge.port}${path}`, [...protocols], { headers });
    client.on('error', () => undefined);
    clients.push(client);
    return client;
  }

  test('messages go both ways as they are, text and bytes, the first of both sides at once', async () => {
    origin.on('connection', (peer) => {
      peer.send('welcome');
      peer.on('message', (data, isBinary) => peer.send(data, { binary: isBinary }));
    });
    const client = open('/echo?a=1', ['old', 'new'], { 'x-forwarded-for': '6.6.6.6', cookie: 'a=1' });
    const got: unknown[] = [];
    client.on('message', (data, isBinary) => got.push(isBinary ? data : String(data)));
    await once(client, 'open');
    const bytes = Buffer.from([0, 255, 10, 13]);
    client.send('häppchen');
    client.send(bytes);
    client.send('x'.repeat(300_000));
    await until(() => got.length === 4);
    expect(got).toEqual(['welcome', 'häppchen', bytes, 'x'.repeat(300_000)]);
    expect(client.protocol).toBe('new');
    const { headers, url } = seen.at(-1) as IncomingMessage;
    expect([url, headers.cookie, headers['x-forwarded-for'], headers.via]).toEqual(['/echo?a=1', 'a=1', '127.0.0.1', '1.1 edge-1']);
  });

  test('a line of the access log tells of it when it is over', async () => {
    origin.on('connection', (peer) => peer.send('0123456789'));
    const client = open('/told?token=x&a=1');
    await once(client, 'message');
    client.close();
    const told = new ToldTraffic(folder.path);
    const [line, ...more] = await told.linesOf('/told?a=1');
    await told.close();
    expect([line, more]).toMatchObject([{ status: 101, cache: 'pass', complete: true }, []]);
    expect(line?.bytes).toBeGreaterThanOrEqual(10);
  });

  test('each side learns how the other ended', async () => {
    let atOrigin: readonly [number, string] | undefined;
    origin.on('connection', (peer) => peer.on('close', (code, reason) => (atOrigin = [code, String(reason)])));
    const leaving = open('/leave');
    await once(leaving, 'open');
    leaving.close(4001, 'done');
    await until(() => atOrigin !== undefined);
    expect(atOrigin).toEqual([4001, 'done']);
    origin.removeAllListeners('connection');
    origin.on('connection', (peer) => peer.close(4002, 'over'));
    const left = open('/left');
    const [code, reason] = (await once(left, 'close')) as [number, Buffer];
    expect([code, String(reason)]).toEqual([4002, 'over']);
    origin.removeAllListeners('connection');
    origin.on('connection', (peer) => peer.terminate());
    const [broken] = (await once(open('/broken'), 'close')) as [number];
    origin.removeAllListeners('connection');
    let lost: number | undefined;
    origin.on('connection', (peer) => peer.on('close', (ended) => (lost = ended)));
    const breaking = open('/breaking');
    await once(breaking, 'open');
    breaking.terminate();
    await until(() => lost !== undefined);
    // No close frame: whoever lost its connection may come again.
    expect([broken, lost]).toEqual([1006, 1006]);
  });

  test('the largest messages pass, also where the origin is slow for a moment', async () => {
    origin.on('connection', (peer, { socket }: IncomingMessage) => {
      socket.pause();
      setTimeout(() => socket.resume(), 300);
      peer.on('message', (message) => peer.send(message as Buffer));
    });
    const client = open('/large');
    await once(client, 'open');
    const large = Buffer.alloc(8 * 1024 * 1024, 'x');
    client.send(large);
    const [back] = (await once(client, 'message')) as [Buffer];
    expect(back.equals(large)).toBe(true);
  });

  async function refusal(path: string): Promise<readonly [status: number | undefined, headers: IncomingMessage['headers'], body: string]> {
    const [, response] = (await once(open(path), 'unexpected-response')) as [unknown, IncomingMessage];
    const chunks = (await response.toArray()) as Buffer[];
    return [response.statusCode, response.headers, Buffer.concat(chunks).toString()];
  }

  test.each([
    ['/unauthorized', 401, { 'www-authenticate': 'Basic realm="chat"', 'set-cookie': ['a=1', 'b=2'] }, 'no'],
    ['/chunks', 403, {}, 'abcde'],
    ['/elsewhere', 302, { location: '/login' }, ''],
    ['/version', 426, { 'sec-websocket-version': '13, 8' }, ''],
    ['/page', 200, { 'content-type': 'text/plain' }, 'page'],
    // A body that is not whole is left out.
    ['/cut', 403, { 'retry-after': '7' }, ''],
  ])('a refusal of the origin is told as it is: %s', async (path, status, headers, body) => {
    const told = await refusal(path);
    expect(told).toEqual([status, expect.objectContaining(headers), body]);
    expect(told[1]['cache-status']).toBe(`edge-1; fwd=bypass; fwd-status=${status}`);
  });

  test('an origin that answers nothing in time, or nothing that makes sense, is the edge’s to tell of', async () => {
    const [silent, nonsense] = await Promise.all([refusal('/silent'), refusal('/nonsense')]);
    expect([silent[0], silent[1]['proxy-status']]).toEqual([504, 'edge-1; error=http_response_timeout']);
    expect([nonsense[0], nonsense[1]['proxy-status']]).toEqual([502, expect.stringMatching(/^edge-1; error=/)]);
  }, 30_000);

  test('what else asks to switch is answered as ever', async () => {
    const h2c = await sendRaw(
      edge.port,
      'GET /x HTTP/1.1\r\nHost: a\r\nConnection: upgrade, http2-settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n',
      /\r\n\r\n/,
    );
    expect(h2c).toMatch(/^HTTP\/1\.1 404 /);
    // A handshake that is none is not taken for one.
    const half = await sendRaw(edge.port, 'GET /y HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n', /\r\n\r\n/);
    expect(half).not.toMatch(/^HTTP\/1\.1 101/);
  });

  test('who does not read holds up the origin or is cut off, and fills no memory', async () => {
    let sent = 0;
    let ended = false;
    origin.on('connection', (peer) => {
      const chunk = Buffer.alloc(64 * 1024);
      peer.on('close', () => (ended = true));
      const feed = (): void => {
        if (ended || peer.bufferedAmount > 4 * 1024 * 1024) return;
        peer.send(chunk, () => {
          sent += chunk.length;
          setImmediate(feed);
        });
      };
      feed();
      setInterval(() => {
        if (peer.bufferedAmount > 4 * 1024 * 1024) ended = true;
      }, 100).unref();
    });
    const client = open('/flood');
    await once(client, 'open');
    client.pause();
    let before = -1;
    // Either it is cut off, or nothing moves any more.
    await until(async () => {
      const stands = sent === before;
      before = sent;
      await new Promise((resolve) => setTimeout(resolve, 500));
      return ended || stands;
    });
    expect(sent).toBeLessThan(64 * 1024 * 1024);
    expect((await edge.get('/healthz')).status).toBe(200);
  });
});
