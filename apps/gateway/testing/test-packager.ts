import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { encodeEdgeFrame, type EdgeMessage } from '#core/live-edge';

/** A process that encodes a stream, as the gateway sees it: it tells what the test says, in one session. */
export class TestPackager {
  readonly #server: Server;
  readonly #readers = new Set<ServerResponse>();
  #told: Array<readonly [EdgeMessage, Uint8Array]> = [];
  /** Readers that have come so far. */
  connections = 0;

  private constructor(sessionId: string) {
    this.#server = createServer((request, response) => {
      if (new URL(request.url ?? '', 'http://media').searchParams.get('session') !== sessionId) return void response.writeHead(404).end();
      this.connections += 1;
      response.writeHead(200);
      response.flushHeaders();
      this.#readers.add(response);
      response.once('close', () => this.#readers.delete(response));
      for (const told of this.#told) write(response, ...told);
      write(response, { kind: 'beat' }, new Uint8Array(0));
    });
  }

  static async open(sessionId = 's-1'): Promise<TestPackager> {
    const packager = new TestPackager(sessionId);
    packager.#server.listen(0, '127.0.0.1');
    await once(packager.#server, 'listening');
    return packager;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/live-edge/st`;
  }

  tell(message: EdgeMessage, bytes: Uint8Array = new Uint8Array(0)): void {
    this.#told.push([message, bytes]);
    for (const reader of this.#readers) write(reader, message, bytes);
  }

  /** Connections break off, and the process goes on. */
  breakOff(): void {
    for (const reader of this.#readers) reader.destroy();
  }

  /** Connections break off, and what was told is forgotten, as when the process is killed and started again. */
  die(): void {
    this.#told = [];
    this.breakOff();
  }

  /** What is no live edge at all. */
  babble(): void {
    for (const reader of this.#readers) reader.write(Buffer.alloc(64, 0xff));
  }

  get readers(): number {
    return this.#readers.size;
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}

function write(response: ServerResponse, message: EdgeMessage, bytes: Uint8Array): void {
  response.write(encodeEdgeFrame(message, bytes.length));
  if (bytes.length > 0) response.write(bytes);
}
