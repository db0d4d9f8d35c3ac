import type { ReadRow } from '#ports';
import type { WebSocket } from 'ws';
import { closeSocket, socketBufferedMax } from '../events/socket-sink.ts';
import type { SubscriptionEnd } from '../events/subscription.ts';
import { documentOf, problemOf } from '../http/problem.document.ts';
import { rowsJson } from './row-json.codec.ts';
import type { WatchOutput } from './watch-sink.ts';

/** Rows as text messages of a WebSocket. */
export class SocketRows implements WatchOutput {
  readonly #socket: WebSocket;
  readonly #path: string;
  #wake: () => void = () => undefined;

  constructor(socket: WebSocket, path: string) {
    this.#socket = socket;
    this.#path = path;
  }

  get hasRoom(): boolean {
    return this.#socket.bufferedAmount <= socketBufferedMax;
  }

  get gone(): boolean {
    return this.#socket.readyState !== this.#socket.OPEN;
  }

  watch(wake: () => void): void {
    this.#wake = wake;
    this.#socket.on('close', wake);
  }

  write(rows: readonly ReadRow[], token: string, snapshot: boolean): void {
    this.#send(rowsJson(rows, token, snapshot));
  }

  end(end: Exclude<SubscriptionEnd, 'client-gone'>, token: string, error?: unknown): void {
    if (end === 'failed') this.#send(`{"problem":${JSON.stringify(documentOf(problemOf(error).init, this.#path))}}`);
    else if (token !== '') this.#send(rowsJson([], token, false));
    closeSocket(this.#socket, end);
  }

  #send(message: string): void {
    this.#socket.send(message, { binary: false }, () => this.#wake());
  }
}
