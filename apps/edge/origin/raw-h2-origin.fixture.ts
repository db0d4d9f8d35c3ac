import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { fieldBlock, flags, frameOf, frameTypes } from '../server/raw-h2.fixture.ts';

const prefaceBytes = 24;

/** What a test answers with. */
export interface RawRequest {
  readonly stream: number;
  send(...frames: readonly Uint8Array[]): void;
}

export const headOf = (stream: number, ...more: ReadonlyArray<readonly [string, string]>): Buffer =>
  frameOf(frameTypes.headers, flags.endHeaders, stream, fieldBlock([[':status', '200'], ['cache-control', 'no-store'], ...more]));

export const dataOf = (stream: number, text: string, ends = false): Buffer => frameOf(frameTypes.data, ends ? flags.endStream : 0, stream, Buffer.from(text));

/** SETTINGS_MAX_CONCURRENT_STREAMS. */
export function streamsAtOnce(streams: number): Buffer {
  const payload = Buffer.alloc(6);
  payload.writeUInt16BE(3);
  payload.writeUInt32BE(streams, 2);
  return frameOf(frameTypes.settings, 0, 0, payload);
}

/** An origin of HTTP/2 that says what a test wants, right or wrong. */
export class RawH2Origin {
  readonly sockets = new Set<TLSSocket>();
  opened = 0;
  /** Connections beyond that are ended as soon as they come. */
  connectionsMax = Number.POSITIVE_INFINITY;
  settings: Uint8Array = frameOf(frameTypes.settings, 0, 0);
  answer: (request: RawRequest) => void = ({ send, stream }) => send(headOf(stream), dataOf(stream, 'right', true));
  readonly #server: Server;

  constructor(key: string, cert: string) {
    this.#server = createServer({ key, cert, ALPNProtocols: ['h2'] }, (socket) => this.#serve(socket));
    this.#server.on('connection', (socket: Socket) => void (this.sockets.size >= this.connectionsMax && socket.resetAndDestroy()));
    // Those who leave amid the handshake.
    this.#server.on('tlsClientError', () => undefined);
  }

  async listen(port = 0): Promise<string> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    return `https://localhost:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
    this.#server.close();
  }

  #serve(socket: TLSSocket): void {
    this.opened++;
    this.sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => this.sockets.delete(socket));
    const send = (...frames: readonly Uint8Array[]): void => void (socket.destroyed || socket.write(Buffer.concat(frames)));
    send(this.settings);
    let rest: Buffer = Buffer.alloc(0);
    let skip = prefaceBytes;
    socket.on('data', (bytes: Buffer) => {
      rest = Buffer.concat([rest, bytes]);
      while (rest.length >= skip + 9 && rest.length >= skip + 9 + rest.readUIntBE(skip, 3)) {
        const frame = rest.subarray(skip, skip + 9 + rest.readUIntBE(skip, 3));
        rest = rest.subarray(skip + frame.length);
        skip = 0;
        const [type, flag] = [frame[3] as number, frame[4] as number];
        if (type === frameTypes.settings && (flag & flags.ack) === 0) send(frameOf(frameTypes.settings, flags.ack, 0));
        if (type === frameTypes.headers) this.answer({ send, stream: frame.readUInt32BE(5) & 0x7fffffff });
      }
    });
  }
}
