/** @needs java maven */
import { afterAll, beforeAll, jest } from '@jest/globals';
import { kafkaStartTimeoutMs, sharedKafka, type Kafka } from '../../test/constellation/kafka/index.ts';
import { asOfCases } from './as-of.cases.ts';
import { realEngines } from './testing/gateway.fixture.ts';

jest.setTimeout(180_000);

let kafka: Kafka;

beforeAll(async () => {
  kafka = await sharedKafka();
}, kafkaStartTimeoutMs);

afterAll(async () => {
  await kafka?.stop();
});

asOfCases('Kafka', () => realEngines(kafka.env));
