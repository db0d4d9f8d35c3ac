import type { ReadRow } from '#ports';
import type { ServerResponse } from 'node:http';
import type { SubscriptionEnd } from '../events/subscription.ts';
import { sseFormat } from '../events/text-formats.ts';
import { documentOf, problemOf } from '../http/problem.document.ts';
import { rowsJson } from './row-json.codec.ts';
import type { WatchOutput } from './watch-sink.ts';

/** Rows as server-sent events (WHATWG HTML section 9.2); a message without a token leaves the reader's position alone. */
export class HttpRows implements WatchOutput {
  readonly #response: ServerResponse;
  readonly #path: string;
  hasRoom = true;
  gone = false;

  constructor(response: ServerResponse, path: string) {
    this.#response = response;
    this.#path = path;
  }

  watch(wake: () => void): void {
    const response = this.#response;
    response.on('close', () => {
      this.gone = true;
      wake();
    });
    response.on('drain', () => {
      this.hasRoom = true;
      wake();
    });
    if (response.destroyed) this.gone = true;
    const connection: Record<string, string> = response.req.httpVersion === '1.0' ? { connection: 'close' } : {};
    response.writeHead(200, { 'content-type': sseFormat.contentType, 'cache-control': 'no-store', 'x-accel-buffering': 'no', ...connection });
  }

  write(rows: readonly ReadRow[], token: string, snapshot: boolean): void {
    const id = token === '' ? '' : `id: ${token}\n`;
    if (!this.#response.write(`${id}data: ${rowsJson(rows, token, snapshot)}\n\n`)) this.hasRoom = false;
  }

  /** A reader that is too slow would not take a farewell either; it has the last token that it saw. */
  end(end: Exclude<SubscriptionEnd, 'client-gone'>, token: string, error?: unknown): void {
    if (end === 'too-slow') return void this.#response.destroy();
    if (end !== 'failed') return void this.#response.end();
    this.#response.end(sseFormat.error(JSON.stringify(documentOf(problemOf(error).init, this.#path)), token));
  }
}
