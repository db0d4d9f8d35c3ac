/** @needs java maven */
import { afterAll } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { KafkaEventLog } from '#adapters/kafka-log';
import { KafkaCluster, kafkaStartTimeoutMs } from '../../../test/constellation/kafka/index.ts';
import { parkedCases } from './parked.cases.fixture.ts';

let kafka: KafkaCluster | undefined;

parkedCases(async () => {
  kafka = await KafkaCluster.start({ brokers: 1 });
  return new KafkaEventLog({ brokers: kafka.address.split(','), clientId: 'parked', topicPrefix: `p-${randomUUID()}-` });
}, kafkaStartTimeoutMs + 60_000);

afterAll(() => kafka?.stop());
