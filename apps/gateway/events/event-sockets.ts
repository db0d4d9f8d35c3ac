import { bearerOf, type Principal } from '#domain/access';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { STATUS_CODES } from 'node:http';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Admissions } from '../access/admissions.ts';
import type { Authenticator } from '../access/authenticator.ts';
import { parseInput, type InputOf } from '../http/operation.ts';
import { documentOf, problemOf, problemType } from '../http/problem.document.ts';
import { notFound } from '../http/problem.errors.ts';
import { pathOf } from '../http/problem.filter.ts';
import { filterOf, startOf } from './event-query.ts';
import { socketEvents } from './events.contract.ts';
import type { ResumeTokens } from './resume-token.codec.ts';
import { SocketSink } from './socket-sink.ts';
import type { SubscriptionEnd } from './subscription.ts';
import type { Subscriptions } from './subscriptions.ts';
import { conditionsOfText } from '../watch/row-json.codec.ts';
import type { RowWatches } from '../watch/row-watches.ts';
import { SocketRows } from '../watch/socket-rows.ts';
import { socketRows } from '../watch/watch.contract.ts';

export interface EventSocketsDeps {
  readonly subscriptions: Subscriptions;
  readonly watches: RowWatches;
  readonly tokens: ResumeTokens;
  readonly admissions: Admissions;
  readonly authenticator: Authenticator;
  /** Aborted when the process ends. */
  readonly stopping: AbortSignal;
}

const rowsPath = /^\/api\/v1\/read-models\/([a-z_]{1,64})\/ws$/;
const protocol = 'streams.v1';
const bearerProtocol = 'bearer.';
/** Readers have nothing to say but pongs and goodbyes. */
const incomingBytesMax = 1_024;
const pingMs = 20_000;

interface Admitted {
  readonly token: string;
  readonly principal: Principal;
}

/** `GET /api/v1/events/ws` and `/api/v1/read-models/:table/ws`: subscriptions over WebSockets (RFC 6455). Refusals are plain HTTP answers, before the upgrade. */
export class EventSockets {
  readonly #deps: EventSocketsDeps;
  readonly #server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: incomingBytesMax,
    handleProtocols: (offered) => (offered.has(protocol) ? protocol : false),
  });

  constructor(deps: EventSocketsDeps) {
    this.#deps = deps;
  }

  attach(server: Server): void {
    server.on('upgrade', (request, socket, head) => {
      socket.on('error', () => socket.destroy());
      void this.#upgrade(request, socket, head);
    });
  }

  /** Resolves when the socket is closed, or the request refused. */
  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const path = pathOf(request.url ?? '');
    let upgraded = false;
    try {
      const table = rowsPath.exec(path)?.[1];
      if (path !== socketEvents.path && table === undefined) throw notFound('no-route', `There is no WebSocket at ${path}.`);
      const admitted = await this.#admit(request, table === undefined ? socketEvents : socketRows);
      const query = queryOf(new URL(request.url ?? '', 'http://host').searchParams);
      const accept = (): WebSocket => {
        upgraded = true;
        return this.#accept(request, socket, head);
      };
      if (table === undefined) await this.#serve((parseInput(socketEvents, { query }) as InputOf<typeof socketEvents>).query, admitted, path, accept);
      else await this.#serveRows(parseInput(socketRows, { query, params: { table } }) as InputOf<typeof socketRows>, admitted, path, accept);
    } catch (error) {
      if (upgraded) return void socket.destroy();
      refuse(socket, path, error);
    }
  }

  async #serve(query: InputOf<typeof socketEvents>['query'], { token, principal }: Admitted, path: string, accept: () => WebSocket): Promise<SubscriptionEnd> {
    const { subscriptions, tokens, authenticator, stopping } = this.#deps;
    const filter = filterOf(query, principal);
    return subscriptions.serve({
      filter,
      start: startOf(tokens, filter, query),
      stopping,
      stillAllowed: () => authenticator.stillHolds(token, principal),
      sink: (context) => new SocketSink(accept(), { ...context, path }),
    });
  }

  async #serveRows(
    { params, query }: InputOf<typeof socketRows>,
    { token, principal }: Admitted,
    path: string,
    accept: () => WebSocket,
  ): Promise<SubscriptionEnd> {
    const { watches, authenticator } = this.#deps;
    return watches.serve({
      principal,
      table: params.table,
      conditions: (table) => conditionsOfText(table, query.where ?? []),
      token: query.from ?? '',
      tokenField: 'query.from',
      stillAllowed: () => authenticator.stillHolds(token, principal),
      output: () => new SocketRows(accept(), path),
    });
  }

  async #admit(request: IncomingMessage, operation: typeof socketEvents | typeof socketRows): Promise<Admitted> {
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((one) => one.trim());
    const token = bearerOf(request.headers.authorization) ?? offered.find((one) => one.startsWith(bearerProtocol))?.slice(bearerProtocol.length);
    return this.#deps.admissions.admit({ operation, token, address: request.socket.remoteAddress ?? '' });
  }

  /** `ws` answers at once, within the call, when the handshake is right; otherwise it has refused it itself. */
  #accept(request: IncomingMessage, socket: Duplex, head: Buffer): WebSocket {
    let accepted: WebSocket | undefined;
    this.#server.handleUpgrade(request, socket, head, (ws) => {
      // A silent line looks alive to TCP for hours; what does not answer a ping until the next is dead.
      let alive = true;
      const pings = setInterval(() => {
        if (!alive) return ws.terminate();
        alive = false;
        ws.ping();
      }, pingMs);
      ws.on('pong', () => (alive = true));
      ws.on('close', () => clearInterval(pings));
      ws.on('error', () => ws.terminate());
      accepted = ws;
    });
    if (accepted === undefined) throw new Error('The WebSocket handshake was refused.');
    return accepted;
  }
}

/** What is repeated is a list. */
function queryOf(given: URLSearchParams): Record<string, string | string[]> {
  const names = [...new Set(given.keys())];
  return Object.fromEntries(names.map((name) => [name, given.getAll(name).length > 1 ? given.getAll(name) : (given.get(name) ?? '')]));
}

function refuse(socket: Duplex, path: string, error: unknown): void {
  const { init } = problemOf(error);
  const text = JSON.stringify(documentOf(init, path));
  const headers = { 'Content-Type': problemType, 'Content-Length': String(Buffer.byteLength(text)), Connection: 'close', ...init.headers };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${init.status} ${STATUS_CODES[init.status] ?? 'Error'}\r\n${lines.join('')}\r\n${text}`);
}
