import { OperatingError } from '#kernel';
import { BlockList, connect, createServer, isIP, type AddressInfo, type Server, type Socket } from 'node:net';
import type { EdgeServer, EdgeServerInit, ListenEdgeServer } from './edge-server.ts';
import { readProxyHeader } from './proxy-protocol.codec.ts';
import { handOver, steerNoMore } from './steer-port.ts';

/** How long a balancer may take to say who is behind a connection, ms. */
const headerTimeoutMs = 5000;

/** Addresses and networks (`10.0.0.0/8`). @throws OperatingError `ADDRESS_INVALID` */
export function addressList(members: readonly string[]): BlockList {
  const list = new BlockList();
  for (const member of members) {
    const [address = '', bits] = member.split('/');
    const version = isIP(address);
    const most = version === 4 ? 32 : 128;
    const length = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN;
    if (version === 0 || !(length <= most))
      throw new OperatingError(`${member} is neither an address nor a network.`, { code: 'ADDRESS_INVALID', retryable: false });
    list.addSubnet(address, length, version === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}

/** An IPv4 client of a socket for both comes in IPv6's clothes. */
function plainAddress(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:(?=\d+\.)/, '');
}

function contains(list: BlockList, address: string): boolean {
  const version = isIP(address);
  return version !== 0 && list.check(address, version === 4 ? 'ipv4' : 'ipv6');
}

/** Who is really behind the connections that the front makes to the server behind it, by their port here. */
class Clients {
  readonly #byPort = new Map<number, string>();
  readonly #counts = new Map<string, number>();

  readonly of = (port: number): string | undefined => this.#byPort.get(port);

  countOf(address: string): number {
    return this.#counts.get(address) ?? 0;
  }

  join(address: string): () => void {
    this.#counts.set(address, this.countOf(address) + 1);
    return () => {
      const left = this.countOf(address) - 1;
      if (left > 0) this.#counts.set(address, left);
      else this.#counts.delete(address);
    };
  }

  name(port: number, address: string): () => void {
    this.#byPort.set(port, address);
    return () => this.#byPort.delete(port);
  }
}

/**
 * Lets balancers of these addresses say by the PROXY protocol whose connection it is; all others speak for themselves. No
 * runtime's server takes a header ahead of TLS: so this listens, and hands each connection on to the server on the loopback,
 * which asks back by the port that it came from. That costs a copy each way, and counts connections where Bun does not.
 */
export function behindProxyProtocol(listen: ListenEdgeServer, balancers: BlockList): ListenEdgeServer {
  return async (init) => {
    const clients = new Clients();
    const tls = init.tls === undefined ? undefined : { ...init.tls, http3: false };
    const inner = await listen({
      ...init,
      shared: false,
      tls,
      host: '127.0.0.1',
      port: 0,
      limits: { perClientMax: Number.MAX_SAFE_INTEGER },
      clientOf: clients.of,
    });
    try {
      return await openFront(init, { inner, clients, balancers });
    } catch (error) {
      await inner.close(0);
      throw error;
    }
  };
}

interface Behind {
  readonly inner: EdgeServer;
  readonly clients: Clients;
  readonly balancers: BlockList;
}

async function openFront(init: EdgeServerInit, behind: Behind): Promise<EdgeServer> {
  const open = new Set<Socket>();
  const front: Server = createServer({ pauseOnConnect: false, noDelay: true }, (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    socket.on('error', () => socket.destroy());
    const address = plainAddress(socket.remoteAddress);
    if (contains(behind.balancers, address)) readHeader(socket, (client, rest) => handOn(socket, client ?? address, rest, init, behind));
    else handOn(socket, address, undefined, init, behind);
  });
  await new Promise<void>((resolve, reject) => {
    front.once('error', reject);
    front.listen({ port: init.port, host: init.host, reusePort: init.shared === true }, () => resolve());
  });
  const { port } = front.address() as AddressInfo;
  if (init.shared === true) await steerNoMore(port);
  return {
    port,
    replaceCertificates: (identities) => behind.inner.replaceCertificates(identities),
    leave: () => handOver(port),
    sendAway: () => behind.inner.sendAway(),
    close: async (deadlineMs) => {
      front.close();
      await behind.inner.close(deadlineMs);
      for (const socket of open) socket.destroy();
    },
  };
}

/** A connection that does not say in time and in form who is behind it is closed. */
function readHeader(socket: Socket, done: (client: string | undefined, rest: Buffer) => void): void {
  let bytes = Buffer.alloc(0);
  const timer = setTimeout(() => socket.destroy(), headerTimeoutMs);
  socket.once('close', () => clearTimeout(timer));
  const read = (chunk: Buffer): void => {
    bytes = Buffer.concat([bytes, chunk]);
    const header = readProxyHeader(bytes);
    if (header.kind === 'more') return;
    socket.off('data', read);
    clearTimeout(timer);
    if (header.kind === 'invalid') return void socket.destroy();
    socket.pause();
    done(header.client, bytes.subarray(header.length));
  };
  socket.on('data', read);
}

function handOn(socket: Socket, client: string, early: Buffer | undefined, init: EdgeServerInit, { clients, inner }: Behind): void {
  if (clients.countOf(client) >= init.limits.perClientMax) return void socket.destroy();
  const leave = clients.join(client);
  socket.once('close', leave);
  const to = connect({ host: '127.0.0.1', port: inner.port, noDelay: true });
  to.on('error', () => to.destroy());
  to.once('close', () => socket.destroySoon());
  socket.once('close', () => to.destroySoon());
  to.once('connect', () => {
    to.once('close', clients.name(to.localPort as number, client));
    if (early !== undefined && early.length > 0) to.write(early);
    socket.pipe(to).pipe(socket);
  });
}
