import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KafkaEventLog } from '#adapters/kafka-log';
import { SqliteEventLog } from '#adapters/sqlite-log';
import { SystemClock } from '#adapters/system';
import type { EventLog } from '#ports';
import { startKafka } from '../test/constellation/kafka/index.ts';
import { quantile, type Bench } from './harness/index.ts';
import { KafkaJsPeer } from './kafka-log/kafkajs-peer.ts';
import { sampleRecord, sampleRecords } from './log/records.ts';

const topic = 'stream';
const partitions = 12;
const batchSize = 1000;
const batchesAtOnce = 4;
/** Guarded appends that are not counted: the first makes the topic of the guards and takes the guard. */
const warmUp = 20;
const goals = { produce: 1.5, consume: 1, guardedMs: 50, visibleMs: 50 } as const;

/** What both sides of a comparison do. */
export interface Contender {
  append(count: number): Promise<void>;
  /** Reads everything from the start, headers decoded. */
  replay(count: number): Promise<{ readonly read: number; readonly perSecond: number }>;
}

class LogContender implements Contender {
  readonly #log: EventLog;

  constructor(log: EventLog) {
    this.#log = log;
  }

  async append(count: number): Promise<void> {
    let next = 0;
    const runner = async (): Promise<void> => {
      while (next < count) {
        const first = next;
        next += batchSize;
        await this.#log.append(topic, sampleRecords(batchSize, first));
      }
    };
    await Promise.all(Array.from({ length: batchesAtOnce }, runner));
  }

  async replay(): Promise<{ readonly read: number; readonly perSecond: number }> {
    const started = performance.now();
    const heads = await this.#log.heads(topic);
    const counts = await Promise.all(
      heads.map(async ({ partition, low, high }) => {
        let count = 0;
        for (let from = low; from < high;) {
          const { records, next } = await this.#log.read(topic, partition, from, { recordsMax: batchSize, bytesMax: 4_000_000, waitMs: 1000 });
          count += records.length;
          from = next;
        }
        return count;
      }),
    );
    const read = counts.reduce((sum, count) => sum + count, 0);
    return { read, perSecond: (read / (performance.now() - started)) * 1000 };
  }
}

async function perSecond(count: number, work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return (count / (performance.now() - started)) * 1000;
}

/** Appends of a segment's four renditions under one producer, one after the other, ms each. */
async function guardedMs(log: EventLog, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let at = -warmUp; at < count; at++) {
    const started = performance.now();
    await log.append(topic, sampleRecords(4, (at + warmUp) * 4), { producer: { id: 'bench', epoch: 1n, sequence: BigInt((at + warmUp) * 4) } });
    if (at >= 0) times.push(performance.now() - started);
  }
  return times;
}

/** From the call of an append to the reader that waits for it, ms each. */
async function visibleMs(log: EventLog, count: number): Promise<number[]> {
  const record = sampleRecord(1);
  const [position] = await log.append(topic, [record]);
  const times: number[] = [];
  let from = (await log.heads(topic))[position?.partition ?? 0]?.high ?? 0n;
  for (let at = 0; at < count; at++) {
    const reading = log.read(topic, position?.partition ?? 0, from, { recordsMax: 10, bytesMax: 1_000_000, waitMs: 10_000 });
    await new Promise((resolve) => setTimeout(resolve, 5));
    const started = performance.now();
    void log.append(topic, [record]);
    from = (await reading).next;
    times.push(performance.now() - started);
  }
  return times;
}

export const bench: Bench = {
  name: 'kafka-log',
  summary: 'the event log on a real Kafka broker beside kafkajs 2.2.4 and the embedded log: batches, replay, guarded appends, visibility',
  async run(context) {
    const kafka = await startKafka();
    const folder = await mkdtemp(join(tmpdir(), 'bench-kafka-'));
    const log = new KafkaEventLog({ brokers: kafka.address.split(','), clientId: 'bench', topicPrefix: `${kafka.env['KAFKA_TOPIC_PREFIX']}log-` });
    const embedded = new SqliteEventLog({ path: join(folder, 'log.sqlite') }, { clock: new SystemClock() });
    const peer = new KafkaJsPeer(kafka.address, `${kafka.env['KAFKA_TOPIC_PREFIX']}peer`, partitions);
    try {
      await log.ensureTopic(topic, partitions);
      await embedded.ensureTopic(topic, partitions);
      await peer.open();
      const count = context.quick ? 40_000 : 150_000;
      const contenders: ReadonlyArray<readonly [string, Contender]> = [
        ['kafka', new LogContender(log)],
        ['kafkajs', peer],
        ['embedded', new LogContender(embedded)],
      ];
      const rates = new Map<string, { readonly append: number; readonly replay: number }>();
      context.row('events/s', 'append, batches of 1,000', 'replay');
      for (const [name, contender] of contenders) {
        // A first round that is not counted: compilers and brokers warm up alike.
        await contender.append(batchSize * batchesAtOnce * 4);
        const append = await perSecond(count, () => contender.append(count));
        const all = count + batchSize * batchesAtOnce * 4;
        const { read, perSecond: replay } = await contender.replay(all);
        if (read !== all) throw new Error(`${name} read ${read} of ${all} events.`);
        rates.set(name, { append, replay });
        context.row(name, Math.round(append), Math.round(replay));
      }
      const [ours, theirs] = [rates.get('kafka'), rates.get('kafkajs')] as [{ append: number; replay: number }, { append: number; replay: number }];
      context.bar('kafka-log.append.share', ours.append / theirs.append, 'x kafkajs', `>= ${goals.produce}`, ours.append >= goals.produce * theirs.append, 1);
      context.bar('kafka-log.replay.share', ours.replay / theirs.replay, 'x kafkajs', `>= ${goals.consume}`, ours.replay >= goals.consume * theirs.replay, 1);
      const rounds = context.quick ? 100 : 400;
      for (const [id, times, goal] of [
        ['kafka-log.guarded.p99', await guardedMs(log, rounds), goals.guardedMs],
        ['kafka-log.visible.p99', await visibleMs(log, rounds), goals.visibleMs],
      ] as const) {
        const p99 = quantile(times, 0.99);
        context.row(id, `p50 ${quantile(times, 0.5).toFixed(1)} ms`, `p99 ${p99.toFixed(1)} ms`);
        context.bar(id, p99, 'ms', `<= ${goal}`, p99 <= goal);
      }
    } finally {
      await peer.close();
      await log.close();
      await embedded.close();
      await kafka.stop();
      await rm(folder, { recursive: true, force: true });
    }
  },
};
