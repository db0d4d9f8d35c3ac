/** @needs java maven */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { KafkaEventLog } from '#adapters/kafka-log';
import { MemoryLeaseStore, MemoryProjectionStore, MemoryPublicationStore, MemoryReadStore } from '#adapters/memory';
import { SystemClock } from '#adapters/system';
import { apiKeyTable, keysProjection } from '#domain/access';
import { contentsProjection, contentTable } from '#domain/content';
import { contentPublished, contexts, decodeEvent, eventParked, keyIssued, topicPartitions, type StoredRecord } from '#events';
import { partitionOf, type TableSpec } from '#kernel';
import { ConsumerHost, EventParking, LogEventIntake } from '#runtime';
import { toKafkaMessage, type KafkaMessage } from '#sdk/kafka';
import { Kafka as KafkaJs, logLevel, type Producer } from 'kafkajs';
import { pino } from 'pino';
import { kafkaStartTimeoutMs, startKafka, type Kafka } from '../constellation/kafka/index.ts';

const clock = new SystemClock();
const logger = pino({ level: 'silent' });
let kafka: Kafka;
let log: KafkaEventLog;
let intake: LogEventIntake;
let host: ConsumerHost;
let producer: Producer;
const store = new MemoryProjectionStore(clock);
const reads = new MemoryReadStore(store);

beforeAll(async () => {
  kafka = await startKafka();
  const brokers = kafka.address.split(',');
  const topicPrefix = kafka.env['KAFKA_TOPIC_PREFIX'] as string;
  log = new KafkaEventLog({ brokers, clientId: 'direct', topicPrefix, directTenants: ['default', 'acme'] });
  for (const context of contexts) await log.ensureTopic(context, topicPartitions);
  const leases = new MemoryLeaseStore(clock);
  intake = new LogEventIntake({ owner: 'direct' }, { log, publications: new MemoryPublicationStore(clock), leases, clock, logger });
  const parking = new EventParking({ intake, clock, logger, source: '/projector/test' });
  host = new ConsumerHost({ projections: [contentsProjection, keysProjection], owner: 'direct' }, { log, store, leases, logger, parking });
  await host.start();
  producer = new KafkaJs({ clientId: 'outsider', brokers, logLevel: logLevel.NOTHING }).producer();
  await producer.connect();
}, kafkaStartTimeoutMs);

afterAll(async () => {
  await producer?.disconnect();
  await host?.stop();
  await intake?.stop();
  await log?.close();
  await kafka?.stop();
});

function published(contentId: string, tenant = 'default'): KafkaMessage {
  return toKafkaMessage(contentPublished.type, { contentId, url: 'https://origin.example/x', contentType: 'video/mp4' }, { tenant }).message;
}

/** What a program can write that knows our headers and means ill: a key with all rights. */
function forgedKey(): KafkaMessage {
  const data = keyIssued.samples.at(-1) as { keyId: string };
  const { headers } = published('x');
  const own = { ce_type: keyIssued.type, ce_dataschema: `urn:streams:event:${keyIssued.type}:${keyIssued.version}`, ce_actor: 'system:gateway' };
  return {
    key: data.keyId,
    value: JSON.stringify(data),
    headers: { ...headers, ...own, ce_subject: data.keyId, ce_partitionkey: data.keyId, ce_streamversion: '1', 'streams-direct': '' },
    partition: partitionOf(data.keyId, topicPartitions),
  };
}

const send = (context: string, messages: readonly KafkaMessage[]) =>
  producer.send({ topic: `${kafka.env['KAFKA_TOPIC_PREFIX']}${context}`, messages: [...messages], acks: -1 });

/** Everything on a topic; one read may bring less than there is. */
async function allOf(topic: string): Promise<readonly StoredRecord[]> {
  const records: StoredRecord[] = [];
  for (let partition = 0; partition < topicPartitions; partition++) {
    for (let at = 0n; ;) {
      const batch = await log.read(topic, partition, at, { recordsMax: 1_000, bytesMax: 1e9, waitMs: 0 });
      if (batch.next === at) break;
      records.push(...batch.records);
      at = batch.next;
    }
  }
  return records;
}

async function parked() {
  return (await allOf('operation')).map(decodeEvent).flatMap((event) => (event.type === eventParked.type ? [event.data] : []));
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 50));
}

const idsIn = async (table: TableSpec, column: string): Promise<string[]> =>
  (await reads.select(table, { where: [], limit: 100 })).map((row) => String(row[column])).sort();

test('what comes straight onto Kafka is projected when the door would have taken it, else parked by its reason', async () => {
  const moved = published('moved');
  await send('content', [
    published('good'),
    published('acmes', 'acme'),
    published('others', 'other'),
    { ...published('rekeyed'), key: 'another' },
    { ...moved, partition: (moved.partition + 1) % topicPartitions },
    { ...published('signed'), headers: { ...published('signed').headers, ce_actor: 'key:k-admin' } },
    published('last'),
  ]);
  await send('access', [forgedKey()]);
  // By the door, in between: it is of the same topic, and nobody judges it twice.
  const [taken] = await intake.publish(
    [{ attributes: { specversion: '1.0', id: 'by-the-door', type: contentPublished.type, source: '/cms' }, data: { json: published('taken').value } }],
    { tenant: 'acme', actor: 'key:k-1', correlationId: 'r-1', traceparent: '', mayPublish: () => true },
    { together: true },
  );
  expect(taken).toMatchObject({ accepted: true });

  await until(async () => (await parked()).length >= 5 && (await idsIn(contentTable, 'content_id')).length >= 4);
  const told = (await parked()).map(({ topic, eventType, code, field }) => `${topic} ${eventType} ${code} ${field}`).sort();
  expect(told).toEqual([
    'access key.issued EVENT_NOT_OPEN type',
    'content content.published EVENT_ATTRIBUTE_INVALID partitionkey',
    'content content.published EVENT_ATTRIBUTE_INVALID partitionkey',
    'content content.published EVENT_ATTRIBUTE_RESERVED actor',
    'content content.published EVENT_TENANT_FORBIDDEN tenant',
  ]);
  expect(await idsIn(contentTable, 'content_id')).toEqual(['acmes', 'good', 'last', 'taken']);
  expect(await idsIn(apiKeyTable, 'key_id')).toEqual([]);
}, 120_000);
