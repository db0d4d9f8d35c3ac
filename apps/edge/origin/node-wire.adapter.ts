import { connect as connectPlain, isIP, type Socket, type TcpNetConnectOpts } from 'node:net';
import { checkServerIdentity, connect as connectSecure, type TLSSocket } from 'node:tls';
import type { OpenWire, Wire, WireOwner, WireTarget, WireTls } from './http1-wire.ts';

class NodeWire implements Wire {
  readonly #socket: Socket;

  constructor(socket: Socket, owner: WireOwner) {
    this.#socket = socket;
    socket.on('data', (bytes: Buffer) => owner.received(bytes));
    socket.on('drain', () => owner.drained());
    socket.on('end', () => owner.finished());
    socket.on('error', (error) => owner.closed(error));
    socket.on('close', () => owner.closed());
  }

  get isFull(): boolean {
    return this.#socket.writableNeedDrain;
  }

  write(bytes: string | Uint8Array): void {
    this.#socket.write(bytes, 'latin1');
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  terminate(): void {
    this.#socket.destroy();
  }
}

function placeOf({ hostname, lookup, port }: WireTarget): TcpNetConnectOpts {
  return { host: hostname, port, noDelay: true, ...(lookup === undefined ? {} : { lookup }) };
}

/** @param protocols that it may agree on (ALPN) */
export function secureSocketTo(target: WireTarget & { readonly tls: WireTls }, protocols: string[]): TLSSocket {
  const { ca, serverName } = target.tls;
  return connectSecure({
    ...placeOf(target),
    // An address is no name that could be asked for.
    servername: isIP(serverName) === 0 ? serverName : '',
    checkServerIdentity: (_host, certificate) => checkServerIdentity(serverName, certificate),
    ALPNProtocols: protocols,
    ...(ca === undefined ? {} : { ca }),
  });
}

function socketTo(target: WireTarget): Socket {
  const { tls } = target;
  return tls === undefined ? connectPlain(placeOf(target)) : secureSocketTo({ ...target, tls }, ['http/1.1']);
}

export const openOnNode: OpenWire = (target, owner, opening) => {
  const { promise, reject, resolve } = Promise.withResolvers<Wire>();
  const socket = socketTo(target);
  opening.tell(() => socket.destroy());
  socket.on('error', reject);
  socket.once('close', () => reject(Object.assign(new Error('The origin closed the connection.'), { code: 'ECONNRESET' })));
  socket.once(target.tls === undefined ? 'connect' : 'secureConnect', () => resolve(new NodeWire(socket, owner)));
  return promise;
};
