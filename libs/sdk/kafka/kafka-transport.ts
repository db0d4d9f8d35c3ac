import { topicPartitions } from '../../events/index.ts';
import { partitionOf } from '../../kernel/index.ts';
import { StreamsError } from '../errors.ts';
import type { OutgoingEvent } from '../event/index.ts';
import type { PublishResult, Transport } from '../transport.ts';
import { kafkaFailure } from './kafka-failure.ts';
import {
  kafkaJsPartitions,
  ownPartitions,
  platformaticPartitions,
  type KafkaBrokers,
  type KafkaJsProducer,
  type PartitionProducer,
  type PlatformaticProducer,
} from './partition-producer.ts';

export interface KafkaProducer {
  /** Of kafkajs or `@platformatic/kafka`. Make it idempotent, and leave its retries as they are then: endless. */
  readonly producer: KafkaJsProducer | PlatformaticProducer;
}

interface KafkaEvents {
  /** `KAFKA_TOPIC_PREFIX` of the installation. */
  readonly topicPrefix?: string;
  /** Whose events these are; `default`, the platform's own. */
  readonly tenant?: string;
  /** Who publishes, for the audit trail. */
  readonly actor?: string;
}

export type KafkaTransportInit = KafkaEvents & (KafkaProducer | KafkaBrokers);

const batchMax = { events: 1_000, bytes: 900_000 };

/** Events of one call and one partition, and what became of them. */
class Share {
  readonly topic: string;
  readonly partition: number;
  readonly events: OutgoingEvent[] = [];
  /** Of each event, in their order. */
  readonly results: PublishResult[] = [];
  /** From here on it may be on the log. */
  isSent = false;
  settled: Promise<void> = Promise.resolve();

  constructor(topic: string, partition: number) {
    this.topic = topic;
    this.partition = partition;
  }

  /** @param base offset of the first; -1 when that is not told */
  accepted(events: readonly OutgoingEvent[], base: bigint): void {
    const { partition } = this;
    // A batch lies on its partition in the order in which it was handed in.
    let offset = base;
    for (const { id, context } of events) {
      this.results.push({ accepted: true, id, topic: context, partition, offset, duplicate: false });
      if (base >= 0n) offset++;
    }
  }

  refused(events: readonly OutgoingEvent[], { code, message, retryable }: StreamsError): void {
    for (const event of events) this.results.push({ accepted: false, id: event.id, code, field: '', message, retryable });
  }
}

/**
 * Straight to Kafka, past the gateway: checked here against the catalogue, and by the platform when it reads.
 *
 * To each partition one batch at a time is under way, and nothing follows it before its outcome is known: an idempotent
 * producer then repeats it under the sequence that it had, which brokers recognise. An attempt that was given up goes on
 * within the producer; whoever tries its events again gets that one's outcome instead of a second event.
 */
class KafkaTransport implements Transport {
  readonly name = 'kafka';
  readonly batchMax = batchMax;
  readonly lanes = topicPartitions;
  readonly #topicPrefix: string;
  readonly #producer: PartitionProducer;
  /** The batch under way of each partition, as `topic/partition`. */
  readonly #underWay = new Map<string, Promise<void>>();
  /** Sent by attempts that were given up. */
  #abandoned: WeakMap<OutgoingEvent, Share> | undefined;

  constructor(producer: PartitionProducer, topicPrefix: string) {
    this.#producer = producer;
    this.#topicPrefix = topicPrefix;
  }

  laneOf({ key }: OutgoingEvent): number {
    return partitionOf(key, topicPartitions);
  }

  async publish(events: readonly OutgoingEvent[], signal: AbortSignal): Promise<readonly PublishResult[]> {
    const shares = this.#abandoned === undefined ? [...this.#sharesOf(events)] : this.#joined(events, this.#abandoned);
    let giveUp = (): void => undefined;
    const given = new Promise<void>((resolve) => (giveUp = resolve));
    const abandon = (): void => {
      this.#abandoned ??= new WeakMap();
      for (const share of shares) if (share.isSent) for (const event of share.events) this.#abandoned.set(event, share);
      giveUp();
    };
    signal.addEventListener('abort', abandon, { once: true });
    for (const share of shares) if (!share.isSent) share.settled = this.#deliver(share, signal, given);
    await Promise.all(shares.map(({ settled }) => settled));
    signal.removeEventListener('abort', abandon);
    // They were told; what is still refused may be sent again.
    if (!signal.aborted && this.#abandoned !== undefined) for (const event of events) this.#abandoned.delete(event);
    return results(events, shares);
  }

  /** What was sent before is joined, the rest is shared out anew. */
  #joined(events: readonly OutgoingEvent[], abandoned: WeakMap<OutgoingEvent, Share>): Share[] {
    const before = events.map((event) => abandoned.get(event));
    return [...new Set(before.filter((share) => share !== undefined)), ...this.#sharesOf(events.filter((_, at) => before[at] === undefined))];
  }

  #sharesOf(events: readonly OutgoingEvent[]): Iterable<Share> {
    const shares = new Map<string, Share>();
    for (const event of events) {
      const partition = this.laneOf(event);
      const place = `${event.context}/${partition}`;
      let share = shares.get(place);
      if (share === undefined) shares.set(place, (share = new Share(this.#topicPrefix + event.context, partition)));
      share.events.push(event);
    }
    return shares.values();
  }

  async #deliver(share: Share, signal: AbortSignal, given: Promise<void>): Promise<void> {
    const place = `${share.topic}/${share.partition}`;
    for (let before = this.#underWay.get(place); before !== undefined && !signal.aborted; before = this.#underWay.get(place)) {
      await Promise.race([before, given]);
    }
    if (signal.aborted) return share.refused(share.events, new StreamsError('Nothing was sent.', { code: 'UNAVAILABLE', retryable: true }));
    share.isSent = true;
    const sending = this.#send(share, share.events).finally(() => this.#underWay.delete(place));
    this.#underWay.set(place, sending);
    await sending;
  }

  /** Never fails. What is too large together goes in halves. */
  async #send(share: Share, events: readonly OutgoingEvent[]): Promise<void> {
    try {
      share.accepted(events, await this.#producer.send(share.topic, share.partition, events));
    } catch (error) {
      const failure = kafkaFailure(error);
      if (failure.code !== 'TOO_LARGE' || events.length === 1) return share.refused(events, failure);
      const middle = events.length >> 1;
      await this.#send(share, events.slice(0, middle));
      await this.#send(share, events.slice(middle));
    }
  }

  // oxlint-disable-next-line require-yield -- it only says no
  async *subscribe(): AsyncGenerator<never> {
    throw new StreamsError('Read from Kafka with a consumer of its own and fromKafkaMessage, or subscribe by REST or gRPC.', {
      code: 'UNSUPPORTED',
      retryable: false,
    });
  }

  async close(): Promise<void> {
    await this.#producer.close();
  }
}

function results(events: readonly OutgoingEvent[], shares: readonly Share[]): readonly PublishResult[] {
  const [only] = shares;
  // All of one partition, and nothing that was sent before: they stand as they came.
  if (shares.length === 1 && only?.events.length === events.length && only.events[0] === events[0]) return only.results;
  const all = new Map(shares.flatMap((share) => share.events.map((event, at) => [event, share.results[at] as PublishResult] as const)));
  return events.map((event) => all.get(event) as PublishResult);
}

function producerOf(init: KafkaTransportInit): PartitionProducer {
  const said = { ...(init.tenant === undefined ? {} : { tenant: init.tenant }), ...(init.actor === undefined ? {} : { actor: init.actor }) };
  if ('brokers' in init) return ownPartitions(init, said);
  const { producer } = init;
  return 'sendBatch' in producer ? kafkaJsPartitions(producer, said) : platformaticPartitions(producer, said);
}

/** A transport that publishes to Kafka by a producer of its own (`brokers`), or by yours (`producer`). */
export function kafka(init: KafkaTransportInit): Transport {
  return new KafkaTransport(producerOf(init), init.topicPrefix ?? '');
}
