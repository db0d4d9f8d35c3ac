/** @needs java maven */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll } from '@jest/globals';
import { eventLogBetweenProcesses, eventLogConformance } from '#ports/conformance';
import { kafkaStartTimeoutMs, sharedKafka, type Kafka } from '../../../test/constellation/kafka/index.ts';
import { KafkaEventLog } from './kafka-event-log.adapter.ts';

let kafka: Kafka;

beforeAll(async () => {
  kafka = await sharedKafka();
}, kafkaStartTimeoutMs);

afterAll(async () => {
  await kafka?.stop();
});

eventLogConformance('KafkaEventLog', async () => {
  const log = new KafkaEventLog({ brokers: kafka.address.split(','), clientId: 'conformance', topicPrefix: `c-${randomUUID()}-` });
  return {
    port: log,
    elapse: async (ms) => {
      await sleep(ms);
    },
    dispose: () => log.close(),
  };
});

eventLogBetweenProcesses('KafkaEventLog', {
  peer: join(import.meta.dirname, 'fixture', 'peer.js'),
  timeoutMs: 120_000,
  open: async () => {
    const topicPrefix = `p-${randomUUID()}-`;
    const log = new KafkaEventLog({ brokers: kafka.address.split(','), clientId: 'processes', topicPrefix });
    return { log, peerArguments: [kafka.address, topicPrefix], dispose: () => log.close() };
  },
});
