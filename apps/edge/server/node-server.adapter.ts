import { fieldValue, type Field, type Fields } from '#core/http-cache';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  isSource,
  type ByteSource,
  type EdgeHandler,
  type EdgeReply,
  type EdgeRequest,
  type EdgeServer,
  type EdgeServerInit,
  type KeepBytes,
  type ReplyHead,
  type StoredBytes,
} from './edge-server.ts';

const requestHeadersTimeoutMs = 15_000;

class NodeEdgeRequest implements EdgeRequest {
  readonly method: string;
  readonly target: string;
  readonly version: string;
  readonly gone: AbortSignal;
  readonly #incoming: IncomingMessage;

  constructor(incoming: IncomingMessage, response: ServerResponse) {
    this.#incoming = incoming;
    this.method = incoming.method ?? 'GET';
    this.version = incoming.httpVersion;
    this.target = originForm(incoming.url ?? '/', incoming.headers.host);
    const gone = new AbortController();
    response.once('close', () => {
      if (!response.writableFinished) gone.abort();
    });
    this.gone = gone.signal;
  }

  field(name: string): string | undefined {
    // Of these Node shows the first alone, and a second is what matters.
    if (name === 'host' || name === 'content-length') return fieldValue(this.fields(), name);
    const value = this.#incoming.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  fields(): Fields {
    const raw = this.#incoming.rawHeaders;
    const fields: Field[] = [];
    for (let at = 0; at + 1 < raw.length; at += 2) fields.push([(raw[at] as string).toLowerCase(), raw[at + 1] as string]);
    return fields;
  }

  get hasBody(): boolean {
    return this.#incoming.headers['content-length'] !== undefined || this.#incoming.headers['transfer-encoding'] !== undefined;
  }

  get contentLength(): number | undefined {
    const value = this.#incoming.headers['content-length'];
    return value === undefined ? undefined : Number(value);
  }

  get clientAddress(): string {
    return this.#incoming.socket.remoteAddress ?? 'unknown';
  }

  body(): ByteSource | undefined {
    if (!this.hasBody) return undefined;
    const incoming = this.#incoming;
    const chunks = incoming[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
    return { read: async () => (await chunks.next()).value as Uint8Array | undefined, cancel: () => incoming.resume() };
  }

  allowSilence(): void {
    this.#incoming.socket.setTimeout(0);
  }
}

const absoluteForm = /^https?:\/\/([^/?#]*)/i;

/**
 * Node hands on the bytes of the request line as they are: an absolute form, and bytes beyond ASCII as Latin-1 characters.
 * Empty, which is no target, for an absolute form that speaks of another host than Host (RFC 9112 section 3.2.2 lets the
 * former win; that two parsers may not agree is reason enough to refuse).
 */
function originForm(url: string, host: string | undefined): string {
  const absolute = absoluteForm.exec(url);
  if (absolute !== null && (absolute[1] as string).toLowerCase() !== host?.toLowerCase()) return '';
  const target = absolute === null ? url : url.slice(absolute[0].length) || '/';
  return target.replace(/[\x80-\xff]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

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

function bytesOf(body: Uint8Array | StoredBytes): Uint8Array {
  return body instanceof NodeBytes ? body.bytes : (body as Uint8Array);
}

/** The head as Node takes it: a flat list of names and values. */
function prebuilt(head: ReplyHead): string[] {
  head.prebuilt ??= head.fields.flatMap(([name, value]) => [name, value]);
  return head.prebuilt as string[];
}

function writeHead(response: ServerResponse, reply: EdgeReply, head: boolean): void {
  const fields = prebuilt(reply.head);
  response.sendDate = false;
  const { status } = reply.head;
  const { body } = reply;
  const empty = body === null && !head && status !== 204 && status !== 304;
  const length = empty ? 0 : body === null || isSource(body) ? undefined : bytesOf(body).length;
  response.writeHead(status, length === undefined ? fields : [...fields, 'content-length', String(length)]);
}

function drained(response: ServerResponse): Promise<void> {
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

async function send(source: ByteSource, response: ServerResponse): Promise<void> {
  response.once('close', () => source.cancel());
  try {
    for (;;) {
      const bytes = await source.read();
      if (response.destroyed) return;
      if (bytes === undefined) break;
      if (!response.write(bytes)) await drained(response);
    }
    response.end();
  } catch {
    // The rest will never come: without the last chunk nobody takes the part for the whole.
    response.destroy();
  }
}

async function answer(handler: EdgeHandler, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  response.on('error', () => undefined);
  const reply = await handler(new NodeEdgeRequest(incoming, response));
  if (response.destroyed) {
    if (isSource(reply.body)) reply.body.cancel();
    return;
  }
  writeHead(response, reply, incoming.method === 'HEAD');
  const { body } = reply;
  if (incoming.method === 'HEAD' || body === null) {
    if (isSource(body)) body.cancel();
    response.end();
  } else if (isSource(body)) {
    response.flushHeaders();
    await send(body, response);
  } else response.end(bytesOf(body));
}

/** Serves HTTP/1.1 by `node:http`: the fallback where Bun is not to be had. */
export async function listenOnNode(init: EdgeServerInit): Promise<EdgeServer> {
  const server = createServer({ headersTimeout: requestHeadersTimeoutMs, requestTimeout: 0, keepAliveTimeout: init.idleTimeoutS * 1000 });
  server.setTimeout(init.idleTimeoutS * 1000);
  // "Expect: 100-continue" is answered by the server itself when the body is first wanted.
  server.on('request', (incoming, response) => void answer(init.handler, incoming, response));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(init.port, init.host, () => resolve());
  });
  return { port: (server.address() as AddressInfo).port, close: (deadlineMs) => close(server, deadlineMs) };
}

async function close(server: Server, deadlineMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), deadlineMs);
  await closed;
  clearTimeout(timer);
}
