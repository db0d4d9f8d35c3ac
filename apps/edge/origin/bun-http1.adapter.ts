import type { Fields } from '#core/http-cache';
import type { ByteSource } from '../server/exchange.ts';
import { edgeLimits } from '../edge.constants.ts';
import { bunRuntime, type BunSocket, type BunSocketHandlers } from '../server/bun-runtime.ts';
import { FieldLines, Http1Response, type Http1Head, type Http1Sink } from './http1-response.codec.ts';
import type { OriginClient, OriginRequest, OriginResponse } from './origin-client.ts';

/** Connections to one origin at once; what is asked for beyond that waits for one. */
const connectionsMax = 1024;
/** What is not asked for any more is let go before most origins do it themselves, ms. */
const idleMs = 4000;
/** Of a response, held for a reader that is slower than the origin, bytes. */
const heldBytesMax = 256 * 1024;

/** What could end a line, and with it the head, of a request. */
// eslint-disable-next-line no-control-regex -- they are what is looked for
const breaks = /[\x00-\x08\x0a-\x1f\x7f]/;
// eslint-disable-next-line no-control-regex -- all that is ASCII
const ascii = /^[\x00-\x7f]*$/;

function failure(code: string, message: string, cause?: unknown): Error {
  return Object.assign(new Error(message, { cause }), { code });
}

/** @throws Error when it would be more than one request */
function requestHead(method: string, target: string, host: string, fields: Fields): string | Uint8Array {
  let text = `${method} ${target} HTTP/1.1\r\n`;
  let hasHost = false;
  for (const [name, value] of fields) {
    if (name === 'host') hasHost = true;
    if (breaks.test(value) || breaks.test(name)) throw failure('REQUEST_INVALID', 'A field of the request holds a control character.');
    text += `${name}: ${value}\r\n`;
  }
  if (!hasHost) text += `host: ${host}\r\n`;
  if (breaks.test(target) || target.includes(' ')) throw failure('REQUEST_INVALID', 'The target of the request is none.');
  text += '\r\n';
  return ascii.test(text) ? text : Buffer.from(text, 'latin1');
}

interface ExchangeEnds {
  readonly resolve: (response: OriginResponse) => void;
  readonly reject: (error: unknown) => void;
  readonly lines: FieldLines;
}

/** One request and its response on a connection. It is the body of its response. */
class Exchange implements Http1Sink, ByteSource {
  readonly #request: OriginRequest;
  readonly #head: string | Uint8Array;
  readonly #resolve: (response: OriginResponse) => void;
  readonly #reject: (error: unknown) => void;
  readonly reader: Http1Response;
  /** Undefined before and after its time on a connection. */
  #connection: Connection | undefined;
  readonly #chunks: Uint8Array[] = [];
  #held = 0;
  #answered = false;
  #state: 'open' | 'complete' | Error = 'open';
  #wanted: PromiseWithResolvers<Uint8Array | undefined> | undefined;
  readonly #abort = (): void => this.cancel();

  constructor(request: OriginRequest, host: string, { lines, reject, resolve }: ExchangeEnds) {
    this.#request = request;
    this.#head = requestHead(request.method, request.target, host, request.fields);
    this.#resolve = resolve;
    this.#reject = reject;
    this.reader = new Http1Response(request.method, edgeLimits.origin.headBytesMax, this, lines);
    if (request.cancelling.aborted) this.cancel();
    else request.cancelling.tell(this.#abort);
  }

  get over(): boolean {
    return this.#state !== 'open';
  }

  begin(connection: Connection): void {
    this.#connection = connection;
    connection.send(this.#head);
  }

  head({ endsWithConnection, fields, status }: Http1Head): void {
    this.#answered = true;
    const none = this.#request.method === 'HEAD' || status === 204 || status === 304;
    // Who waits hears of it when all that came with it was looked at: most bodies are whole by then.
    this.#resolve({ status, fields, body: none ? null : this, endsWithConnection });
  }

  body(bytes: Uint8Array): void {
    if (this.#wanted !== undefined) {
      this.#wanted.resolve(bytes);
      this.#wanted = undefined;
      return;
    }
    this.#chunks.push(bytes);
    this.#held += bytes.length;
    if (this.#held > heldBytesMax) this.#connection?.pause(true);
  }

  end(keepsOpen: boolean): void {
    this.#settle('complete');
    this.#wanted?.resolve(undefined);
    this.#wanted = undefined;
    this.#leave(keepsOpen);
  }

  /** The response will not come, or not to its end. */
  fail(error: unknown): void {
    if (this.#state !== 'open') return;
    this.#settle(error instanceof Error ? error : new Error(String(error)));
    if (!this.#answered) this.#reject(error);
    this.#wanted?.reject(error);
    this.#wanted = undefined;
    this.#leave(false);
  }

  read(): Promise<Uint8Array | undefined> {
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) {
      this.#held -= chunk.length;
      if (this.#held <= heldBytesMax) this.#connection?.pause(false);
      return Promise.resolve(chunk);
    }
    if (this.#state === 'complete') return Promise.resolve(undefined);
    if (this.#state !== 'open') return Promise.reject(this.#state);
    this.#wanted = Promise.withResolvers();
    return this.#wanted.promise;
  }

  rest(): Uint8Array | undefined {
    if (this.#state !== 'complete') return undefined;
    const chunks = this.#chunks.splice(0);
    this.#held = 0;
    return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
  }

  cancel(): void {
    this.fail(new Error('Nobody wants it any more.'));
  }

  #settle(state: 'complete' | Error): void {
    this.#state = state;
    this.#request.cancelling.tell(undefined);
  }

  #leave(keepsOpen: boolean): void {
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.free(keepsOpen);
  }
}

/** A connection to the origin: it takes one request after the other. */
class Connection {
  readonly #pool: BunHttp1Client;
  #socket: BunSocket | undefined;
  #exchange: Exchange | undefined;
  /** What of a request could not be written yet. */
  #unsent: Uint8Array | undefined;
  #paused = false;
  /** When it was last needed, ms. */
  idleSinceMs = 0;

  constructor(pool: BunHttp1Client) {
    this.#pool = pool;
  }

  get isOpen(): boolean {
    return this.#socket !== undefined;
  }

  opened(socket: BunSocket): void {
    this.#socket = socket;
  }

  take(exchange: Exchange): void {
    this.#exchange = exchange;
    exchange.begin(this);
  }

  send(head: string | Uint8Array): void {
    const socket = this.#socket as BunSocket;
    const sent = socket.write(head);
    if (sent < head.length) this.#unsent = (typeof head === 'string' ? Buffer.from(head, 'latin1') : head).subarray(Math.max(0, sent));
  }

  drained(): void {
    if (this.#unsent === undefined) return;
    const sent = (this.#socket as BunSocket).write(this.#unsent);
    this.#unsent = sent >= this.#unsent.length ? undefined : this.#unsent.subarray(Math.max(0, sent));
  }

  received(bytes: Buffer): void {
    const exchange = this.#exchange;
    // Nobody has asked: whatever it is, it is not the answer to what is asked next.
    if (exchange === undefined) return this.end();
    try {
      exchange.reader.push(bytes);
    } catch (error) {
      exchange.fail(error);
    }
  }

  /** The origin says no more. */
  finished(): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return this.end();
    try {
      if (exchange.reader.begun) exchange.reader.close();
    } catch (error) {
      exchange.fail(error);
    }
    this.closed();
  }

  closed(error?: unknown): void {
    const exchange = this.#exchange;
    this.#pool.lost(this);
    this.#exchange = undefined;
    this.#socket = undefined;
    const code = exchange?.reader.begun === true ? 'ORIGIN_CLOSED' : 'ECONNRESET';
    exchange?.fail(failure(code, 'The origin closed the connection.', error));
  }

  pause(paused: boolean): void {
    if (this.#paused === paused) return;
    this.#paused = paused;
    if (paused) this.#socket?.pause();
    else this.#socket?.resume();
  }

  /** Its exchange is over. */
  free(keepsOpen: boolean): void {
    if (this.#exchange === undefined) return;
    this.#exchange = undefined;
    this.pause(false);
    if (keepsOpen && this.#unsent === undefined && this.#socket !== undefined) this.#pool.idle(this);
    else this.end();
  }

  end(): void {
    this.#pool.lost(this);
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.terminate();
  }
}

const handlers: BunSocketHandlers<Connection> = {
  open: (socket) => socket.data.opened(socket),
  data: (socket, bytes) => socket.data.received(bytes),
  drain: (socket) => socket.data.drained(),
  end: (socket) => socket.data.finished(),
  close: (socket, error) => socket.data.closed(error),
  error: (socket, error) => socket.data.closed(error),
};

/**
 * HTTP/1.1 in plain text to one address, for requests without a body. Unlike fetch, which gives a stream for every body, it knows
 * at once when all of one is here with its head (ADR 54).
 */
export class BunHttp1Client implements OriginClient {
  readonly #hostname: string;
  readonly #port: number;
  readonly #host: string;
  readonly #now: () => number;
  readonly #lines = new FieldLines();
  /** The one that was used last is used next, so that those too many grow old. */
  readonly #idle: Connection[] = [];
  readonly #waiting: Exchange[] = [];
  readonly #connections = new Set<Connection>();
  #opening = 0;
  #closed = false;
  #sweeping: NodeJS.Timeout | undefined;

  /** @param url scheme, host and port, without a path */
  constructor(url: URL, now: () => number) {
    this.#hostname = url.hostname.replace(/^\[|\]$/g, '');
    this.#port = url.port === '' ? 80 : Number(url.port);
    this.#host = url.host;
    this.#now = now;
  }

  request(request: OriginRequest): Promise<OriginResponse> {
    return new Promise((resolve, reject) => {
      const exchange = new Exchange(request, this.#host, { resolve, reject, lines: this.#lines });
      if (exchange.over) return;
      const idle = this.#idle.pop();
      if (idle !== undefined && this.#now() - idle.idleSinceMs < idleMs) return idle.take(exchange);
      idle?.end();
      this.#wait(exchange);
    });
  }

  /** What is under way goes on to its end. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const connection of this.#idle.splice(0)) connection.end();
    clearInterval(this.#sweeping);
  }

  idle(connection: Connection): void {
    const next = this.#nextWaiting();
    if (next !== undefined) return connection.take(next);
    if (this.#closed) return connection.end();
    connection.idleSinceMs = this.#now();
    this.#idle.push(connection);
    this.#sweeping ??= setInterval(() => this.#sweep(), idleMs / 4).unref();
  }

  lost(connection: Connection): void {
    this.#connections.delete(connection);
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
    this.#open();
  }

  #wait(exchange: Exchange): void {
    this.#waiting.push(exchange);
    this.#open();
  }

  /** One for each who waits, as far as there may be so many. */
  #open(): void {
    if (this.#opening >= this.#waiting.length || this.#connections.size >= connectionsMax) return;
    const connection = new Connection(this);
    this.#connections.add(connection);
    this.#opening++;
    bunRuntime()
      .connect({ hostname: this.#hostname, port: this.#port, socket: handlers, data: connection })
      .then(
        () => {
          this.#opening--;
          // The origin may have closed it already, or talked unasked.
          if (connection.isOpen) this.idle(connection);
          else this.#unreachable(failure('ECONNRESET', 'The origin closed the connection.'));
        },
        (error: unknown) => {
          this.#opening--;
          this.#connections.delete(connection);
          this.#unreachable(error);
        },
      );
  }

  /** One who waits goes without an answer for each connection that there is none of. */
  #unreachable(error: unknown): void {
    const { code } = error as { code?: unknown };
    const exchange = this.#nextWaiting();
    exchange?.fail(failure(typeof code === 'string' ? code : 'FailedToOpenSocket', 'The origin cannot be reached.', error));
    this.#open();
  }

  /** Whoever has gone meanwhile is passed over. */
  #nextWaiting(): Exchange | undefined {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) if (!next.over) return next;
    return undefined;
  }

  #sweep(): void {
    const sinceMs = this.#now() - idleMs;
    const old = this.#idle.filter((connection) => connection.idleSinceMs <= sinceMs);
    for (const connection of old) connection.end();
    if (this.#idle.length > 0) return;
    clearInterval(this.#sweeping);
    this.#sweeping = undefined;
  }
}
