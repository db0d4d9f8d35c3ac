import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Logger } from '#runtime';
import type { RelayHub } from './relay-hub.ts';
import { RelayReader } from './relay-reader.ts';
import type { RelayStream } from './relay-stream.ts';

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

interface Resuming {
  readonly streamId: string;
  readonly stream: RelayStream;
  readonly request: IncomingMessage;
}

const methods = new Set(['GET', 'HEAD', 'PUT']);

/** How long nothing has come of a session, ms: the answer to HEAD. */
export const silentMsHeader = 'x-silent-ms';

/** Nobody waits longer for media, whatever a reader asks for, ms: who watches over publishers must know soon that one is silent. */
const gatherMsMax = 1000;

const pathPattern = /^\/relay\/([A-Za-z0-9_.:-]{1,128})$/;

/** Of what a reader says in its request's body: a line is a time. */
const lineBytesMax = 20;

/**
 * `GET /relay/:streamId?session=&reader=&from=`: a session as endless FLV; HEAD asks how it is, PUT with `gather=` lets media for that
 * reader wait (docs/ARCHITECTURE.md, "From publisher to playlist"). A reader that goes on `from` some place says in lines of its request's
 * body up to where it has stored what it read.
 */
export class RelayServer {
  readonly #init: RelayServerInit;
  readonly #hub: RelayHub;
  readonly #deps: RelayServerDeps;
  readonly #logger: Logger;
  readonly #server: Server;
  /** Those that have a name, by session and name. */
  readonly #named = new Map<string, RelayReader>();

  constructor(init: RelayServerInit, deps: RelayServerDeps) {
    this.#init = init;
    this.#hub = deps.hub;
    this.#deps = deps;
    this.#logger = deps.logger;
    this.#server = createServer((request, response) => this.#answer(request, response));
    // A request whose body says how far its reader has got lasts as long as the session.
    this.#server.requestTimeout = 0;
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
    const { method = '' } = request;
    if (!methods.has(method)) return refuse(response, 405, 'Only GET, HEAD and PUT are served here.');
    const url = URL.parse(request.url ?? '', 'http://relay');
    const streamId = pathPattern.exec(url?.pathname ?? '')?.[1];
    const stream = streamId === undefined ? undefined : this.#hub.find(streamId, url?.searchParams.get('session') ?? '');
    if (stream === undefined) return refuse(response, 404, 'There is no such session here.');
    if (method === 'HEAD') return void response.writeHead(200, { [silentMsHeader]: this.#deps.silentMs(stream.sessionId) ?? 0, connection: 'close' }).end();
    const name = url?.searchParams.get('reader') ?? '';
    const reader = `${stream.sessionId}/${name}`;
    if (method === 'PUT') return this.#gather(reader, url?.searchParams.get('gather') ?? '', response);
    const from = /^\d{1,15}$/.exec(url?.searchParams.get('from') ?? '')?.[0];
    this.#serve(response, (one) => {
      if (name !== '') this.#named.set(reader, one);
      if (from === undefined) stream.join(one);
      else this.#resume({ streamId: streamId ?? '', stream, request }, one, Number(from));
      return () => {
        stream.leave(one);
        if (this.#named.get(reader) === one) this.#named.delete(reader);
      };
    });
  }

  #resume({ streamId, stream, request }: Resuming, reader: RelayReader, fromMs: number): void {
    const resumed = stream.resume(reader, fromMs);
    const about = { streamId, sessionId: stream.sessionId, fromMs, ...resumed };
    if (resumed.missingMs > 0) this.#logger.warn(about, 'a packager reads on, and the first of what it needs was not kept');
    else if (fromMs > 0) this.#logger.info(about, 'a packager reads on from where its segments end');
    request.setEncoding('latin1');
    let line = '';
    request.on('data', (text: string) => {
      const lines = `${line}${text}`.split('\n');
      line = (lines.pop() ?? '').slice(0, lineBytesMax);
      const storedMs = Number(lines.findLast((one) => /^\d{1,15}$/.test(one)));
      if (!Number.isNaN(storedMs)) stream.keepFrom(storedMs);
    });
  }

  #gather(name: string, text: string, response: ServerResponse): void {
    const ms = /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
    if (!(ms <= gatherMsMax)) return refuse(response, 400, `"gather" is a number of milliseconds, 0 to ${gatherMsMax}.`);
    const reader = this.#named.get(name);
    if (reader === undefined) return refuse(response, 404, 'There is no such reader here.');
    reader.gather(ms);
    response.writeHead(204, { connection: 'close' }).end();
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
