import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from '#runtime';
import { EdgeReader } from './edge-reader.ts';
import type { LiveEdgeHub } from './live-edge-hub.ts';

export interface LiveEdgeServerInit {
  readonly host: string;
  readonly port: number;
  /** Host in the URLs, as gateways reach it. */
  readonly publicHost: string;
  /** What a gateway may be behind, bytes. */
  readonly readerBytesMax: number;
}

const pathPattern = /^\/live-edge\/([A-Za-z0-9_.:-]{1,128})$/;
/** Gateways take a packager that says nothing for three times as long as gone. */
const beatMs = 2000;

/** `GET /live-edge/:streamId?session=`: parts and segments as they are made (docs/ARCHITECTURE.md, "The live edge"). */
export class LiveEdgeServer {
  readonly #init: LiveEdgeServerInit;
  readonly #hub: LiveEdgeHub;
  readonly #logger: Logger;
  readonly #server: Server;
  #timer: NodeJS.Timeout | undefined;

  constructor(init: LiveEdgeServerInit, deps: { readonly hub: LiveEdgeHub; readonly logger: Logger }) {
    this.#init = init;
    this.#hub = deps.hub;
    this.#logger = deps.logger;
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  /** Where a stream is followed; without its session, which whoever may know it adds. */
  urlOf(streamId: string): string {
    return `http://${this.#init.publicHost}:${(this.#server.address() as AddressInfo).port}/live-edge/${streamId}`;
  }

  async listen(): Promise<void> {
    this.#server.listen(this.#init.port, this.#init.host);
    await once(this.#server, 'listening');
    this.#timer = setInterval(() => this.#hub.beat(), beatMs);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    if (request.method !== 'GET') return refuse(response, 405, 'Only GET is served here.');
    const url = URL.parse(request.url ?? '', 'http://media');
    const streamId = pathPattern.exec(url?.pathname ?? '')?.[1];
    const edge = streamId === undefined ? undefined : this.#hub.find(streamId);
    if (edge === undefined || !edge.encodes(url?.searchParams.get('session') ?? '')) return refuse(response, 404, 'There is no such session here.');
    const reader = new EdgeReader(response, this.#init.readerBytesMax);
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'cache-control': 'no-store', connection: 'close' });
    response.flushHeaders();
    response.socket?.setNoDelay(true);
    edge.join(reader);
    response.once('close', () => {
      edge.leave(reader);
      if (reader.cutOff) this.#logger.warn({ streamId }, 'a gateway fell behind the live edge and was cut off');
    });
  }
}

function refuse(response: ServerResponse, status: number, detail: string): void {
  response.writeHead(status, { 'content-type': 'application/problem+json', connection: 'close' });
  response.end(JSON.stringify({ type: 'about:blank', status, detail }));
}
