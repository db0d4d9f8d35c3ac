/** @needs java maven */
import { afterAll, beforeAll, jest } from '@jest/globals';
import { kafkaStartTimeoutMs, sharedKafka, type Kafka } from '../constellation/kafka/index.ts';
import { projectorCases } from './projectors.cases.ts';
import { rebuildCases } from './rebuild.cases.ts';

jest.setTimeout(180_000);

let kafka: Kafka;

beforeAll(async () => {
  kafka = await sharedKafka();
}, kafkaStartTimeoutMs);

afterAll(async () => {
  await kafka?.stop();
});

const startLog = async (topics: string): Promise<Readonly<Record<string, string>>> => ({
  ...kafka.env,
  KAFKA_TOPIC_PREFIX: `${kafka.env['KAFKA_TOPIC_PREFIX']}${topics}-`,
});

projectorCases('Kafka', () => startLog('projectors'));
rebuildCases('Kafka', () => startLog('rebuild'));
