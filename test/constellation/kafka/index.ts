import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasDocker } from '../engines/container.ts';
import type { LocalEngine } from '../engines/engine.ts';
import { dockerKafka } from './docker-kafka.ts';
import { KafkaCluster } from './kafka-cluster.ts';
import { deleteTopics, sharedAddress } from './shared-kafka.ts';

export { KafkaCluster } from './kafka-cluster.ts';

/** For `beforeAll`: the first start on a machine collects Kafka's jars or pulls its image. */
export const kafkaStartTimeoutMs = 600_000;

/** A real Kafka for a test file or a benchmark. */
export interface Kafka extends LocalEngine {
  /** `KAFKA_BROKERS` */
  readonly address: string;
}

/**
 * The broker that `KAFKA_BROKERS` names; else one in Docker, where a Docker engine is; else one from Apache Kafka's own
 * jars (Java 17 and Maven). Each has topics of its own, by a prefix. Tests that kill brokers take a {@link KafkaCluster}
 * of their own instead.
 */
export async function startKafka(): Promise<Kafka> {
  const given = process.env['KAFKA_BROKERS'];
  if (given) return kafkaOf({ address: given, stop: () => Promise.resolve(), restart: notOurs });
  if (hasDocker()) return kafkaOf({ ...(await dockerKafka()), restart: notOurs });
  const cluster = await KafkaCluster.start({ brokers: 1 });
  return kafkaOf({ address: cluster.address, stop: () => cluster.stop(), restart: (downMs) => restart(cluster, downMs) });
}

/**
 * For files that need no more than topics of their own, which is most: the one broker of this run of tests, else as
 * {@link startKafka}. Nobody may kill, fill or configure it. Its stop removes the file's topics.
 */
export async function sharedKafka(): Promise<Kafka> {
  const runner = process.env['STREAMS_TEST_KAFKA'];
  if (process.env['KAFKA_BROKERS'] || !runner) return startKafka();
  const address = await sharedAddress(runner);
  const prefix = `t-${randomUUID()}-`;
  return kafkaOf({ address, stop: () => deleteTopics(address, prefix), restart: notOurs }, prefix);
}

function kafkaOf(server: Pick<Kafka, 'address' | 'stop' | 'restart'>, prefix = `t-${randomUUID()}-`): Kafka {
  return { ...server, url: server.address, env: { KAFKA_BROKERS: server.address, KAFKA_TOPIC_PREFIX: prefix } };
}

function notOurs(): Promise<void> {
  return Promise.reject(new Error('This Kafka is not ours to restart.'));
}

async function restart(cluster: KafkaCluster, downMs = 0): Promise<void> {
  await Promise.all(cluster.brokers.map((broker) => broker.kill()));
  await sleep(downMs);
  await Promise.all(cluster.brokers.map((broker) => broker.start()));
  await cluster.serving();
}
