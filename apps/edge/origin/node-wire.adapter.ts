import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { checkServerIdentity, connect as connectSecure } from 'node:tls';
import type { OpenWire, Wire, WireOwner, WireTarget } from './http1-wire.ts';

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

function socketTo({ hostname, lookup, port, tls }: WireTarget): Socket {
  const to = { host: hostname, port, noDelay: true, ...(lookup === undefined ? {} : { lookup }) };
  if (tls === undefined) return connectPlain(to);
  const { ca, serverName } = tls;
  return connectSecure({
    ...to,
    // An address is no name that could be asked for.
    servername: isIP(serverName) === 0 ? serverName : '',
    checkServerIdentity: (_host, certificate) => checkServerIdentity(serverName, certificate),
    ALPNProtocols: ['http/1.1'],
    ...(ca === undefined ? {} : { ca }),
  });
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
