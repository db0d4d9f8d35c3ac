/** @needs java maven kcat */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { KafkaEventLog } from '#adapters/kafka-log';
import { MemoryLeaseStore, MemoryProjectionStore, MemoryReadStore } from '#adapters/memory';
import { SystemClock } from '#adapters/system';
import { contentsProjection, contentTable } from '#domain/content';
import { contentPublished, contexts, topicPartitions } from '#events';
import { partitionOf } from '#kernel';
import type { ReadRow } from '#ports';
import { ConsumerHost } from '#runtime';
import { connect, type AnyEvent } from '#sdk';
import { fromKafkaMessage, kafka as kafkaTransport, toKafkaMessage, type KafkaRecord } from '#sdk/kafka';
import { Producer, stringSerializers } from '@platformatic/kafka';
import { Kafka as KafkaJs, logLevel, type Producer as KafkaJsProducer } from 'kafkajs';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { kafkaStartTimeoutMs, sharedKafka, type Kafka } from '../constellation/kafka/index.ts';
import { until } from '../constellation/platform.ts';
import { kcatConsume, kcatProduce } from './kcat.ts';
import { checkout, codeBlocks, mustRun, SdkConsumer } from './sdk-consumer.ts';
import { NestService } from './nest-microservice.ts';

jest.setTimeout(120_000);

let kafka: Kafka;
let prefix: string;
let topic: string;
let log: KafkaEventLog;
let host: ConsumerHost;
let reads: MemoryReadStore;
let kafkaJs: KafkaJs;
let producer: KafkaJsProducer;
let nest: NestService;

beforeAll(async () => {
  kafka = await sharedKafka();
  prefix = kafka.env['KAFKA_TOPIC_PREFIX'] as string;
  topic = `${prefix}content`;
  const brokers = kafka.address.split(',');
  log = new KafkaEventLog({ brokers, clientId: 'interop', topicPrefix: prefix });
  for (const context of contexts) await log.ensureTopic(context, topicPartitions);
  const clock = new SystemClock();
  const store = new MemoryProjectionStore(clock);
  reads = new MemoryReadStore(store);
  host = new ConsumerHost(
    { projections: [contentsProjection], owner: 'interop' },
    { log, store, leases: new MemoryLeaseStore(clock), logger: pino({ level: 'silent' }) },
  );
  await host.start();
  kafkaJs = new KafkaJs({ clientId: 'team', brokers, logLevel: logLevel.NOTHING });
  producer = kafkaJs.producer({ idempotent: true });
  await producer.connect();
  nest = await NestService.start(kafka.address, topic);
}, kafkaStartTimeoutMs);

afterAll(async () => {
  await nest?.stop();
  await producer?.disconnect();
  await host?.stop();
  await log?.close();
  await kafka?.stop();
});

const messages: KafkaRecord['message'][] = [];

/** An event as a backend team has it in hand before it sends it by the client of its choice. */
function published(contentId: string): KafkaRecord['message'] {
  const { message } = toKafkaMessage(contentPublished.type, {
    contentId,
    url: 'https://origin.example/ü',
    contentType: 'video/mp4',
    title: `Tür ${contentId}`,
  });
  messages.push(message);
  return message;
}

/** Where the log has the records of these keys. */
async function partitionsOf(keys: ReadonlySet<string>): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const { partition, high } of await log.heads('content')) {
    for (let at = 0n; at < high;) {
      const { records, next } = await log.read('content', partition, at, { recordsMax: 1_000, bytesMax: 1e6, waitMs: 1_000 });
      for (const record of records) if (keys.has(record.key)) found.set(record.key, record.partition);
      // One read may bring less than there is, or nothing.
      at = next;
    }
  }
  return found;
}

async function rowOf(contentId: string): Promise<ReadRow | undefined> {
  return (await reads.select(contentTable, { where: [{ column: 'content_id', is: 'eq', value: contentId }], limit: 1 }))[0];
}

const idempotentPlatformatic = (): Producer<string, string, string, string> =>
  new Producer({ clientId: 'direct', bootstrapBrokers: kafka.address.split(','), serializers: stringSerializers, idempotent: true });

describe('what others publish lands where ours does, and is projected', () => {
  test.each<[string, (keys: readonly string[]) => Promise<void>]>([
    [
      'a kafkajs program, by its own partitioner',
      async (keys) => {
        // Without the partition that the binding names: the default partitioner has to find the same.
        const withoutPartition = keys.map(published).map(({ key, value, headers }) => ({ key, value, headers }));
        await producer.send({ topic, messages: withoutPartition, acks: -1 });
      },
    ],
    ['a kafkajs program, by the partition that the binding names', async (keys) => void (await producer.send({ topic, messages: keys.map(published) }))],
    [
      'a Nest microservice',
      async (keys) => {
        for (const key of keys) await nest.emit(topic, published(key));
      },
    ],
    [
      'kcat',
      async (keys) => {
        for (const key of keys) await kcatProduce(kafka.address, topic, published(key));
      },
    ],
    [
      'the SDK, by a kafkajs producer',
      async (keys) => {
        const streams = connect({ transport: kafkaTransport({ producer, topicPrefix: prefix }) });
        const results = await streams.publishAll(keys.map((key) => eventOf(published(key))));
        expect(results.map((result) => result.accepted && result.offset >= 0n)).toEqual(keys.map(() => true));
      },
    ],
    [
      'the SDK, by a producer of @platformatic/kafka',
      async (keys) => {
        const direct = idempotentPlatformatic();
        const streams = connect({ transport: kafkaTransport({ producer: direct, topicPrefix: prefix }) });
        const results = await streams.publishAll(keys.map((key) => eventOf(published(key))));
        expect(results.map((result) => result.accepted && result.partition)).toEqual(keys.map((key) => partitionOf(key, topicPartitions)));
        await direct.close();
      },
    ],
    [
      'the SDK, by a producer of its own',
      async (keys) => {
        const streams = connect({ transport: kafkaTransport({ brokers: kafka.address.split(','), topicPrefix: prefix }) });
        const results = await streams.publishAll(keys.map((key) => eventOf(published(key))));
        expect(results.map((result) => result.accepted && result.partition)).toEqual(keys.map((key) => partitionOf(key, topicPartitions)));
        await streams.close();
      },
    ],
  ])('%s', async (who, publish) => {
    const keys = Array.from({ length: 6 }, (_, at) => `${who.replaceAll(/\W+/g, '-')}-${at}`);
    await publish(keys);
    await until(
      async () => (await Promise.all(keys.map(rowOf))).every((row) => row !== undefined),
      30_000,
      () => `${who}: not all was projected`,
    );
    expect(await rowOf(keys[0] as string)).toMatchObject({ title: `Tür ${keys[0]}` });
    expect(await partitionsOf(new Set(keys))).toEqual(new Map(keys.map((key) => [key, partitionOf(key, topicPartitions)])));
  });
});

function eventOf({ headers, value }: KafkaRecord['message']): {
  type: typeof contentPublished.type;
  data: { contentId: string; url: string; contentType: string };
  id: string;
} {
  return { type: contentPublished.type, data: JSON.parse(value) as { contentId: string; url: string; contentType: string }, id: headers['ce_id'] as string };
}

describe('others read everything, as the catalogue types it', () => {
  const ids = (): string[] => messages.map(({ headers }) => headers['ce_id'] as string).sort();

  test('a kafkajs program', async () => {
    const consumer = kafkaJs.consumer({ groupId: `${prefix}team` });
    const seen: AnyEvent[] = [];
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({ eachMessage: async ({ message }) => void seen.push(fromKafkaMessage(message)) });
    await until(
      () => seen.length >= messages.length,
      60_000,
      () => `kafkajs saw ${seen.length} of ${messages.length}`,
    );
    await consumer.disconnect();
    expect(seen.map(({ id }) => id).sort()).toEqual(ids());
    expect(seen.every(({ type }) => type === contentPublished.type)).toBe(true);
  });

  test('a Nest microservice', async () => {
    await until(
      () => nest.seen.length >= messages.length,
      60_000,
      () => `Nest saw ${nest.seen.length} of ${messages.length}`,
    );
    expect(nest.seen.map(({ id }) => id).sort()).toEqual(ids());
    expect(nest.seen[0]?.data).toMatchObject({ url: 'https://origin.example/ü' });
  });

  test('kcat', async () => {
    const seen = (await kcatConsume(kafka.address, topic)).map(fromKafkaMessage);
    expect(seen.map(({ id }) => id).sort()).toEqual(ids());
  });
});

describe('the example of the README', () => {
  test('compiles, and runs as it stands', async () => {
    const consumer = await SdkConsumer.install();
    const fresh = new KafkaEventLog({ brokers: kafka.address.split(','), clientId: 'readme', topicPrefix: `${prefix}readme-` });
    try {
      await fresh.ensureTopic('content', topicPartitions);
      await consumer.add('kafkajs', '@types/node', 'undici-types');
      const [block] = codeBlocks(readFileSync(join(checkout, 'libs/sdk/README.md'), 'utf8'), 'ts').filter(({ words }) => words.includes('kafka'));
      await consumer.write('example.ts', block?.source ?? '');
      expect(await consumer.compile(['example.ts'])).toBe('');
      const env = { KAFKA_BROKERS: kafka.address, KAFKA_TOPIC_PREFIX: `${prefix}readme-` };
      expect(await mustRun(process.execPath, ['example.js'], { cwd: consumer.folder, env })).toContain('trailer-42 rights ended\n');
    } finally {
      await fresh.close();
      await consumer.remove();
    }
  });
});
