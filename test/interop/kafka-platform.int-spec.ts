/** @needs java maven kcat */
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { memoryEngines, startGateway, World, type RunningGateway } from '../../apps/gateway/testing/gateway.fixture.ts';
import { KafkaEventLog, type KafkaLogInit } from '#adapters/kafka-log';
import { segmentProduced, type StoredRecord } from '#events';
import { readSharedSettings } from '#runtime';
import { connect } from '#sdk';
import { Kafka as KafkaJs, logLevel } from 'kafkajs';
import { kafkaStartTimeoutMs, sharedKafka, type Kafka } from '../constellation/kafka/index.ts';
import { until } from '../constellation/platform.ts';
import { kcatConsume, type KcatRecord } from './kcat.ts';
import { NestService } from './nest-microservice.ts';

jest.setTimeout(120_000);

/** What was published at the door, what commands left in the outbox, what one owner saw: the three ways onto the log. */
const contexts = ['content', 'access', 'stream'] as const;
const perContext = 60;

let kafka: Kafka;
let log: KafkaEventLog;
let world: World;
let gateway: RunningGateway;
/** Of the log, as our own reader has it. */
const written: StoredRecord[] = [];

const topicOf = (context: string): string => `${kafka.env['KAFKA_TOPIC_PREFIX']}${context}`;
const textOf = ({ key, headers, value }: KcatRecord): string => JSON.stringify([headers['ce_id'], headers['ce_type'], key, JSON.parse(value)]);
const ours = (): string[] => written.map(textOf).sort();

beforeAll(async () => {
  kafka = await sharedKafka();
  // As every app reads them when nothing but the brokers is set.
  log = new KafkaEventLog(readSharedSettings(kafka.env).kafka as KafkaLogInit);
  world = await World.open({ ...memoryEngines(), log });
  gateway = await startGateway(world.engines, world.consolePath);
  await publishAll();
  for (const context of contexts) {
    for (const { partition, low, high } of await log.heads(context)) {
      for (let from = low; from < high;) {
        const { records, next } = await log.read(context, partition, from, { recordsMax: 1_000, bytesMax: 1e7, waitMs: 1_000 });
        written.push(...records);
        from = next;
      }
    }
  }
}, kafkaStartTimeoutMs);

afterAll(async () => {
  await gateway?.stop();
  await world?.close();
  await kafka?.stop();
});

async function publishAll(): Promise<void> {
  const { authorization } = await world.key(['publish']);
  const streams = connect({ url: gateway.url, key: authorization.slice('Bearer '.length) });
  const results = await streams.publishAll(
    Array.from({ length: perContext }, (_, at) => ({ type: 'content.withdrawn', data: { contentId: 'trailer-42', reason: `Grund № ${at}` } })),
  );
  expect(results.every(({ accepted }) => accepted)).toBe(true);
  await streams.close();
  for (let at = 1; at < perContext; at++) await world.key(['view'], { name: `key ${at}` });
  const sample = segmentProduced.samples.at(-1) as Parameters<typeof segmentProduced.draft>[0];
  const facts = Array.from({ length: perContext }, () => segmentProduced.draft(sample));
  await world.facts.publish('stream', facts, { producer: { id: 'media-1', epoch: 1n } });
  await world.settle();
}

test('what was published is there', () => {
  const types = written.map(({ headers }) => headers['ce_type']);
  expect(types.toSorted()).toEqual(['content.withdrawn', 'key.issued', 'segment.produced'].flatMap((type) => Array.from({ length: perContext }, () => type)));
});

test('a plain kafkajs program reads what the platform published', async () => {
  const seen: KcatRecord[] = [];
  const consumer = new KafkaJs({ clientId: 'team', brokers: kafka.address.split(','), logLevel: logLevel.NOTHING }).consumer({ groupId: topicOf('team') });
  await consumer.connect();
  await consumer.subscribe({ topics: contexts.map(topicOf), fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message: { key, value, headers } }) => {
      const texts = Object.entries(headers ?? {}).map(([name, bytes]) => [name, String(bytes)] as const);
      seen.push({ key: String(key), value: String(value), headers: Object.fromEntries(texts) });
    },
  });
  await until(
    () => seen.length >= written.length,
    60_000,
    () => `kafkajs saw ${seen.length} of ${written.length}`,
  );
  await consumer.disconnect();
  expect(seen.map(textOf).sort()).toEqual(ours());
});

test('a Nest microservice reads it', async () => {
  const nest = await NestService.start(kafka.address, ...contexts.map(topicOf));
  await until(
    () => nest.seen.length >= written.length,
    60_000,
    () => `Nest saw ${nest.seen.length} of ${written.length}`,
  );
  await nest.stop();
  expect(nest.seen.map(({ id, type, key, data }) => JSON.stringify([id, type, key, data])).sort()).toEqual(ours());
});

test('kcat reads it', async () => {
  const seen = await Promise.all(contexts.map((context) => kcatConsume(kafka.address, topicOf(context))));
  expect(seen.flat().map(textOf).sort()).toEqual(ours());
});
