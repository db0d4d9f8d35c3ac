import type { ServerResponse } from 'node:http';
import { documentOf, problemOf } from '../http/problem.document.ts';
import type { LiveEvent } from './log-entry.ts';
import type { Delivery, SubscriptionEnd, SubscriptionSink } from './subscription.ts';

/** How a stream is written as text. */
export interface TextFormat {
  readonly contentType: string;
  /** Named apart from other formats: encodings are shared among the readers of one. */
  readonly name: string;
  open(token: string): string;
  event(token: string, json: string, live: boolean): string;
  beat(token: string): string;
  error(problem: string, token: string): string;
}

export interface HttpSinkInit {
  readonly response: ServerResponse;
  readonly format: TextFormat;
  /** For the problem document of an error in the middle. */
  readonly path: string;
  /** Names the filter, so that readers with the same one share encodings. */
  readonly filterName: string;
  readonly tokenOf: (event: LiveEvent) => string;
}

/** The encoding of an event for a reader; made once where many readers stand at the same place. */
export function frameOf(event: LiveEvent, live: boolean, { format, filterName, tokenOf }: Pick<HttpSinkInit, 'format' | 'filterName' | 'tokenOf'>): Buffer {
  const make = (): Buffer => Buffer.from(format.event(tokenOf(event), event.entry.json, live));
  return event.common ? event.entry.shared(`${format.name}:${filterName}`, make) : make();
}

/** Writes a subscription as the body of an HTTP answer. */
export class HttpSink implements SubscriptionSink {
  readonly #init: HttpSinkInit;
  readonly transport: string;
  #full = false;
  gone = false;
  readonly held = false;
  readonly eventsMax = Number.POSITIVE_INFINITY;

  constructor(init: HttpSinkInit) {
    this.#init = init;
    this.transport = init.format.name === 'sse' ? 'sse' : 'ndjson';
  }

  get ready(): boolean {
    return !this.#full;
  }

  watch(wake: () => void): void {
    const { response } = this.#init;
    response.on('close', () => {
      this.gone = true;
      wake();
    });
    response.on('drain', () => {
      this.#full = false;
      wake();
    });
    if (response.destroyed) this.gone = true;
  }

  open(token: string): void {
    const { response, format } = this.#init;
    // HTTP/1.1 connections stay open by themselves; HTTP/1.0 has to be told.
    const connection: Record<string, string> = response.req.httpVersion === '1.0' ? { connection: 'close' } : {};
    response.writeHead(200, { 'content-type': format.contentType, 'cache-control': 'no-store', 'x-accel-buffering': 'no', ...connection });
    this.#write(format.open(token));
  }

  deliver({ events, live }: Delivery): void {
    this.#write(Buffer.concat(events.map((event) => frameOf(event, live, this.#init))));
  }

  beat(token: string): void {
    this.#write(this.#init.format.beat(token));
  }

  /** A reader that is too slow would not take a farewell either; it has the token of the last event that it saw. */
  end(end: SubscriptionEnd, token: string, error?: unknown): void {
    const { response, format, path } = this.#init;
    if (end === 'too-slow') return void response.destroy();
    if (end !== 'failed') return void response.end();
    response.end(format.error(JSON.stringify(documentOf(problemOf(error).init, path)), token));
  }

  #write(chunk: string | Buffer): void {
    if (chunk.length > 0 && !this.#init.response.write(chunk)) this.#full = true;
  }
}
