import { SlabPool, type ServerSessionLimits } from '#core/rtmp';
import type { Logger } from '#runtime';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { TlsFront } from '../secure/tls-front.ts';
import type { ConnectionLimits, ConnectionSlot } from './connection-limits.ts';
import type { ReadMerger } from './read-merger.ts';
import { readBorrowed } from './borrowed-reads.ts';
import { PublisherConnection, type PublisherConnectionDeps } from './publisher-connection.ts';

export interface RtmpListenerInit {
  readonly host: string;
  readonly port: number;
  readonly endpoint: 'primary' | 'backup';
  readonly app: string;
  readonly session: ServerSessionLimits;
  /** Set where publishers speak RTMPS. */
  readonly tls?: TlsFront;
}

interface Accepted {
  readonly remoteAddress: string;
  readonly slot: ConnectionSlot;
}

export interface RtmpListenerDeps extends PublisherConnectionDeps {
  readonly pool: SlabPool;
  readonly limits: ConnectionLimits;
  readonly merger: ReadMerger;
  readonly logger: Logger;
}

const tickMs = 500;
const keepAliveAfterMs = 10_000;

/** One RTMP or RTMPS port: accepts connections within the limits and gives each its driver. */
export class RtmpListener {
  readonly #init: RtmpListenerInit;
  readonly #deps: RtmpListenerDeps;
  readonly #server: Server;
  readonly #connections = new Map<Socket, PublisherConnection>();
  #timer: NodeJS.Timeout | undefined;
  #seed = 1;
  #bytes = 0;

  constructor(init: RtmpListenerInit, deps: RtmpListenerDeps) {
    this.#init = init;
    this.#deps = deps;
    this.#server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveAfterMs, pauseOnConnect: true }, (socket) =>
      this.#accept(socket),
    );
  }

  /** Received from publishers since the start. */
  get bytes(): number {
    return this.#bytes;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async listen(): Promise<void> {
    this.#server.listen(this.#init.port, this.#init.host);
    await once(this.#server, 'listening');
    // One timer for all: a timer per packet would cost more than the packet.
    this.#timer = setInterval(() => this.#tick(), tickMs);
  }

  /** No new publishers; the ones there stay until their sessions are ended. */
  stopAccepting(): void {
    this.#server.close();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#server.close();
    for (const socket of this.#connections.keys()) socket.destroySoon();
  }

  #tick(): void {
    const now = this.#deps.clock.now();
    for (const connection of this.#connections.values()) connection.tick(now);
  }

  #accept(accepted: Socket): void {
    const host = (accepted.remoteAddress ?? '').replace(/^::ffff:/, '');
    const remoteAddress = `${host}:${accepted.remotePort ?? 0}`;
    // Another has its handle, once it is read from.
    let socket = accepted;
    const refuse = (detail: string): void => {
      this.#deps.rejections.record({ streamId: '', reason: 'busy', detail, remoteAddress });
      socket.destroy();
    };
    const giveWay = (): void => refuse('Too many connections: one that had not published gave way to another.');
    const slot = this.#deps.limits.enter(host, this.#deps.clock.now(), giveWay);
    if (slot === undefined) return refuse('Too many connections.');
    // Of the connection itself: one that fails in its TLS handshake gives its place back as well.
    accepted.once('close', slot.closed);
    const { tls } = this.#init;
    if (tls === undefined) {
      socket = this.#begin({ remoteAddress, slot }, (receive) => readBorrowed(accepted, receive));
      return;
    }
    tls.secure(accepted, {
      secured: (secure) => {
        socket = this.#begin({ remoteAddress, slot }, (receive) => secure.on('data', receive));
      },
      failed: (detail) => this.#deps.rejections.record({ streamId: '', reason: 'protocol-error', detail, remoteAddress }),
    });
  }

  #begin({ remoteAddress, slot }: Accepted, open: (receive: (bytes: Uint8Array) => void) => Socket): Socket {
    const { endpoint, app, session } = this.#init;
    this.#seed = (this.#seed + 1) >>> 0;
    const init = { endpoint, remoteAddress, session: { app, pool: this.#deps.pool, seed: this.#seed, limits: session }, onPublished: slot.published };
    const socket = open((bytes) => {
      this.#deps.merger.onRead();
      this.#bytes += bytes.byteLength;
      connection.receive(bytes);
    });
    const connection: PublisherConnection = new PublisherConnection(init, socket, this.#deps);
    this.#connections.set(socket, connection);
    socket.resume();
    socket.once('close', () => this.#connections.delete(socket));
    return socket;
  }
}
