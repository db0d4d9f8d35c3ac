import type { WebSocket } from 'ws';
import { documentOf, problemOf } from '../http/problem.document.ts';
import { frameOf, type HttpSinkInit } from './http-sink.ts';
import type { Delivery, SubscriptionEnd, SubscriptionSink } from './subscription.ts';
import { jsonFormat } from './text-formats.ts';

/** RFC 6455 section 7.4.1, and the registry of close codes that it founds. */
const closeCodes = { stopping: 1001, 'not-allowed': 1008, failed: 1011, 'too-slow': 1013 } as const;

/** How long a connection that was told to close is waited for, ms. */
const farewellMs = 1_000;
/** Bytes that may wait in a socket while the next are written. */
export const socketBufferedMax = 16_384;

/** Says by the close code why it ends. */
export function closeSocket(socket: WebSocket, end: Exclude<SubscriptionEnd, 'client-gone'>): void {
  socket.close(closeCodes[end], end);
  setTimeout(() => socket.terminate(), farewellMs).unref();
}

/** Writes a subscription to a WebSocket: a text message per event. */
export class SocketSink implements SubscriptionSink {
  readonly #socket: WebSocket;
  readonly #init: Pick<HttpSinkInit, 'filterName' | 'tokenOf' | 'path'>;
  #wake: () => void = () => undefined;
  readonly transport = 'websocket';
  readonly held = false;
  readonly eventsMax = Number.POSITIVE_INFINITY;

  constructor(socket: WebSocket, init: Pick<HttpSinkInit, 'filterName' | 'tokenOf' | 'path'>) {
    this.#socket = socket;
    this.#init = init;
  }

  get ready(): boolean {
    return this.#socket.bufferedAmount <= socketBufferedMax;
  }

  get gone(): boolean {
    return this.#socket.readyState !== this.#socket.OPEN;
  }

  watch(wake: () => void): void {
    this.#wake = wake;
    this.#socket.on('close', wake);
  }

  open(token: string): void {
    this.#send(jsonFormat.open(token));
  }

  deliver({ events, live }: Delivery): void {
    for (const event of events) this.#send(frameOf(event, live, { ...this.#init, format: jsonFormat }));
  }

  beat(token: string): void {
    this.#send(jsonFormat.beat(token));
  }

  /** The last message holds the token; one that is too slow to take it has that of the last event that it saw. */
  end(end: Exclude<SubscriptionEnd, 'client-gone'>, token: string, error?: unknown): void {
    if (end === 'failed') this.#send(jsonFormat.error(JSON.stringify(documentOf(problemOf(error).init, this.#init.path)), token));
    else this.#send(jsonFormat.beat(token));
    closeSocket(this.#socket, end);
  }

  /** Called back when the message has left for the system: then there may be room again. */
  #send(message: string | Buffer): void {
    this.#socket.send(message, { binary: false }, () => this.#wake());
  }
}
