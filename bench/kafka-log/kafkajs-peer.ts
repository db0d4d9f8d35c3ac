import { Kafka, logLevel, Partitioners, type Admin, type Consumer, type Producer } from 'kafkajs';
import { setTimeout as sleep } from 'node:timers/promises';
import { partitionOf } from '#kernel';
import { sampleRecords } from '../log/records.ts';

const batchSize = 1000;
const batchesAtOnce = 4;
const leadersWithinMs = 30_000;

/** kafkajs at the same work: idempotent, acks=all, four batches of 1,000 at once; then everything consumed by eachBatch. */
export class KafkaJsPeer {
  readonly #kafka: Kafka;
  readonly #topic: string;
  readonly #partitions: number;
  readonly #producer: Producer;
  #consumer: Consumer | undefined;

  constructor(address: string, topic: string, partitions: number) {
    this.#kafka = new Kafka({ clientId: 'bench-kafkajs', brokers: address.split(','), logLevel: logLevel.NOTHING });
    this.#topic = topic;
    this.#partitions = partitions;
    this.#producer = this.#kafka.producer({ idempotent: true, createPartitioner: Partitioners.DefaultPartitioner });
  }

  async open(): Promise<void> {
    const admin = this.#kafka.admin();
    await admin.connect();
    // Waiting for its leaders is left to us: kafkajs gives up at the first broker that has not heard of the topic yet.
    await admin.createTopics({ waitForLeaders: false, topics: [{ topic: this.#topic, numPartitions: this.#partitions }] });
    await this.#led(admin);
    await admin.disconnect();
    await this.#producer.connect();
  }

  /** Until every partition has a leader. @throws Error when none is found in time */
  async #led(admin: Admin): Promise<void> {
    for (const end = Date.now() + leadersWithinMs; ; await sleep(100)) {
      const { topics } = await admin.fetchTopicMetadata({ topics: [this.#topic] }).catch(() => ({ topics: [] }));
      const led = topics[0]?.partitions.filter(({ leader }) => leader >= 0).length ?? 0;
      if (led === this.#partitions) return;
      if (Date.now() > end) throw new Error(`Of ${this.#partitions} partitions of ${this.#topic} ${led} have a leader.`);
    }
  }

  async append(count: number): Promise<void> {
    let next = 0;
    const runner = async (): Promise<void> => {
      while (next < count) {
        const first = next;
        next += batchSize;
        const messages = sampleRecords(batchSize, first).map((record) => ({ ...record, partition: partitionOf(record.key, this.#partitions) }));
        await this.#producer.send({ topic: this.#topic, acks: -1, messages });
      }
    };
    await Promise.all(Array.from({ length: batchesAtOnce }, runner));
  }

  async replay(count: number): Promise<{ readonly read: number; readonly perSecond: number }> {
    const consumer = this.#kafka.consumer({ groupId: `bench-${Date.now()}`, maxBytesPerPartition: 1_048_576 });
    this.#consumer = consumer;
    await consumer.connect();
    await consumer.subscribe({ topic: this.#topic, fromBeginning: true });
    let read = 0;
    // Joining its group, which the others have not, is not counted.
    let started = 0;
    const done = Promise.withResolvers<void>();
    await consumer.run({
      eachBatch: async ({ batch }) => {
        started ||= performance.now();
        for (const { key, value, headers } of batch.messages) {
          key?.toString();
          value?.toString();
          for (const name in headers) headers[name]?.toString();
        }
        read += batch.messages.length;
        if (read >= count) done.resolve();
      },
    });
    await done.promise;
    return { read, perSecond: (read / (performance.now() - started)) * 1000 };
  }

  async close(): Promise<void> {
    await this.#consumer?.disconnect();
    await this.#producer.disconnect();
  }
}
