import { problem } from '../cache/problem.ts';
import { isSource, type ByteSource, type EdgeHandler, type EdgeReply } from './exchange.ts';

export interface ClientLoadInit {
  /** Answers of one client address that are on their way at once. */
  readonly requestsMax: number;
  readonly cacheName: string;
}

/**
 * Keeps one client from taking up everything: so many of its requests may wait for the origin, or be streamed, at once. Hits do
 * not wait, and cost nothing here until somebody is over the limit.
 */
export class ClientLoad {
  readonly #init: ClientLoadInit;
  readonly #underWay = new Map<string, number>();
  readonly #crowded = new Set<string>();
  #total = 0;

  constructor(init: ClientLoadInit) {
    this.#init = init;
  }

  /** Answers on their way, of all clients. */
  get total(): number {
    return this.#total;
  }

  limit(handler: EdgeHandler): EdgeHandler {
    return (request) => {
      if (this.#crowded.size > 0 && this.#crowded.has(request.clientAddress)) return this.#refused(request.target);
      const reply = handler(request);
      return reply instanceof Promise ? this.#counted(request.clientAddress, reply) : reply;
    };
  }

  async #counted(address: string, waiting: Promise<EdgeReply>): Promise<EdgeReply> {
    this.#add(address, 1);
    let streams = false;
    try {
      const reply = await waiting;
      streams = isSource(reply.body);
      return isSource(reply.body) ? { head: reply.head, body: this.#untilEnd(address, reply.body) } : reply;
    } finally {
      if (!streams) this.#add(address, -1);
    }
  }

  #untilEnd(address: string, body: ByteSource): ByteSource {
    let ended = false;
    const end = (): void => {
      if (!ended) this.#add(address, -1);
      ended = true;
    };
    return {
      read: async () => {
        try {
          const bytes = await body.read();
          if (bytes === undefined) end();
          return bytes;
        } catch (error) {
          end();
          throw error;
        }
      },
      cancel: () => {
        end();
        body.cancel();
      },
    };
  }

  #add(address: string, change: 1 | -1): void {
    this.#total += change;
    const count = (this.#underWay.get(address) ?? 0) + change;
    if (count === 0) this.#underWay.delete(address);
    else this.#underWay.set(address, count);
    if (count >= this.#init.requestsMax) this.#crowded.add(address);
    else this.#crowded.delete(address);
  }

  #refused(target: string): EdgeReply {
    const { cacheName, requestsMax } = this.#init;
    const detail = `${requestsMax} requests of this address are under way.`;
    return problem({ status: 429, detail, target, cacheName, outcome: undefined, error: 'http_request_denied' }, [['retry-after', '1']]);
  }
}
