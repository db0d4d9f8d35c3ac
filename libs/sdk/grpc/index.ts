import { Client, credentials, Metadata, type ChannelCredentials } from '@grpc/grpc-js';
import type { OutgoingEvent } from '../event/index.ts';
import type { Delivery, EventFilter, PublishResult, Start, Transport } from '../transport.ts';
import { decodePublishResponse, decodeSubscribeResponse, encodePublishRequest, encodeSubscribeRequest, grpcFailure } from './codec/index.ts';

export interface GrpcInit {
  /** `host:port` of the gateway's gRPC server. */
  readonly address: string;
  /** An API key or a JWT. */
  readonly key: string;
  /** True for TLS with the system's authorities, or what `credentials.createSsl` of grpc-js made; plain text when it is left out. */
  readonly tls?: boolean | ChannelCredentials;
}

const batchMax = { events: 1_000, bytes: 3_500_000 };
const publishPath = '/streams.v1.EventService/Publish';
const subscribePath = '/streams.v1.EventService/Subscribe';
/** A line that is dead without a word is found out by pings. */
const channelOptions = { 'grpc.keepalive_time_ms': 30_000, 'grpc.keepalive_timeout_ms': 10_000, 'grpc.max_receive_message_length': 16 * 1024 * 1024 };

function channelCredentials(tls: GrpcInit['tls']): ChannelCredentials {
  if (typeof tls === 'object') return tls;
  return tls === true ? credentials.createSsl() : credentials.createInsecure();
}

/** gRPC both ways, in Node and Bun: the quickest. */
class GrpcTransport implements Transport {
  readonly name = 'grpc';
  readonly batchMax = batchMax;
  readonly #client: Client;
  readonly #metadata = new Metadata();

  constructor({ address, key, tls }: GrpcInit) {
    this.#client = new Client(address, channelCredentials(tls), channelOptions);
    this.#metadata.set('authorization', `Bearer ${key}`);
  }

  publish(events: readonly OutgoingEvent[], signal: AbortSignal): Promise<readonly PublishResult[]> {
    return new Promise((resolve, reject) => {
      const decode = (bytes: Buffer): readonly PublishResult[] => decodePublishResponse(bytes, events);
      const call = this.#client.makeUnaryRequest(publishPath, encodePublishRequest, decode, events, this.#metadata, (error, results) => {
        signal.removeEventListener('abort', cancel);
        if (error === null && results !== undefined) resolve(results);
        else reject(grpcFailure(error));
      });
      const cancel = (): void => call.cancel();
      signal.addEventListener('abort', cancel, { once: true });
    });
  }

  async *subscribe(filter: EventFilter, start: Start, signal: AbortSignal): AsyncGenerator<Delivery> {
    const call = this.#client.makeServerStreamRequest(subscribePath, encodeSubscribeRequest, decodeSubscribeResponse, { filter, start }, this.#metadata);
    const cancel = (): void => call.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    try {
      for await (const delivery of call) yield delivery as Delivery;
    } catch (error) {
      throw grpcFailure(error);
    } finally {
      signal.removeEventListener('abort', cancel);
      call.cancel();
      // What was cancelled says so once more.
      call.on('error', () => undefined);
    }
  }

  close(): Promise<void> {
    this.#client.close();
    return Promise.resolve();
  }
}

export function grpc(init: GrpcInit): Transport {
  return new GrpcTransport(init);
}
