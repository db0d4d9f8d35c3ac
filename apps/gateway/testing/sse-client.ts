import type { EventBody } from './answer-body.ts';
import { request, type IncomingMessage } from 'node:http';

export interface SseMessage<Told> {
  readonly id: string;
  readonly event: Told;
}

/** Reads server-sent events until told to stop; remembers the last id, as a browser does. `Told` is what their data says. */
export class SseClient<Told = EventBody> {
  readonly messages: SseMessage<Told>[] = [];
  lastId: string;
  #response: IncomingMessage | undefined;
  #rest = '';
  #waiters: Array<() => void> = [];
  /** Resolves when the server, or we, end it. */
  closed: Promise<void> = Promise.resolve();

  constructor(lastId = '') {
    this.lastId = lastId;
  }

  open(base: string, path: string, headers: Record<string, string>): Promise<number> {
    const { hostname, port } = new URL(base);
    // What was cut off in the middle of a message never happened (WHATWG HTML section 9.2.6).
    this.#rest = '';
    const resume: Record<string, string> = this.lastId === '' ? {} : { 'last-event-id': this.lastId };
    return new Promise((resolve, reject) => {
      const outgoing = request({ hostname, port, path, headers: { ...headers, ...resume }, agent: false }, (response) => {
        this.#response = response;
        this.closed = new Promise((done) => response.on('close', done));
        response.setEncoding('utf8').on('data', (chunk: string) => this.#push(chunk));
        response.on('error', () => undefined);
        resolve(response.statusCode ?? 0);
      });
      outgoing.on('error', reject);
      outgoing.end();
    });
  }

  /** Takes nothing from the connection until `resume`. */
  pause(): void {
    this.#response?.pause();
  }

  resume(): void {
    this.#response?.resume();
  }

  close(): void {
    this.#response?.destroy();
  }

  /** Resolves when there is an id to resume from. */
  async begun(): Promise<void> {
    while (this.lastId === '') await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  /** Resolves when that many messages have come. */
  async until(count: number): Promise<void> {
    while (this.messages.length < count) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  #push(chunk: string): void {
    this.#rest += chunk;
    for (let end = this.#rest.indexOf('\n\n'); end >= 0; end = this.#rest.indexOf('\n\n')) {
      this.#block(this.#rest.slice(0, end));
      this.#rest = this.#rest.slice(end + 2);
    }
    for (const wake of this.#waiters.splice(0)) wake();
  }

  #block(block: string): void {
    const fields = block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)] as const);
    const id = fields.find(([name]) => name === 'id')?.[1];
    if (id !== undefined) this.lastId = id;
    const data = fields.find(([name]) => name === 'data')?.[1];
    if (data !== undefined) this.messages.push({ id: this.lastId, event: JSON.parse(data) as Told });
  }
}
