import { Kafka, logLevel, Partitioners, type Consumer, type Producer } from 'kafkajs';
import { partitionOf } from '#kernel';
import { sampleRecords } from '../log/records.ts';

const batchSize = 1000;
const batchesAtOnce = 4;

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
    await admin.createTopics({ waitForLeaders: true, topics: [{ topic: this.#topic, numPartitions: this.#partitions }] });
    await admin.disconnect();
    await this.#producer.connect();
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
