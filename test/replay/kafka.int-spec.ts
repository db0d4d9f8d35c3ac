/** @needs java maven */
import { afterAll, beforeAll, jest } from '@jest/globals';
import { kafkaStartTimeoutMs, sharedKafka, type Kafka } from '../constellation/kafka/index.ts';
import { liveRebuildCases } from './live-rebuild.cases.ts';
import { projectorCases } from './projectors.cases.ts';
import { rebuildCases } from './rebuild.cases.ts';
import { recordedSessionCases } from './recorded-session.cases.ts';

jest.setTimeout(180_000);

let kafka: Kafka;

beforeAll(async () => {
  kafka = await sharedKafka();
}, kafkaStartTimeoutMs);

afterAll(async () => {
  await kafka?.stop();
});

let logs = 0;

/** Topics of its own for each log that somebody starts. */
const startLog = async (): Promise<Readonly<Record<string, string>>> => ({
  ...kafka.env,
  KAFKA_TOPIC_PREFIX: `${kafka.env['KAFKA_TOPIC_PREFIX']}${++logs}-`,
});

projectorCases('Kafka', startLog);
rebuildCases('Kafka', startLog);
liveRebuildCases('Kafka', startLog);
recordedSessionCases('Kafka', startLog);
