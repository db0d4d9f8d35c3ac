import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** True when the connection broke before the answer was complete. */
  readonly broken: boolean;
}

/** A request that the origin got: its head as text, and what has come of its body. */
export interface OriginRequestSeen {
  readonly head: string;
  readonly path: string;
  readonly method: string;
  body: string;
  readonly socket: Socket;
}

type Script = (request: OriginRequestSeen) => void | Promise<void>;

/** An origin that says exactly the bytes that a test wants, right or wrong. */
export class ScriptedOrigin {
  readonly seen: OriginRequestSeen[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #scripts = new Map<string, Script>();

  private constructor() {
    this.#server = createServer((socket) => this.#accept(socket));
  }

  static async start(port = 0): Promise<ScriptedOrigin> {
    const origin = new ScriptedOrigin();
    origin.#server.listen(port, '127.0.0.1');
    await once(origin.#server, 'listening');
    return origin;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Answers requests for a path (query included). */
  on(path: string, script: Script): void {
    this.#scripts.set(path, script);
  }

  /** Answers with a whole response. */
  says(path: string, head: string, body = ''): void {
    this.on(path, ({ socket }) => void socket.write(`HTTP/1.1 ${head}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`));
  }

  count(path: string): number {
    return this.seen.filter((request) => request.path === path).length;
  }

  async close(): Promise<void> {
    // Whoever comes again at once is refused, not taken and dropped.
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, 'close');
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    let text = '';
    let current: OriginRequestSeen | undefined;
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString('latin1');
      const end = text.indexOf('\r\n\r\n');
      if (/^[A-Z]+ \//.test(text) && end >= 0) {
        const head = text.slice(0, end);
        const [method = '', path = ''] = head.split(' ', 2);
        current = { head: head.toLowerCase(), path, method, body: '', socket };
        this.seen.push(current);
        text = text.slice(end + 4);
        void this.#answer(current);
      }
      if (current !== undefined) {
        current.body += text;
        text = '';
      }
    });
  }

  #answer(request: OriginRequestSeen): void | Promise<void> {
    const script = this.#scripts.get(request.path);
    if (script !== undefined) return script(request);
    request.socket.write('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n');
  }
}

const bin = (name: string): string => fileURLToPath(new URL(`../../../node_modules/.bin/${name}`, import.meta.url));
const main = fileURLToPath(new URL('./main.js', import.meta.url));

export type EdgeRuntime = 'bun' | 'node';

export interface EdgeProcessInit {
  readonly runtime: EdgeRuntime;
  readonly dataDir: string;
  readonly originUrl: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** An edge as its own process. */
export class EdgeProcess {
  readonly lines: Array<Record<string, unknown>> = [];
  port = 0;
  tlsPort = 0;
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;

  private constructor(init: EdgeProcessInit) {
    this.child = spawn(bin(init.runtime), [...(init.runtime === 'node' ? ['--no-warnings'] : []), main], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        STREAMS_DATA_DIR: init.dataDir,
        STREAMS_HOST: '127.0.0.1',
        EDGE_PORT: '0',
        EDGE_ORIGIN_URL: init.originUrl,
        STREAMS_SUPERVISED: '1',
        ...init.env,
      },
    });
    this.child.stderr?.resume();
    this.ended = new Promise((resolve) => this.child.once('exit', (code) => resolve(code)));
  }

  /** Resolves when it serves, or has ended instead. */
  static async start(init: EdgeProcessInit): Promise<EdgeProcess> {
    const edge = new EdgeProcess(init);
    const ready = new Promise<void>((resolve) => {
      createInterface({ input: edge.child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
        const entry = JSON.parse(line) as Record<string, unknown>;
        edge.lines.push(entry);
        if (entry['ready'] !== true) return;
        edge.port = entry['port'] as number;
        edge.tlsPort = (entry['tlsPort'] as number | undefined) ?? 0;
        resolve();
      });
    });
    await Promise.race([ready, edge.ended]);
    return edge;
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
    this.child.kill(signal);
    return this.ended;
  }

  get(path: string, headers: Readonly<Record<string, string>> = {}, method = 'GET', body?: string): Promise<Answer> {
    return send(this.port, { path, headers, method, body });
  }

  async status(): Promise<Record<string, number> & { purgesKnown: boolean; positions: string[] }> {
    return JSON.parse((await this.get('/edge-status')).body) as never;
  }
}

export interface Ask {
  readonly path: string;
  readonly method?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: string | undefined;
  /** From which of this machine's addresses it comes. */
  readonly localAddress?: string | undefined;
}

/** One request on its own connection. Never rejects for a broken answer: that is what tests look at. */
export function send(port: number, ask: Ask): Promise<Answer> {
  return new Promise((resolve) => {
    const request = httpRequest(
      {
        ...{ host: '127.0.0.1', port, agent: false, path: ask.path, method: ask.method ?? 'GET', headers: ask.headers ?? {} },
        ...(ask.localAddress === undefined ? {} : { localAddress: ask.localAddress }),
      },
      (response) => {
        let body = '';
        response.setEncoding('latin1');
        response.on('data', (text: string) => (body += text));
        response.on('error', () => undefined);
        response.on('close', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body, broken: !response.complete }));
      },
    );
    request.on('error', () => resolve({ status: 0, headers: {}, body: '', broken: true }));
    request.end(ask.body);
  });
}

/** Sends bytes as they are; resolves with what came back when the connection closes or `until` has come. */
export function sendRaw(port: number, text: string, until: RegExp): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let got = '';
    const done = (): void => {
      socket.destroy();
      resolve(got);
    };
    socket.on('data', (bytes: Buffer) => {
      got += bytes.toString('latin1');
      if (until.test(got)) done();
    });
    socket.on('error', done);
    socket.on('close', done);
    socket.write(text, 'latin1');
  });
}

/** Waits until a condition holds. The limit only ends a test that has failed; it is no measure of anything. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const giveUpMs = performance.now() + 25_000;
  while (!(await holds())) {
    if (performance.now() > giveUpMs) throw new Error(`waited in vain until ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export async function temporaryFolder(): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'streams-edge-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
