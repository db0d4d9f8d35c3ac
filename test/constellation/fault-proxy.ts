import { once } from 'node:events';
import { Agent, createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** What can go wrong with one request. */
export type Fault =
  /** It is not passed on; the answer is 503, as of a store under load. */
  | 'busy'
  /** It is not passed on; the connection ends without an answer. */
  | 'reset'
  /** It is not passed on, and nothing is answered. */
  | 'hang'
  /** It is done, but its answer gets lost. */
  | 'lose-answer'
  /** Half of the answer's body comes, then the connection ends. */
  | 'cut'
  /** A byte of the answer's body is another one. */
  | 'flip'
  /** A byte of what is sent is another one. */
  | 'flip-upload'
  /** Its signature is another one, as if the key were wrong. */
  | 'forge'
  /** The answer's body comes a few bytes at a time. */
  | 'trickle';

const trickleBytes = 64;
const tricklePauseMs = 20;

interface Plan {
  readonly fits: (request: IncomingMessage) => boolean;
  readonly fault: Fault;
  left: number;
}

/** An HTTP proxy in front of one server, which does to requests what networks and busy servers do. */
export class FaultProxy {
  readonly #target: URL;
  readonly #server: Server;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #plans: Plan[] = [];
  /** `METHOD /path` of every request, the oldest first. */
  readonly requests: string[] = [];

  private constructor(target: string) {
    this.#target = new URL(target);
    this.#server = createServer((incoming, answer) => void this.#handle(incoming, answer).catch(() => answer.destroy()));
  }

  static async start(target: string): Promise<FaultProxy> {
    const proxy = new FaultProxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }

  /** The next `times` requests that fit meet a fault; plans are used up in their order. */
  plan(fault: Fault, times: number, fits: RegExp = /^/): void {
    this.#plans.push({ fault, left: times, fits: ({ method, url }) => fits.test(`${method} ${url}`) });
  }

  /** All is well again. */
  heal(): void {
    this.#plans.length = 0;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#agent.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #handle(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    this.requests.push(`${incoming.method} ${incoming.url}`);
    const plan = this.#plans.find(({ fits, left }) => left > 0 && fits(incoming));
    if (plan !== undefined) plan.left -= 1;
    const fault = plan?.fault;
    if (fault === 'reset') return void incoming.socket.destroy();
    if (fault === 'hang') return;
    const body = Buffer.concat(await incoming.toArray());
    if (fault === 'busy')
      return void answer.writeHead(503, { 'content-type': 'application/xml' }).end('<Error><Code>SlowDown</Code><Message>busy</Message></Error>');
    const response = await this.#pass(incoming, fault === 'flip-upload' ? flipped(body) : body, fault === 'forge');
    const content = Buffer.concat(await response.toArray());
    if (fault === 'lose-answer') return void incoming.socket.destroy();
    answer.writeHead(response.statusCode ?? 502, response.rawHeaders);
    if (fault === 'cut') return void answer.write(content.subarray(0, content.length / 2), () => incoming.socket.destroy());
    if (fault !== 'trickle') return void answer.end(fault === 'flip' ? flipped(content) : content);
    for (let at = 0; at < content.length && !answer.destroyed; at += trickleBytes, await sleep(tricklePauseMs))
      answer.write(content.subarray(at, at + trickleBytes));
    answer.end();
  }

  /** As it came, its Host header too: signatures cover it. */
  async #pass(incoming: IncomingMessage, body: Buffer, isForged: boolean): Promise<IncomingMessage> {
    const { hostname, port } = this.#target;
    const { authorization = '' } = incoming.headers;
    const headers = isForged ? { ...incoming.headers, authorization: authorization.replace(/Signature=.{8}/, 'Signature=00000000') } : incoming.headers;
    const outgoing = request({ hostname, port, method: incoming.method, path: incoming.url, headers, agent: this.#agent });
    outgoing.end(body);
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    return response;
  }
}

/** In the middle, so that it is content and no framing. */
function flipped(bytes: Buffer): Buffer {
  const changed = Buffer.from(bytes);
  const at = changed.length >> 1;
  changed[at] = (changed[at] ?? 0) ^ 1;
  return changed;
}
