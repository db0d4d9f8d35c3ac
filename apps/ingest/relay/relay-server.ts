import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Logger } from '#runtime';
import type { RelayHub } from './relay-hub.ts';
import { RelayReader } from './relay-reader.ts';

export interface RelayServerInit {
  readonly host: string;
  readonly port: number;
  readonly readerBytesMax: number;
}

export interface RelayServerDeps {
  readonly hub: RelayHub;
  readonly logger: Logger;
  /** Of a session that is here; undefined for another. */
  readonly silentMs: (sessionId: string) => number | undefined;
}

/** How long nothing has come of a session, ms: the answer to HEAD. */
export const silentMsHeader = 'x-silent-ms';

const pathPattern = /^\/relay\/([A-Za-z0-9_.:-]{1,128})$/;

/** `GET /relay/:streamId?session=`: a session as endless FLV; HEAD asks how it is (docs/ARCHITECTURE.md, "From publisher to playlist"). */
export class RelayServer {
  readonly #init: RelayServerInit;
  readonly #hub: RelayHub;
  readonly #deps: RelayServerDeps;
  readonly #logger: Logger;
  readonly #server: Server;

  constructor(init: RelayServerInit, deps: RelayServerDeps) {
    this.#init = init;
    this.#hub = deps.hub;
    this.#deps = deps;
    this.#logger = deps.logger;
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async listen(): Promise<void> {
    this.#server.listen(this.#init.port, this.#init.host);
    await once(this.#server, 'listening');
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const isQuestion = request.method === 'HEAD';
    if (request.method !== 'GET' && !isQuestion) return refuse(response, 405, 'Only GET and HEAD are served here.');
    const url = URL.parse(request.url ?? '', 'http://relay');
    const streamId = pathPattern.exec(url?.pathname ?? '')?.[1];
    const stream = streamId === undefined ? undefined : this.#hub.find(streamId, url?.searchParams.get('session') ?? '');
    if (stream === undefined) return refuse(response, 404, 'There is no such session here.');
    if (isQuestion) return void response.writeHead(200, { [silentMsHeader]: this.#deps.silentMs(stream.sessionId) ?? 0, connection: 'close' }).end();
    this.#serve(response, (reader) => {
      stream.join(reader);
      return () => stream.leave(reader);
    });
  }

  #serve(response: ServerResponse, join: (reader: RelayReader) => () => void): void {
    response.writeHead(200, { 'content-type': 'video/x-flv', 'cache-control': 'no-store', 'transfer-encoding': 'chunked', connection: 'close' });
    response.flushHeaders();
    const socket = response.socket;
    if (socket === null) return;
    socket.setNoDelay(true);
    socket.setTimeout(0);
    const reader = new RelayReader(socket, this.#init.readerBytesMax);
    const leave = join(reader);
    socket.once('close', () => {
      leave();
      if (reader.cutOff) this.#logger.warn({ backlogBytes: reader.backlogBytes }, 'a relay reader fell behind and was cut off');
    });
  }
}

function refuse(response: ServerResponse, status: number, detail: string): void {
  response.writeHead(status, { 'content-type': 'application/problem+json', connection: 'close' });
  response.end(JSON.stringify({ type: 'about:blank', status, detail }));
}
