import { isIP } from 'node:net';
import { Connection, type Reader, type SASLOptions, type Writer } from '@platformatic/kafka';
import { eventLogErrors } from '#ports';
import type { KafkaLogInit } from '../kafka-log.types.ts';

const connectTimeoutMs = 5000;
/** Longer than any wait that a request asks the broker for. */
const requestTimeoutMs = 10_000;

export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
}

/** A request that this library encodes itself. */
export interface WireApi<Answer> {
  readonly key: number;
  readonly version: number;
  readonly parse: (correlationId: number, apiKey: number, apiVersion: number, reader: Reader) => Answer;
}

/**
 * Connections to brokers, one for each use: a broker answers the requests of a connection one after the other, so that
 * one which waits (for replicas, for new records) holds up those behind it.
 */
export class Connections {
  readonly #init: KafkaLogInit;
  readonly #open = new Map<string, Promise<Connection>>();
  #closed = false;

  constructor(init: KafkaLogInit) {
    this.#init = init;
  }

  /** The connection for this use, opened when there is none. @throws as the network does */
  get(address: BrokerAddress, use: string): Promise<Connection> {
    if (this.#closed) return Promise.reject(eventLogErrors.closed());
    const name = `${address.host}:${address.port}/${use}`;
    const known = this.#open.get(name);
    if (known !== undefined) return known;
    const opening = this.#connect(address, () => this.#open.delete(name));
    this.#open.set(name, opening);
    opening.catch(() => this.#open.delete(name));
    return opening;
  }

  async #connect({ host, port }: BrokerAddress, onClose: () => void): Promise<Connection> {
    const { clientId, tls } = this.#init;
    const sasl = this.#sasl();
    const connection = new Connection(clientId, {
      connectTimeout: connectTimeoutMs,
      requestTimeout: requestTimeoutMs,
      maxInflights: 64,
      // Only names are sent (RFC 6066, section 3), and Bun refuses an address; the certificate is held against the host either way.
      ...(tls === undefined
        ? {}
        : { tls: Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined)), tlsServerName: isIP(host) === 0 }),
      ...(sasl === undefined ? {} : { sasl }),
    });
    // Every request in flight fails by itself; the event would end the process.
    connection.on('error', onClose);
    connection.on('close', onClose);
    await connection.connect(host, port);
    return connection;
  }

  #sasl(): SASLOptions | undefined {
    const { sasl } = this.#init;
    if (sasl === undefined) return undefined;
    const { mechanism, username, password } = sasl;
    if (mechanism === 'OAUTHBEARER') return { mechanism, token: password ?? '' };
    return { mechanism, username: username ?? '', password: password ?? '' };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled([...this.#open.values()].map(async (opening) => (await opening).close()));
  }
}

/** Sends a request of our own encoding. */
export function send<Answer>(connection: Connection, api: WireApi<Answer>, create: () => Writer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    connection.send(api.key, api.version, create, api.parse, true, true, (error, answer) => {
      if (error) reject(error);
      else resolve(answer as Answer);
    });
  });
}
