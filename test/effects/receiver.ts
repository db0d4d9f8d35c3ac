import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly path: string;
}

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Answers nothing at all. */
  readonly silent?: boolean;
}

/** A receiver of webhooks that does what a test tells it, and keeps what it got. */
export class Receiver {
  readonly received: Received[] = [];
  readonly #server: Server;
  reply: (request: Received) => Reply | Promise<Reply> = () => ({ status: 204 });

  private constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const got = { headers: request.headers, body: Buffer.concat(chunks).toString(), path: request.url ?? '' };
        this.received.push(got);
        void Promise.resolve(this.reply(got)).then(({ status, headers = {}, body = '', silent = false }) => {
          if (!silent) response.writeHead(status, headers).end(body);
        });
      });
    });
  }

  static async open(): Promise<Receiver> {
    const receiver = new Receiver();
    await new Promise<void>((resolve) => receiver.#server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** The check that the specification asks of receivers, written anew: which of the signatures are by the secret. */
export function signaturesBy(secret: string, { headers, body }: Received): number {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const expected = createHmac('sha256', key).update(`${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`).digest('base64');
  return String(headers['webhook-signature'])
    .split(' ')
    .filter((signature) => signature === `v1,${expected}`).length;
}
