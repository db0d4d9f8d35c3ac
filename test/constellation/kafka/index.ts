import { hasDocker } from '../engines/container.ts';
import { dockerKafka } from './docker-kafka.ts';
import { KafkaCluster } from './kafka-cluster.ts';

export { KafkaCluster } from './kafka-cluster.ts';

/** For `beforeAll`: the first start on a machine collects Kafka's jars or pulls its image. */
export const kafkaStartTimeoutMs = 600_000;

/** A real Kafka for a test file or a benchmark. */
export interface Kafka {
  /** `KAFKA_BROKERS` */
  readonly address: string;
  stop(): Promise<void>;
}

/**
 * The broker that `KAFKA_BROKERS` names; else one in Docker, where a Docker engine is; else one from Apache Kafka's own
 * jars (Java 17 and Maven). Tests that kill brokers take a {@link KafkaCluster} of their own instead.
 */
export async function startKafka(): Promise<Kafka> {
  const given = process.env['KAFKA_BROKERS'];
  if (given) return { address: given, stop: () => Promise.resolve() };
  if (hasDocker()) return dockerKafka();
  return KafkaCluster.start({ brokers: 1 });
}
