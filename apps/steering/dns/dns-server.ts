import type { Logger } from '#runtime';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { networkOf } from '../steering/network.core.ts';
import { readQuery, udpLimitOf, writeFormatError, writeReply, writeTruncated, type DnsQuestion, type DnsReply } from './dns-message.codec.ts';
import type { ResponseRate } from './response-rate.core.ts';

export interface DnsServerInit {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

export interface DnsServerDeps {
  readonly answer: (question: DnsQuestion, resolverAddress: string) => DnsReply;
  readonly rate: ResponseRate;
  readonly now: () => number;
  readonly logger: Logger;
  readonly count: (outcome: 'answered' | 'malformed' | 'ignored' | 'limited' | 'failed', transport: 'udp' | 'tcp') => void;
}

const tcpLimits = { connectionsMax: 512, idleMs: 10_000, frameBytesMax: 4096, queriesMax: 1000 };

/** DNS over UDP and TCP (RFC 1035 section 4.2, RFC 7766) on one port. */
export class DnsServer {
  readonly #init: DnsServerInit;
  readonly #deps: DnsServerDeps;
  readonly #tcp: Server;
  readonly #open = new Set<Socket>();
  #udp: UdpSocket | undefined;

  constructor(init: DnsServerInit, deps: DnsServerDeps) {
    this.#init = init;
    this.#deps = deps;
    this.#tcp = createServer({ noDelay: true }, (socket) => this.#accept(socket));
    this.#tcp.maxConnections = tcpLimits.connectionsMax;
  }

  get port(): number {
    return (this.#tcp.address() as AddressInfo).port;
  }

  /** @throws Error with `code` EADDRINUSE */
  async listen(): Promise<void> {
    const { host, port } = this.#init;
    this.#tcp.listen(port, host);
    await once(this.#tcp, 'listening');
    const udp = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    udp.on('message', (bytes, from) => this.#datagram(udp, bytes, from));
    const bound = once(udp, 'listening');
    udp.bind(this.port, host);
    await bound;
    udp.on('error', (err) => this.#deps.logger.warn({ err }, 'DNS over UDP'));
    this.#udp = udp;
  }

  close(): void {
    this.#udp?.close();
    this.#tcp.close();
    for (const socket of this.#open) socket.destroy();
  }

  #datagram(udp: UdpSocket, bytes: Buffer, { address, port }: { readonly address: string; readonly port: number }): void {
    const { count, now, rate } = this.#deps;
    const query = readQuery(bytes);
    // A port of 0 answers nobody.
    if (query.is === 'ignored' || port === 0) return count('ignored', 'udp');
    const verdict = rate.take(networkOf(address), now());
    if (verdict !== 'answer') count('limited', 'udp');
    if (verdict === 'drop') return undefined;
    const answer =
      query.is === 'malformed'
        ? this.#malformed(query, 'udp')
        : verdict === 'truncate'
          ? writeTruncated(query.question)
          : this.#answer(query.question, address, 'udp', udpLimitOf(query.question));
    if (answer !== undefined) udp.send(answer, port, address, () => undefined);
    return undefined;
  }

  #malformed(head: Parameters<typeof writeFormatError>[0], transport: 'udp' | 'tcp'): Buffer {
    this.#deps.count('malformed', transport);
    return writeFormatError(head);
  }

  /** What cannot be answered must not end the process for everybody else. */
  #answer(question: DnsQuestion, address: string, transport: 'udp' | 'tcp', bytesMax: number): Buffer | undefined {
    const { answer, count, logger } = this.#deps;
    try {
      const bytes = writeReply(question, answer(question, address), bytesMax);
      count('answered', transport);
      return bytes;
    } catch (err) {
      count('failed', transport);
      logger.error({ err, name: question.name, type: question.type }, 'a question cannot be answered');
      return undefined;
    }
  }

  #accept(socket: Socket): void {
    this.#open.add(socket);
    socket.once('close', () => this.#open.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.setTimeout(tcpLimits.idleMs, () => socket.destroy());
    const address = socket.remoteAddress ?? '';
    let rest: Buffer = Buffer.alloc(0);
    let queries = 0;
    socket.on('data', (chunk: Buffer) => {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      while (rest.length >= 2) {
        const length = rest.readUInt16BE(0);
        if (length > tcpLimits.frameBytesMax || ++queries > tcpLimits.queriesMax) return void socket.destroy();
        if (rest.length < 2 + length) {
          queries--;
          break;
        }
        const answer = this.#framed(rest.subarray(2, 2 + length), address);
        rest = rest.subarray(2 + length);
        if (answer === undefined) return void socket.destroy();
        const head = Buffer.alloc(2);
        head.writeUInt16BE(answer.length, 0);
        // Who asks and does not read is cut off.
        if (!socket.write(Buffer.concat([head, answer])) && socket.writableLength > 65_536) return void socket.destroy();
      }
      return undefined;
    });
  }

  #framed(bytes: Buffer, address: string): Buffer | undefined {
    const query = readQuery(bytes);
    if (query.is === 'question') return this.#answer(query.question, address, 'tcp', 65_535);
    if (query.is === 'malformed') return this.#malformed(query, 'tcp');
    this.#deps.count('ignored', 'tcp');
    return undefined;
  }
}
