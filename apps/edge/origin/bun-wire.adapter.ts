import { isIP } from 'node:net';
import { bunRuntime, type BunSocket, type BunSocketHandlers } from '../server/bun-runtime.ts';
import type { OpenWire, Wire, WireOwner } from './http1-wire.ts';

class BunWire implements Wire {
  readonly #owner: WireOwner;
  readonly #isSecure: boolean;
  readonly #opening = Promise.withResolvers<Wire>();
  #isOpen = false;
  #isOver = false;
  #socket: BunSocket | undefined;
  /** What could not be written yet. */
  #unsent: Uint8Array | undefined;

  constructor(owner: WireOwner, isSecure: boolean) {
    this.#owner = owner;
    this.#isSecure = isSecure;
  }

  get opened(): Promise<Wire> {
    return this.#opening.promise;
  }

  get isFull(): boolean {
    return this.#unsent !== undefined;
  }

  write(bytes: string | Uint8Array): void {
    if (this.#unsent !== undefined) {
      this.#unsent = Buffer.concat([this.#unsent, Buffer.from(bytes as Uint8Array)]);
      return;
    }
    const sent = Math.max(0, (this.#socket as BunSocket).write(bytes));
    if (sent < bytes.length) this.#unsent = (typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes).subarray(sent);
  }

  pause(): void {
    this.#socket?.pause();
  }

  resume(): void {
    this.#socket?.resume();
  }

  /** There may be no socket yet: until it is connected to, or refused, Bun has nothing that could be ended. */
  terminate(): void {
    this.#isOver = true;
    this.#socket?.terminate();
  }

  connected(socket: BunSocket): void {
    this.#socket = socket;
    if (this.#isOver) return socket.terminate();
    if (!this.#isSecure) this.#open();
  }

  /** Bun has checked the certificate and its name. */
  shaken(trusted: boolean, error: unknown): void {
    if (this.#isOpen) return;
    if (trusted) return this.#open();
    this.failed(error ?? new Error('TLS was not agreed upon.'));
    this.terminate();
  }

  failed(error: unknown): void {
    this.#opening.reject(error);
  }

  received(bytes: Buffer): void {
    if (this.#isOpen) this.#owner.received(bytes);
  }

  drained(): void {
    if (this.#unsent === undefined || this.#socket === undefined) return;
    const sent = Math.max(0, this.#socket.write(this.#unsent));
    this.#unsent = sent >= this.#unsent.length ? undefined : this.#unsent.subarray(sent);
    if (this.#unsent === undefined) this.#owner.drained();
  }

  finished(): void {
    if (this.#isOpen) this.#owner.finished();
  }

  closed(error: unknown): void {
    if (this.#isOpen) this.#owner.closed(error);
    else this.failed(Object.assign(new Error('The origin closed the connection.', { cause: error }), { code: 'ECONNRESET' }));
  }

  #open(): void {
    this.#isOpen = true;
    this.#opening.resolve(this);
  }
}

const handlers: BunSocketHandlers<BunWire> = {
  open: (socket) => socket.data.connected(socket),
  handshake: (socket, trusted, error) => socket.data.shaken(trusted, error),
  data: (socket, bytes) => socket.data.received(bytes),
  drain: (socket) => socket.data.drained(),
  end: (socket) => socket.data.finished(),
  close: (socket, error) => socket.data.closed(error),
  error: (socket, error) => socket.data.closed(error),
};

/** RFC 6066 section 3: an address is no name that could be asked for. Bun judges the certificate by what it connects to then. */
function askedFor(serverName: string, hostname: string): string {
  return serverName === hostname && isIP(hostname) !== 0 ? '' : serverName;
}

/** RFC 7301 section 3.1. */
const http1 = Buffer.from('\x08http/1.1', 'latin1');

/** Of names Bun connects to whichever address it finds: who judges addresses hands one in. */
export const openOnBun: OpenWire = ({ hostname, port, tls }, owner, opening) => {
  const wire = new BunWire(owner, tls !== undefined);
  opening.tell(() => wire.terminate());
  const secure =
    tls === undefined
      ? {}
      : {
          tls: {
            serverName: askedFor(tls.serverName, hostname),
            rejectUnauthorized: true,
            ALPNProtocols: http1,
            ...(tls.ca === undefined ? {} : { ca: tls.ca }),
          } as const,
        };
  bunRuntime()
    .connect({ hostname, port, socket: handlers, data: wire, ...secure })
    .catch((error: unknown) => wire.failed(error));
  return wire.opened;
};
