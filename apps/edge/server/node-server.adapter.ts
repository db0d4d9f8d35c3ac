import type { Field, Fields } from '#core/http-cache';
import type { TlsIdentity } from '#runtime';
import { createServer, ServerResponse, type IncomingMessage, type Server as HttpServer } from 'node:http';
import { constants, createSecureServer, type Http2SecureServer, type Http2ServerResponse, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo, Server, Socket } from 'node:net';
import { createSecureContext, type SecureContext } from 'node:tls';
import { isSource, switched, type BytesOf, type ByteSource, type EdgeReply, type KeepBytes, type ReplyHead, type StoredBytes } from './exchange.ts';
import type { EdgeServer, EdgeServerInit, EdgeTls } from './edge-server.ts';
import type { UpgradedSocket } from './node-websocket.ts';
import { NodeEdgeRequest, type NodeIncoming, type NodeOutgoing } from './node-request.ts';

const requestHeadersTimeoutMs = 15_000;
/** Streams of one HTTP/2 connection at once, and what a client may reset before it is cut off (rapid reset, CVE-2023-44487). */
const http2Limits = { maxSessionInvalidFrames: 100, maxSessionRejectedStreams: 100, settings: { maxConcurrentStreams: 128 } };

/** Of a request head over HTTP/2, as Node has it for HTTP/1.1, bytes. */
const headBytesMax = 16_384;

class NodeBytes implements StoredBytes {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get size(): number {
    return this.bytes.length;
  }

  slice(start: number, end: number): NodeBytes {
    return new NodeBytes(this.bytes.subarray(start, end));
  }
}

export const keepOnNode: KeepBytes = (bytes) => new NodeBytes(bytes);

export const bytesOnNode: BytesOf = async (stored) => (stored as NodeBytes).bytes;

function bytesOf(body: Uint8Array | StoredBytes): Uint8Array {
  return body instanceof NodeBytes ? body.bytes : (body as Uint8Array);
}

function isHttp2(response: NodeOutgoing): response is Http2ServerResponse {
  return 'stream' in response;
}

/** A head as Node takes it: a flat list of names and values. */
interface NodeHead {
  readonly list: string[];
  /** Of which it speaks. */
  readonly second: number | undefined;
}

function prebuilt(head: ReplyHead): string[] {
  let known = head.prebuilt as NodeHead | undefined;
  if (known === undefined || known.second !== head.second) {
    known = { list: head.fields.flatMap(([name, value]) => [name, value]), second: head.second };
    head.prebuilt = known;
  }
  return known.list;
}

/** The head as HTTP/2 has it, without what is of a connection of HTTP/1.1 (RFC 9113 section 8.2.2). */
function fieldsOfHttp2(fields: Fields): Record<string, string | string[]> {
  const object: Record<string, string | string[]> = {};
  for (const [name, value] of fields) {
    const there = object[name];
    if (name !== 'connection') object[name] = there === undefined ? value : [...(Array.isArray(there) ? there : [there]), value];
  }
  return object;
}

function writeHead(response: NodeOutgoing, reply: EdgeReply, head: boolean, more: Fields): void {
  response.sendDate = false;
  const { status } = reply.head;
  const { body } = reply;
  const empty = body === null && !head && status !== 204 && status !== 304;
  const length = empty ? 0 : body === null || isSource(body) ? undefined : bytesOf(body).length;
  const own: Field[] = length === undefined ? [...more] : [...more, ['content-length', String(length)]];
  if (isHttp2(response)) response.writeHead(status, fieldsOfHttp2([...reply.head.fields, ...own]));
  else response.writeHead(status, own.length === 0 ? prebuilt(reply.head) : [...prebuilt(reply.head), ...own.flat()]);
}

const isGone = (response: NodeOutgoing): boolean => (isHttp2(response) ? response.stream.destroyed : response.destroyed);

/** Nobody must take what was sent for the whole. */
function breakOff(response: NodeOutgoing): void {
  if (isHttp2(response)) response.stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  else response.destroy();
}

function drained(response: NodeOutgoing): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.once('drain', done);
    response.once('close', done);
  });
}

async function send(source: ByteSource, response: NodeOutgoing): Promise<void> {
  response.once('close', () => source.cancel());
  try {
    for (;;) {
      const bytes = await source.read();
      if (isGone(response)) return;
      if (bytes === undefined) break;
      if (!(response as ServerResponse).write(bytes)) await drained(response);
    }
    response.end();
  } catch {
    breakOff(response);
  }
}

async function answer(init: EdgeServerInit, incoming: NodeIncoming, response: NodeOutgoing, upgraded?: UpgradedSocket): Promise<void> {
  response.on('error', () => undefined);
  if (isHttp2(response) && incoming.rawHeaders.reduce((bytes, text) => bytes + text.length, 0) > headBytesMax) {
    response.writeHead(431);
    return void response.end();
  }
  const reply = await init.handler(new NodeEdgeRequest(incoming, response, init, upgraded));
  if (reply === switched) return;
  if (isGone(response)) {
    if (isSource(reply.body)) reply.body.cancel();
    return;
  }
  writeHead(response, reply, incoming.method === 'HEAD', init.tls?.fields ?? []);
  const { body } = reply;
  if (incoming.method === 'HEAD' || body === null) {
    if (isSource(body)) body.cancel();
    response.end();
  } else if (isSource(body)) {
    // HTTP/2 sends a head as soon as it is written.
    // Node's flushHeaders writes fields as UTF-8, where they are bytes that nobody here may change.
    if (!isHttp2(response)) (response as ServerResponse).write('', 'latin1');
    await send(body, response);
  } else (response as ServerResponse).end(bytesOf(body));
}

/** Certificates by the name that a client asks for, a wildcard of one label included (RFC 6125 section 6.4.3). */
class CertificateChoice {
  #byName = new Map<string, SecureContext>();
  readonly #minVersion: EdgeTls['minVersion'];

  constructor({ identities, minVersion }: EdgeTls) {
    this.#minVersion = minVersion;
    this.take(identities);
  }

  take(identities: readonly TlsIdentity[]): void {
    const byName = new Map<string, SecureContext>();
    for (const { cert, key, names } of identities) {
      const context = createSecureContext({ cert, key, minVersion: this.#minVersion });
      for (const name of names) if (!byName.has(name)) byName.set(name, context);
    }
    this.#byName = byName;
  }

  of(name: string): SecureContext | undefined {
    const lower = name.toLowerCase();
    return this.#byName.get(lower) ?? this.#byName.get(`*${lower.slice(lower.indexOf('.'))}`);
  }
}

function secureServer(init: EdgeServerInit, tls: EdgeTls, sessions: Set<ServerHttp2Session>): { server: Http2SecureServer; choice: CertificateChoice } {
  const choice = new CertificateChoice(tls);
  const [first] = tls.identities;
  const server = createSecureServer({
    ...http2Limits,
    ...{ allowHTTP1: true, cert: first?.cert, key: first?.key, minVersion: tls.minVersion, handshakeTimeout: requestHeadersTimeoutMs },
    SNICallback: (name, done) => done(null, choice.of(name)),
  });
  // HTTP/1.1 on the same port has its own limits, which are no options here.
  Object.assign(server, { headersTimeout: requestHeadersTimeoutMs, requestTimeout: 0, keepAliveTimeout: init.idleTimeoutS * 1000 });
  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
    session.on('error', () => session.destroy());
    session.setTimeout(init.idleTimeoutS * 1000, () => session.close());
  });
  server.on('sessionError', () => undefined);
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  return { server, choice };
}

/** A request for another protocol. Those that are not for a WebSocket are answered as any other, and their connection ends. */
function answerUpgrade(init: EdgeServerInit, incoming: IncomingMessage, socket: Socket, early: Buffer): void {
  const response = new ServerResponse(incoming);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  response.once('finish', () => socket.destroySoon());
  socket.on('error', () => undefined);
  const upgraded = { socket, early, key: incoming.headers['sec-websocket-key'] ?? '' };
  void answer(init, incoming, response, upgraded).catch(() => socket.destroy());
}

/** The open connections. Of each client address one too many is closed as it comes. */
function connectionsOf(server: Server, perClientMax: number): ReadonlySet<Socket> {
  const sockets = new Set<Socket>();
  const open = new Map<string, number>();
  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? 'unknown';
    const count = (open.get(address) ?? 0) + 1;
    if (count > perClientMax) return void socket.destroy();
    open.set(address, count);
    sockets.add(socket);
    socket.once('close', () => {
      sockets.delete(socket);
      const left = (open.get(address) ?? 1) - 1;
      if (left === 0) open.delete(address);
      else open.set(address, left);
    });
  });
  return sockets;
}

/** Serves by `node:http` and `node:http2`, without HTTP/3: the fallback where Bun is not to be had. */
export async function listenOnNode(init: EdgeServerInit): Promise<EdgeServer> {
  const { tls } = init;
  const sessions = new Set<ServerHttp2Session>();
  const secure = tls === undefined ? undefined : secureServer(init, tls, sessions);
  const plain = createServer({ headersTimeout: requestHeadersTimeoutMs, requestTimeout: 0, keepAliveTimeout: init.idleTimeoutS * 1000 });
  const server: Server = secure?.server ?? plain;
  (secure?.server ?? plain).setTimeout(init.idleTimeoutS * 1000);
  const sockets = connectionsOf(server, init.limits.perClientMax);
  // "Expect: 100-continue" is answered by the server itself when the body is first wanted.
  server.on('request', (incoming: NodeIncoming, response: NodeOutgoing) => void answer(init, incoming, response).catch(() => breakOff(response)));
  server.on('upgrade', (incoming: IncomingMessage, socket: Socket, early: Buffer) => answerUpgrade(init, incoming, socket, early));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port: init.port, host: init.host, reusePort: init.shared === true }, () => resolve());
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: (deadlineMs) => close(secure?.server ?? plain, { sessions, sockets }, deadlineMs),
    // Node reaches no socket's options: what nobody has accepted when this one closes is reset, unless the kernel moves it (`net.ipv4.tcp_migrate_req`).
    leave: async () => undefined,
    sendAway: () => {
      for (const session of sessions) session.close();
    },
    replaceCertificates: async (identities) => {
      const [first] = identities;
      if (secure === undefined || first === undefined) return;
      secure.choice.take(identities);
      secure.server.setSecureContext({ cert: first.cert, key: first.key, minVersion: tls?.minVersion });
    },
  };
}

interface Open {
  readonly sessions: ReadonlySet<ServerHttp2Session>;
  readonly sockets: ReadonlySet<Socket>;
}

async function close(server: HttpServer | Http2SecureServer, { sessions, sockets }: Open, deadlineMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  (server as Partial<HttpServer>).closeIdleConnections?.();
  // GOAWAY: streams under way go on.
  for (const session of sessions) session.close();
  const timer = setTimeout(() => {
    for (const socket of sockets) socket.destroy();
  }, deadlineMs);
  await closed;
  clearTimeout(timer);
}
