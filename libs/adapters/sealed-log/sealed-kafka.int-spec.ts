/** @needs java maven */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll } from '@jest/globals';
import { KafkaEventLog } from '#adapters/kafka-log';
import { eventLogConformance } from '#ports/conformance';
import { kafkaStartTimeoutMs, sharedKafka, type Kafka } from '../../../test/constellation/kafka/index.ts';
import { SealedUnderfoot } from './fixture/sealed-underfoot.ts';

let kafka: Kafka;

beforeAll(async () => {
  kafka = await sharedKafka();
}, kafkaStartTimeoutMs);

afterAll(async () => {
  await kafka?.stop();
});

eventLogConformance('SealedEventLog over Kafka, sealed underfoot', async () => {
  const hot = new KafkaEventLog({ brokers: kafka.address.split(','), clientId: 'sealed', topicPrefix: `s-${randomUUID()}-` });
  const log = new SealedUnderfoot(hot, 5);
  return {
    port: log,
    elapse: async (ms) => {
      await sleep(ms);
    },
    dispose: () => log.close(),
  };
});
