/** @needs java maven */
import { afterAll, beforeAll, jest } from '@jest/globals';
import { kafkaStartTimeoutMs, sharedKafka, type Kafka } from '../constellation/kafka/index.ts';
import { sealedPastCases } from './sealed-past.cases.ts';
import { sealingKillCases } from './sealing-kills.cases.ts';

jest.setTimeout(180_000);

let kafka: Kafka;
let logs = 0;

beforeAll(async () => {
  kafka = await sharedKafka();
}, kafkaStartTimeoutMs);

afterAll(async () => {
  await kafka?.stop();
});

/** Topics of its own for each log. */
const onKafka = async (): Promise<Readonly<Record<string, string>>> => ({
  ...kafka.env,
  KAFKA_TOPIC_PREFIX: `${kafka.env['KAFKA_TOPIC_PREFIX']}${++logs}-`,
});

sealedPastCases({ name: 'the embedded log', engine: 'embedded', startLog: async () => ({ KAFKA_BROKERS: '' }), otherKafka: onKafka });
sealedPastCases({ name: 'Kafka', engine: 'kafka', startLog: onKafka, otherKafka: onKafka });
sealingKillCases('Kafka', onKafka);
