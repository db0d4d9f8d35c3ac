/** @needs java maven */
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { KafkaEventLog } from '#adapters/kafka-log';
import { topicPartitions } from '#events';
import { connect } from '#sdk';
import { kafka } from '#sdk/kafka';
import { Admin } from '@platformatic/kafka';
import { setTimeout as sleep } from 'node:timers/promises';
import { KafkaCluster, kafkaStartTimeoutMs } from '../constellation/kafka/index.ts';

jest.setTimeout(kafkaStartTimeoutMs);

const topicPrefix = 'once-';
/** As many at least; then more come, slower, until the weather is over. */
const countMin = 20_000;

interface Written {
  readonly id: string;
  readonly key: string;
  readonly at: number;
}

let cluster: KafkaCluster | undefined;

afterEach(() => cluster?.stop());

/** Everything on the topic, each partition in its order. */
async function readAll(log: KafkaEventLog): Promise<readonly Written[]> {
  const all: Written[] = [];
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

/** Publishes while one fault comes after the other; then all has to be there once, and in order. */
async function publishThrough(address: string, faults: ReadonlyArray<() => Promise<void>>): Promise<void> {
  const brokers = address.split(',');
  await using stack = new AsyncDisposableStack();
  const log = new KafkaEventLog({ brokers, clientId: 'reader', topicPrefix });
  stack.defer(() => log.close());
  await log.ensureTopic('content', topicPartitions);
  const streams = connect({ transport: kafka({ brokers, topicPrefix }), source: '/cms' });
  stack.defer(() => streams.close());
  const publisher = streams.publisher({ batchEventsMax: 50, timeoutMs: 1_000, retryForMs: 100_000 });
  const ids: string[] = [];
  let isOver = false;
  const weather = (async () => {
    for (const fault of faults) {
      await sleep(500);
      await fault();
    }
  })().finally(() => (isOver = true));
  for (let at = 0; at < countMin || !isOver; at++) {
    ids.push(await publisher.add('content.withdrawn', { contentId: `c-${at % 37}`, reason: `${at}` }));
    if (at % 50 === 0) await sleep(at < countMin ? 10 : 50);
  }
  await weather;
  expect(await publisher.close()).toMatchObject({ accepted: ids.length, refused: 0 });
  const all = await readAll(log);
  expect(all).toHaveLength(ids.length);
  expect(new Set(all.map(({ id }) => id))).toEqual(new Set(ids));
  const last = new Map<string, number>();
  for (const { key, at } of all) {
    expect(at).toBeGreaterThan(last.get(key) ?? -1);
    last.set(key, at);
  }
}

type Broker = KafkaCluster['brokers'][number];

async function killAndStart(broker: Broker): Promise<void> {
  await broker.kill();
  await sleep(1_500);
  await broker.start();
}

/** Longer than an attempt may take, so that attempts are given up while they are under way. */
async function pauseAndGoOn(broker: Broker, pauseMs: number): Promise<void> {
  broker.signal('SIGSTOP');
  await sleep(pauseMs);
  broker.signal('SIGCONT');
}

/** The ids of the brokers that lead the partitions. */
async function leadersOf(address: string): Promise<readonly number[]> {
  const admin = new Admin({ clientId: 'leaders', bootstrapBrokers: address.split(',') });
  try {
    const topic = `${topicPrefix}content`;
    const { topics } = await admin.metadata({ topics: [topic], forceUpdate: true });
    return topics.get(topic)?.partitions.map(({ leader }) => leader) ?? [];
  } finally {
    await admin.close();
  }
}

describe('a publisher straight to Kafka: each event is there once and in order', () => {
  test('when the only broker is killed, and when it sleeps', async () => {
    const one = (cluster = await KafkaCluster.start({ brokers: 1 }));
    const broker = one.brokers[0] as Broker;
    await publishThrough(one.address, [() => killAndStart(broker), () => pauseAndGoOn(broker, 3_000)]);
  });

  test('when leaders die, move back, and sleep until others lead', async () => {
    // Partitions go back to their first broker as soon as it can lead them: leaders move that are well.
    const properties = () => ({ 'leader.imbalance.check.interval.seconds': '1', 'leader.imbalance.per.broker.percentage': '0' });
    const three = (cluster = await KafkaCluster.start({ brokers: 3, properties }));
    const places = new Set<string>();
    const note = async (): Promise<readonly number[]> => {
      const leaders = await leadersOf(three.address);
      places.add(leaders.join());
      return leaders;
    };
    /** Waits until the broker leads something, or nothing. */
    const untilLeading = async (id: number, leads: boolean): Promise<void> => {
      while ((await note()).includes(id) !== leads) await sleep(100);
    };
    const die = async (id: number): Promise<void> => {
      const broker = three.brokers[id - 1] as Broker;
      await untilLeading(id, true);
      await broker.kill();
      await untilLeading(id, false);
      await broker.start();
      await untilLeading(id, true);
    };
    const sleepAway = async (id: number): Promise<void> => {
      const broker = three.brokers[id - 1] as Broker;
      await untilLeading(id, true);
      broker.signal('SIGSTOP');
      await untilLeading(id, false);
      broker.signal('SIGCONT');
      await untilLeading(id, true);
    };
    await publishThrough(three.address, [() => die(1), () => sleepAway(2), () => die(3)]);
    expect(places.size).toBeGreaterThan(3);
  });
});
