import { StreamsError } from '../errors.ts';
import type { OutgoingEvent } from '../event/index.ts';
import type { Accepted, PublishResult, Transport } from '../transport.ts';
import { kafkaFailure } from './kafka-failure.ts';
import { kafkaMessageOf, type KafkaMessage } from './kafka-message.codec.ts';

/** As much of a kafkajs producer as is needed; connected, and closed by whoever made it. */
export interface KafkaJsProducer {
  sendBatch(batch: {
    readonly topicMessages: Array<{ readonly topic: string; readonly messages: KafkaMessage[] }>;
    readonly acks?: number;
  }): Promise<ReadonlyArray<{ readonly topicName: string; readonly partition: number; readonly errorCode: number; readonly baseOffset?: string }>>;
}

/** As much of a producer of `@platformatic/kafka` (with string serializers) as is needed. */
export interface PlatformaticProducer {
  send(options: {
    readonly messages: Array<{ readonly topic: string } & KafkaMessage>;
    readonly acks?: number;
  }): Promise<{ readonly offsets?: ReadonlyArray<{ readonly topic: string; readonly partition: number; readonly offset: bigint }> }>;
}

export interface KafkaTransportInit {
  /** Of kafkajs or `@platformatic/kafka`. Make it idempotent: then a retry inside of it is no second event. */
  readonly producer: KafkaJsProducer | PlatformaticProducer;
  /** `KAFKA_TOPIC_PREFIX` of the installation. */
  readonly topicPrefix?: string;
  /** Whose events these are; `default`, the platform's own. */
  readonly tenant?: string;
  /** Who publishes, for the audit trail. */
  readonly actor?: string;
}

const batchMax = { events: 1_000, bytes: 1_000_000 };
const acksOfAll = -1;

/** Publishes straight to Kafka, past the gateway: checked here against the catalogue, and by the platform when it reads. */
export function kafka({ producer, topicPrefix = '', tenant, actor }: KafkaTransportInit): Transport {
  const said = { ...(tenant === undefined ? {} : { tenant }), ...(actor === undefined ? {} : { actor }) };
  return {
    name: 'kafka',
    batchMax,
    async publish(events) {
      const records = events.map((event) => ({ event, topic: topicPrefix + event.context, message: kafkaMessageOf(event, said) }));
      const bases = await send(producer, records);
      return records.map((record) => accepted(record, bases));
    },
    // oxlint-disable-next-line require-yield -- it only says no
    async *subscribe() {
      throw new StreamsError('Read from Kafka with a consumer of its own and fromKafkaMessage, or subscribe by REST or gRPC.', {
        code: 'UNSUPPORTED',
        retryable: false,
      });
    },
    close: () => Promise.resolve(),
  };
}

interface Routed {
  readonly event: OutgoingEvent;
  readonly topic: string;
  readonly message: KafkaMessage;
}

/** The next offset of each partition that was written to, as `topic/partition`. */
type Bases = Map<string, bigint>;

function accepted({ event, topic, message: { partition } }: Routed, bases: Bases): PublishResult {
  const place = `${topic}/${partition}`;
  const offset = bases.get(place) ?? -1n;
  // A batch lies on its partition in the order in which it was handed in.
  if (offset >= 0n) bases.set(place, offset + 1n);
  return { accepted: true, id: event.id, topic: event.context, partition, offset, duplicate: false } satisfies Accepted;
}

async function send(producer: KafkaTransportInit['producer'], records: readonly Routed[]): Promise<Bases> {
  try {
    return 'sendBatch' in producer ? await sendByKafkaJs(producer, records) : await sendByPlatformatic(producer, records);
  } catch (error) {
    throw kafkaFailure(error);
  }
}

async function sendByKafkaJs(producer: KafkaJsProducer, records: readonly Routed[]): Promise<Bases> {
  const byTopic = new Map<string, KafkaMessage[]>();
  for (const { topic, message } of records) {
    const messages = byTopic.get(topic);
    if (messages === undefined) byTopic.set(topic, [message]);
    else messages.push(message);
  }
  const topicMessages = [...byTopic].map(([topic, messages]) => ({ topic, messages }));
  const written = await producer.sendBatch({ topicMessages, acks: acksOfAll });
  return new Map(written.map(({ topicName, partition, baseOffset }) => [`${topicName}/${partition}`, BigInt(baseOffset ?? -1)]));
}

async function sendByPlatformatic(producer: PlatformaticProducer, records: readonly Routed[]): Promise<Bases> {
  const { offsets = [] } = await producer.send({ messages: records.map(({ topic, message }) => ({ topic, ...message })), acks: acksOfAll });
  return new Map(offsets.map(({ topic, partition, offset }) => [`${topic}/${partition}`, offset]));
}
