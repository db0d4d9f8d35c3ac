/** @needs java maven */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { KafkaEventLog } from '#adapters/kafka-log';
import { LocalMasterKey, MemoryKeyRing } from '#adapters/master-key';
import { MemoryAggregateStore, MemoryLeaseStore, MemoryOutbox, MemoryPublicationStore, MemorySubjectKeyStore } from '#adapters/memory';
import { SystemClock } from '#adapters/system';
import { admitEvent, playbackStarted, topicPartitions, type StoredRecord } from '#events';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { KafkaCluster, kafkaStartTimeoutMs } from '../../../test/constellation/kafka/index.ts';
import { crashCaller, crashEvent } from './fixture/crash-event.ts';
import { PersonalData } from '../personal/personal-data.ts';
import { SubjectKeys } from '../personal/subject-keys.ts';
import { LogEventIntake } from './log-event-intake.ts';
import { contentDigestOf, publicationKeyOf } from './publication-key.ts';

const clock = new SystemClock();
let kafka: KafkaCluster;
let log: KafkaEventLog;
let intake: LogEventIntake;
const publications = new MemoryPublicationStore(clock);
const leases = new MemoryLeaseStore(clock);
const logger = pino({ level: 'silent' });
const store = new MemorySubjectKeyStore(new MemoryAggregateStore(new MemoryOutbox(clock)), clock);
const personal = new PersonalData(new SubjectKeys({}, { store, master: new LocalMasterKey(new MemoryKeyRing()), clock, logger }));

beforeAll(async () => {
  kafka = await KafkaCluster.start({ brokers: 1 });
  log = new KafkaEventLog({ brokers: kafka.address.split(','), clientId: 'intake', topicPrefix: `i-${randomUUID()}-` });
  await log.ensureTopic('content', topicPartitions);
  intake = new LogEventIntake({ owner: 'survivor', patienceMs: 30_000, appendBudgetMs: 30_000 }, { log, publications, leases, clock, logger, personal });
}, kafkaStartTimeoutMs);

afterAll(async () => {
  personal.keys.stop();
  await intake?.stop();
  await log?.close();
  await kafka?.stop();
});

const eventsFrom = (first: number) => Array.from({ length: 30 }, (_, at) => crashEvent(first + at));

test('each event once on Kafka, and a repetition learns where', async () => {
  const first = await intake.publish(eventsFrom(0), crashCaller, { together: true });
  expect(first.every((outcome) => outcome.accepted && !outcome.duplicate)).toBe(true);
  const again = await intake.publish(eventsFrom(0), crashCaller, { together: true });
  expect(again).toEqual(first.map((outcome) => ({ ...outcome, duplicate: true })));
}, 60_000);

test('what tells of a person is encrypted on Kafka, once however often it is published, and in clear for readers alone', async () => {
  await log.ensureTopic('playback', topicPartitions);
  const viewer = 'v-Ada.Lovelace-4711';
  const data = { sessionId: 'ps-1', assetKind: 'stream', assetId: 'st-1', startupMs: 800, viewer };
  const event = { attributes: { specversion: '1.0', id: randomUUID(), type: playbackStarted.type, source: '/player' }, data: { value: data } };
  const publish = async () => (await intake.publish([event], crashCaller, { together: true }))[0];
  expect([await publish(), await publish()]).toMatchObject([{ duplicate: false }, { duplicate: true }]);
  const records: StoredRecord[] = [];
  for (const { partition, low } of await log.heads('playback'))
    records.push(...(await log.read('playback', partition, low, { recordsMax: 10, bytesMax: 1e6, waitMs: 0 })).records);
  expect(records).toHaveLength(1);
  expect(records[0]?.value).toMatch(/"viewer":"sealed:v1:/);
  expect(JSON.stringify(records.map(({ key, headers, value }) => [key, headers, value]))).not.toContain(viewer);
  expect(JSON.parse((await personal.openRecords(records))[0]?.value ?? '')).toEqual(data);
}, 60_000);

test('what a gateway wrote before it died is found, and it cannot write any more', async () => {
  const admitted = eventsFrom(100).map((event) => admitEvent(event, { ...crashCaller, nowMs: clock.now() }));
  const records = admitted.map(({ record }) => record);
  const heads = (await log.heads('content')).map(({ high }) => high);
  const entries = admitted.map(({ id, content }) => ({ ...publicationKeyOf('acme', id), digest: contentDigestOf(content) }));
  await publications.reserve({ producer: 'intake/9', epoch: 1n, batches: [{ topic: 'content', heads, entries }] });
  const producer = { id: 'intake/9', epoch: 1n };
  // It came as far as this, and nobody was told.
  const written = await log.append('content', records.slice(0, 20), { producer: { ...producer, sequence: 0n } });
  const outcomes = await intake.publish(eventsFrom(100), crashCaller, { together: true });
  expect(outcomes.map((outcome) => outcome.accepted && outcome.duplicate)).toEqual(Array.from({ length: 30 }, (_, at) => at < 20));
  expect(outcomes.slice(0, 20).map((outcome) => outcome.accepted && { partition: outcome.partition, offset: outcome.offset })).toEqual(written);
  await expect(log.append('content', records.slice(20), { producer: { ...producer, sequence: 20n } })).rejects.toMatchObject({ code: 'PRODUCER_FENCED' });
}, 60_000);

/** How often each id stands on the log. */
async function copies(): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (const { partition, low, high } of await log.heads('content')) {
    for (let from = low; from < high;) {
      const { records, next } = await log.read('content', partition, from, { recordsMax: 5_000, bytesMax: 1e8, waitMs: 0 });
      for (const { headers } of records) counts.set(headers['ce_id'] ?? '', (counts.get(headers['ce_id'] ?? '') ?? 0) + 1);
      from = next;
    }
  }
  return counts;
}

test('a broker that is away for longer than a publisher is kept waiting: refused, to be tried again, and each there once in the end', async () => {
  const hasty = new LogEventIntake(
    { owner: 'hasty', patienceMs: 1_000, appendBudgetMs: 1_000 },
    { log, publications, leases, clock, logger: pino({ level: 'silent' }) },
  );
  const [first, count] = [1_000, 40];
  const refused: unknown[] = [];
  const broker = kafka.brokers[0] as (typeof kafka.brokers)[number];
  const away = (async () => {
    await broker.kill();
    while (refused.length === 0) await sleep(20);
    await broker.start();
  })();
  for (let n = first; n < first + count; n++) {
    for (let isThere = false; !isThere;) {
      const [outcome] = await hasty.publish([crashEvent(n)], crashCaller, { together: true }).catch((error: unknown) => {
        refused.push(error);
        return sleep(200, []);
      });
      isThere = outcome?.accepted === true;
    }
  }
  await away;
  await hasty.stop();
  expect(refused[0]).toMatchObject({ code: 'INTAKE_UNAVAILABLE', retryable: true });
  const counts = await copies();
  for (let n = first; n < first + count; n++) expect([n, counts.get(`crash-${n}`)]).toEqual([n, 1]);
}, 180_000);
