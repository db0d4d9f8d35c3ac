/** @needs java maven */
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { KafkaEventLog } from '#adapters/kafka-log';
import { topicPartitions } from '#events';
import { connect } from '#sdk';
import { kafka } from '#sdk/kafka';
import { setTimeout as sleep } from 'node:timers/promises';
import { KafkaCluster, kafkaStartTimeoutMs } from '../constellation/kafka/index.ts';

jest.setTimeout(120_000);

let cluster: KafkaCluster;
let log: KafkaEventLog;

beforeAll(async () => {
  cluster = await KafkaCluster.start({ brokers: 1 });
  log = new KafkaEventLog({ brokers: [cluster.address], clientId: 'reader', topicPrefix: 'once-' });
  await log.ensureTopic('content', topicPartitions);
}, kafkaStartTimeoutMs);

afterAll(async () => {
  await log?.close();
  await cluster?.stop();
});

/** Ids and reasons of each partition, in the order of the log. */
async function written(): Promise<ReadonlyArray<{ readonly id: string; readonly key: string; readonly at: number }>> {
  const all: Array<{ id: string; key: string; at: number }> = [];
  for (const { partition, low, high } of await log.heads('content')) {
    for (let from = low; from < high;) {
      const { records, next } = await log.read('content', partition, from, { recordsMax: 5_000, bytesMax: 1e7, waitMs: 1_000 });
      for (const { headers, key, value } of records) {
        all.push({ id: headers['ce_id'] ?? '', key, at: Number((JSON.parse(value) as { reason: string }).reason) });
      }
      from = next;
    }
  }
  return all;
}

const broker = () => cluster.brokers[0] as KafkaCluster['brokers'][number];

async function killAndStart(): Promise<void> {
  await broker().kill();
  await sleep(1_500);
  await broker().start();
}

/** Longer than an attempt may take, so that attempts are given up while they are under way. */
async function pauseAndGoOn(): Promise<void> {
  broker().signal('SIGSTOP');
  await sleep(3_000);
  broker().signal('SIGCONT');
}

test('a publisher straight to Kafka: a broker killed and one paused in the middle, each event is there once and in order', async () => {
  const streams = connect({ transport: kafka({ brokers: [cluster.address], topicPrefix: 'once-' }), source: '/cms' });
  const publisher = streams.publisher({ batchEventsMax: 50, timeoutMs: 1_000, retryForMs: 100_000 });
  const count = 20_000;
  const ids: string[] = [];
  const faults: Array<Promise<void>> = [];
  for (let at = 0; at < count; at++) {
    ids.push(await publisher.add('content.withdrawn', { contentId: `c-${at % 37}`, reason: `${at}` }));
    // Each while batches are under way; the second once the first is over.
    if (at === 5_000) faults.push(killAndStart());
    if (at === 15_000) faults.push(Promise.all(faults).then(pauseAndGoOn));
    if (at % 50 === 0) await sleep(10);
  }
  await Promise.all(faults);
  expect(await publisher.close()).toMatchObject({ accepted: count, refused: 0 });
  await streams.close();
  const all = await written();
  expect(all).toHaveLength(count);
  expect(new Set(all.map(({ id }) => id))).toEqual(new Set(ids));
  const last = new Map<string, number>();
  for (const { key, at } of all) {
    expect(at).toBeGreaterThan(last.get(key) ?? -1);
    last.set(key, at);
  }
});
