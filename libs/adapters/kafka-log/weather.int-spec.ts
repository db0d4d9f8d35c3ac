/** @needs java maven */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { partitionOf } from '#kernel';
import { KafkaCluster, kafkaStartTimeoutMs } from '../../../test/constellation/kafka/index.ts';
import { KafkaEventLog } from './kafka-event-log.adapter.ts';

jest.setTimeout(180_000);

const record = (value: string, key = 'k'): { key: string; headers: Record<string, string>; value: string } => ({ key, headers: {}, value });
const home = partitionOf('k', 3);
const limits = { recordsMax: 1000, bytesMax: 4_000_000, waitMs: 0 };

describe('bad weather between Kafka and us', () => {
  let cluster: KafkaCluster;
  const open: KafkaEventLog[] = [];
  let topics = 0;

  /** A log that gives up soon. */
  function logOf(init: { readonly appendTimeoutMs?: number } = {}): KafkaEventLog {
    const log = new KafkaEventLog({ brokers: cluster.address.split(','), clientId: 'weather', appendTimeoutMs: 3000, ...init });
    open.push(log);
    return log;
  }

  async function topicOf(log: KafkaEventLog): Promise<string> {
    const name = `weather-${++topics}`;
    await log.ensureTopic(name, 3);
    return name;
  }

  async function valuesOf(log: KafkaEventLog, topic: string): Promise<string[]> {
    const values: string[] = [];
    const { low, high } = (await log.heads(topic))[home] as { low: bigint; high: bigint };
    for (let from = low; from < high;) {
      const batch = await log.read(topic, home, from, limits);
      values.push(...batch.records.map(({ value }) => value));
      from = batch.next;
    }
    return values;
  }

  const broker = () => cluster.brokers[0] as (typeof cluster.brokers)[number];
  async function back(): Promise<void> {
    await broker().start();
    await cluster.serving();
  }

  beforeAll(async () => {
    cluster = await KafkaCluster.start({ brokers: 1 });
  }, kafkaStartTimeoutMs);

  afterAll(async () => {
    await Promise.all(open.map((log) => log.close()));
    await cluster?.stop();
  });

  test('brokers that are away at the start are waited for, and said to be', async () => {
    await broker().kill();
    const said: unknown[] = [];
    const log = logOf();
    const reached = log.reached((error) => said.push(error));
    while (said.length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
    expect(said[0]).toMatchObject({ code: 'LOG_UNAVAILABLE', retryable: true });
    await back();
    await reached;
    expect(await log.append(await topicOf(log), [record('here')])).toEqual([{ partition: home, offset: 0n }]);
  });

  test('an append that cannot be made in time is refused, retryable; under its sequence it is made once, when the broker is back', async () => {
    const log = logOf();
    const topic = await topicOf(log);
    const as = (sequence: bigint) => ({ producer: { id: 'p', epoch: 1n, sequence } });
    await log.append(topic, [record('before')], as(0n));
    const waiting = log.read(topic, home, (await log.heads(topic))[home]?.high ?? 0n, { ...limits, waitMs: 120_000 });
    await broker().kill();
    const unavailable = expect.objectContaining({ code: 'LOG_UNAVAILABLE', retryable: true });
    await expect(log.append(topic, [record('fact')], as(1n))).rejects.toEqual(unavailable);
    await expect(log.append(topic, [record('plain')])).rejects.toEqual(unavailable);
    const patient = logOf({ appendTimeoutMs: 120_000 }).append(topic, [record('patient')]);
    await waiting.catch(() => undefined);
    await back();
    await patient.catch(() => undefined);
    await log.append(topic, [record('fact')], as(1n));
    await log.append(topic, [record('after')], as(2n));
    const facts = (await valuesOf(log, topic)).filter((value) => !['plain', 'patient'].includes(value));
    expect(facts).toEqual(['before', 'fact', 'after']);
  });

  test('a writer that died in the middle of a transaction holds readers up only until its successor comes', async () => {
    const [dead, heir] = [logOf(), logOf()];
    const topic = await topicOf(dead);
    await dead.append(topic, [record('one')], { producer: { id: 'q', epoch: 1n, sequence: 0n } });
    broker().signal('SIGSTOP');
    const lost = dead.append(topic, [record('two')], { producer: { id: 'q', epoch: 1n, sequence: 1n } }).catch((error: unknown) => error);
    const closing = dead.close();
    broker().signal('SIGCONT');
    await closing;
    const outcome = await lost;
    await heir.append(topic, [record('three')], { producer: { id: 'q', epoch: 2n, sequence: 0n } });
    const values = await valuesOf(heir, topic);
    expect(values.at(-1)).toBe('three');
    expect(values.filter((value) => value === 'two').length).toBeLessThanOrEqual(1);
    if (!(outcome instanceof Error)) expect(values).toEqual(['one', 'two', 'three']);
    await expect(logOf().append(topic, [record('late')], { producer: { id: 'q', epoch: 1n, sequence: 2n } })).rejects.toEqual(
      expect.objectContaining({ code: 'PRODUCER_FENCED' }),
    );
  });

  test('processes that take turns under one producer, or at one subject, know what the other has done', async () => {
    const [first, other] = [logOf({ appendTimeoutMs: 30_000 }), logOf({ appendTimeoutMs: 30_000 })];
    const topic = await topicOf(first);
    const append = (log: KafkaEventLog, n: number) =>
      log.append(topic, [record(`${n}`), record(`o${n}`, `other-${n}`)], { producer: { id: 'r', epoch: 1n, sequence: BigInt(2 * n) } });
    const positions = [];
    for (let n = 0; n < 300; n++) positions.push(await append(first, n));
    for (const n of [0, 1, 77, 298, 299]) expect(await append(other, n)).toEqual(positions[n]);
    await expect(append(other, 301)).rejects.toEqual(expect.objectContaining({ code: 'SEQUENCE_GAP' }));
    await append(other, 300);
    expect(await append(first, 299)).toEqual(positions[299]);
    await append(first, 301);
    expect((await valuesOf(first, topic)).filter((value) => value === '300')).toHaveLength(1);
    const at = (version: bigint) => ({ expected: { subject: 's', version } });
    for (const [log, version] of [
      [first, 0n],
      [other, 1n],
      [first, 2n],
      [other, 3n],
    ] as const)
      await log.append(topic, [record(`v${version}`)], at(version));
    await expect(first.append(topic, [record('late')], at(3n))).rejects.toEqual(expect.objectContaining({ code: 'VERSION_CONFLICT' }));
  });
});
