import type { OutgoingEvent } from '../event/index.ts';
import { KafkaBytes } from './kafka-bytes.codec.ts';
import { kafkaMessageOf, type KafkaMessage, type KafkaMessageOptions } from './kafka-message.codec.ts';

/** As much of a kafkajs producer as is needed; connected, and closed by whoever made it. */
export interface KafkaJsProducer {
  sendBatch(batch: {
    readonly topicMessages: Array<{ readonly topic: string; readonly messages: KafkaMessage[] }>;
    readonly acks?: number;
  }): Promise<ReadonlyArray<{ readonly topicName: string; readonly partition: number; readonly errorCode: number; readonly baseOffset?: string }>>;
}

/** As much of a producer of `@platformatic/kafka` (with string serializers) as is needed. */
export interface PlatformaticProducer {
  send(options: { readonly messages: Array<{ readonly topic: string } & KafkaMessage>; readonly acks?: number }): Promise<ProducerAnswer>;
}

interface ProducerAnswer {
  readonly offsets?: ReadonlyArray<{ readonly topic: string; readonly partition: number; readonly offset: bigint }>;
}

/** Where the SDK makes the producer itself, by `@platformatic/kafka`, which has to be installed beside it. */
export interface KafkaBrokers {
  /** `host:port` of some brokers. */
  readonly brokers: readonly string[];
  /** As brokers log it; `streams-sdk`. */
  readonly clientId?: string;
  /** Of the batches; `none`, which every consumer reads. `lz4` costs least on both sides; kafkajs needs a codec for it. */
  readonly compression?: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';
  /** `sasl`, `tls` and whatever else a client of `@platformatic/kafka` takes. */
  readonly client?: object;
}

/** Writes events to one partition. */
export interface PartitionProducer {
  /** Resolves with the offset of the first, -1 when that is not told. @throws whatever the client throws */
  send(topic: string, partition: number, events: readonly OutgoingEvent[]): Promise<bigint>;
  close(): Promise<void>;
}

const acksOfAll = -1;
const nothingToClose = (): Promise<void> => Promise.resolve();

export function kafkaJsPartitions(producer: KafkaJsProducer, said: KafkaMessageOptions): PartitionProducer {
  return {
    async send(topic, _, events) {
      const messages = events.map((event) => kafkaMessageOf(event, said));
      const [written] = await producer.sendBatch({ topicMessages: [{ topic, messages }], acks: acksOfAll });
      return BigInt(written?.baseOffset ?? -1);
    },
    close: nothingToClose,
  };
}

export function platformaticPartitions(producer: PlatformaticProducer, said: KafkaMessageOptions): PartitionProducer {
  return {
    async send(topic, _, events) {
      const { offsets } = await producer.send({ messages: events.map((event) => ({ topic, ...kafkaMessageOf(event, said) })), acks: acksOfAll });
      return offsets?.[0]?.offset ?? -1n;
    },
    close: nothingToClose,
  };
}

/**
 * A broker that is silent is waited for as long as its connection holds: what is sent again before an answer came could not
 * be told from a second event by the broker, for the client gives it a new sequence.
 */
const requestTimeoutMs = 600_000;
const retryDelayMs = 250;

interface OwnProducer {
  send(options: { readonly messages: unknown[]; readonly acks: number }): Promise<ProducerAnswer>;
  close(force: boolean): Promise<void>;
}

/** On a producer of our own: idempotent, and fed with bytes, which is what a producer costs least with. */
export function ownPartitions({ brokers, clientId = 'streams-sdk', compression = 'none', client }: KafkaBrokers, said: KafkaMessageOptions): PartitionProducer {
  const bytes = new KafkaBytes(said);
  let producer: Promise<OwnProducer> | undefined;
  const make = async (): Promise<OwnProducer> => {
    const { Producer } = await import('@platformatic/kafka');
    const own = { idempotent: true, compression, retryDelay: retryDelayMs, requestTimeout: requestTimeoutMs };
    return new Producer({ clientId, bootstrapBrokers: [...brokers], ...client, ...own }) as unknown as OwnProducer;
  };
  return {
    async send(topic, partition, events) {
      producer ??= make();
      const messages = events.map((event) => bytes.message(event, topic, partition));
      const { offsets } = await (await producer).send({ messages, acks: acksOfAll });
      return offsets?.[0]?.offset ?? -1n;
    },
    close: async () => (await producer)?.close(true),
  };
}
