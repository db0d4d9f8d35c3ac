import { isIP } from 'node:net';
import type { TunnelOutcome, TunnelTarget } from './exchange.ts';
import { RefusalReader } from './handshake-refusal.ts';
import { brokenOff, closeCodeOf, tunnelLimits } from './websocket-tunnel.ts';

/** What is used of Bun's socket to a client. */
export interface BunClientSocket {
  readonly data: OriginSocket;
  /** -1: it waits, 0: it was dropped. */
  send(message: string | Uint8Array): number;
  close(code?: number, reason?: string): void;
  terminate(): void;
  getBufferedAmount(): number;
}

export interface BunWebSocketHandlers {
  readonly idleTimeout: number;
  readonly maxPayloadLength: number;
  readonly backpressureLimit: number;
  readonly closeOnBackpressureLimit: boolean;
  open(client: BunClientSocket): void;
  message(client: BunClientSocket, message: string | Uint8Array): void;
  close(client: BunClientSocket, code: number, reason: string): void;
}

interface BunWebSocketInit {
  readonly headers: Readonly<Record<string, string>>;
  readonly protocols: readonly string[];
  readonly tls?: { readonly serverName: string; readonly ca?: string; readonly rejectUnauthorized: true };
}

/** The origin's answer, as far as it came with its head. */
interface BunHandshake {
  readonly statusCode: number;
  /** Names and values in turn. */
  readonly rawHeaders: readonly string[];
  readonly body: Uint8Array;
}

/** Bun's has a method more than a browser's, and an event `handshake`. */
interface BunWebSocket extends WebSocket {
  /** Breaks the connection off, without a close frame. */
  terminate(): void;
}

type OpenWebSocket = new (url: string, init: BunWebSocketInit) => BunWebSocket;

interface End {
  readonly code: number;
  readonly reason: string;
}

/** As the other side ended: who lost its connection comes again, where a close frame would have told it that all was said. */
function endClient(client: BunClientSocket, { code, reason }: End): void {
  if (code === brokenOff) client.terminate();
  else client.close(closeCodeOf(code), reason);
}

/** The origin's half: what comes before the client's half is there waits for it. */
export class OriginSocket {
  readonly #socket: BunWebSocket;
  #client: BunClientSocket | undefined;
  #early: (string | Uint8Array)[] = [];
  /** Bytes of messages that went to the client. */
  #sent = 0;
  readonly #over = Promise.withResolvers<number>();
  #ended: End | undefined;

  private constructor(socket: BunWebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', (event) => {
      const data = event.data as string | ArrayBuffer;
      this.#toClient(typeof data === 'string' ? data : new Uint8Array(data));
    });
    socket.addEventListener('close', ({ code, reason }) => {
      this.#ended = { code, reason };
      if (this.#client !== undefined) endClient(this.#client, this.#ended);
    });
    socket.addEventListener('error', () => undefined);
  }

  /** The socket when it is open; else why it is not. */
  static async open(target: TunnelTarget): Promise<OriginSocket | TunnelOutcome> {
    // Bun takes fields where browsers take subprotocols alone.
    const socket = new (WebSocket as unknown as OpenWebSocket)(...openedBy(target));
    socket.binaryType = 'arraybuffer';
    const opened = Promise.withResolvers<'open' | TunnelOutcome>();
    let answered: TunnelOutcome | undefined;
    socket.addEventListener('handshake', (event) => (answered = refusalOf((event as { data?: BunHandshake }).data)), { once: true });
    socket.addEventListener('open', () => opened.resolve('open'), { once: true });
    const failed = (): void => opened.resolve(answered ?? { kind: 'failed', error: 'destination_unavailable' });
    socket.addEventListener('error', failed, { once: true });
    socket.addEventListener('close', failed, { once: true });
    const origin = new OriginSocket(socket);
    const timer = setTimeout(() => opened.resolve({ kind: 'failed', error: 'http_response_timeout' }), tunnelLimits.handshakeMs);
    const outcome = await opened.promise;
    clearTimeout(timer);
    if (outcome === 'open') return origin;
    socket.close();
    return outcome;
  }

  get protocol(): string {
    return this.#socket.protocol;
  }

  /** When the client's half is closed: bytes of the messages that it was sent. */
  get ended(): Promise<number> {
    return this.#over.promise;
  }

  clientClosed(code: number, reason: string): void {
    this.#over.resolve(this.#sent);
    if (code === brokenOff) this.#socket.terminate();
    else this.close(code, reason);
  }

  join(client: BunClientSocket): void {
    this.#client = client;
    const early = this.#early;
    this.#early = [];
    for (const message of early) this.#toClient(message);
    if (this.#ended !== undefined) endClient(client, this.#ended);
  }

  /** Neither side's socket can be made to read more slowly: who does not keep up is cut off, and nothing grows without bound. */
  fromClient(message: string | Uint8Array): void {
    this.#socket.send(message as string);
    if (this.#socket.bufferedAmount <= tunnelLimits.waitingBytesMax) return;
    this.#client?.close(1013, 'The origin does not keep up.');
    this.close(1013, 'Too slow.');
  }

  close(code: number, reason: string): void {
    if (this.#socket.readyState <= WebSocket.OPEN) this.#socket.close(closeCodeOf(code), reason);
  }

  #toClient(message: string | Uint8Array): void {
    if (this.#client !== undefined) {
      this.#sent += Buffer.byteLength(message);
      // Dropped: the client is closed by its limit already.
      if (this.#client.send(message) === 0) this.close(1013, 'The client does not keep up.');
      return;
    }
    this.#early.push(message);
    if (this.#early.reduce((bytes, one) => bytes + one.length, 0) > tunnelLimits.waitingBytesMax) this.close(1013, 'Too early.');
  }
}

/** What a handshake came to that does not switch: Bun shows of the body what it has by then, as it came. */
function refusalOf(data: BunHandshake | undefined): TunnelOutcome | undefined {
  if (data === undefined || data.statusCode === 101) return undefined;
  const reader = new RefusalReader();
  const { body, rawHeaders, statusCode } = data;
  const lines = Array.from({ length: rawHeaders.length / 2 }, (_, at) => `${rawHeaders[2 * at]}: ${rawHeaders[2 * at + 1]}\r\n`);
  reader.push(Buffer.from(`HTTP/1.1 ${statusCode} \r\n${lines.join('')}\r\n`, 'latin1'));
  reader.push(Buffer.from(body));
  return reader.outcome();
}

/** To an address that was judged, under the name that the origin must prove. */
function openedBy({ originUrl, address, serverName, ca, target, fields, protocols }: TunnelTarget): [url: string, init: BunWebSocketInit] {
  const url = new URL(originUrl);
  const { host, hostname, port, protocol } = url;
  const to = address === undefined ? host : `${isIP(address) === 6 ? `[${address}]` : address}${port === '' ? '' : `:${port}`}`;
  const headers = Object.fromEntries(fields.some(([name]) => name === 'host') ? fields : [...fields, ['host', host] as const]);
  const tls = { serverName: serverName ?? hostname, rejectUnauthorized: true as const, ...(ca === undefined ? {} : { ca }) };
  return [`${protocol === 'https:' ? 'wss' : 'ws'}://${to}${target}`, { headers, protocols, ...(protocol === 'https:' ? { tls } : {}) }];
}

/** Takes messages from each side to the other. Pings are answered by each connection's own end. */
export const tunnelHandlers: BunWebSocketHandlers = {
  idleTimeout: tunnelLimits.idleTimeoutS,
  maxPayloadLength: tunnelLimits.messageBytesMax,
  backpressureLimit: tunnelLimits.waitingBytesMax,
  closeOnBackpressureLimit: true,
  open: (client) => client.data.join(client),
  message: (client, message) => client.data.fromClient(message),
  close: (client, code, reason) => client.data.clientClosed(code, reason),
};
