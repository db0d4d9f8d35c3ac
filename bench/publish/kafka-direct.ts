import { KafkaEventLog } from '#adapters/kafka-log';
import { topicPartitions } from '#events';
import { Producer, stringSerializers } from '@platformatic/kafka';
import { CompressionTypes, Kafka, logLevel } from 'kafkajs';
import { startKafka } from '../../test/constellation/kafka/index.ts';
import { bareRate, kafkaRate } from './sdk-load.ts';

/** Events a second onto one broker, idempotent, acks=all. */
export interface DirectRates {
  readonly sdk: number;
  /** `@platformatic/kafka` alone, with messages that were made before. */
  readonly bare: number;
  /** kafkajs alone, with the same. */
  readonly kafkaJs: number;
}

/** The SDK straight to Kafka, beside the producers without it. */
export async function measureDirect(count: number): Promise<DirectRates> {
  await using stack = new AsyncDisposableStack();
  const server = await startKafka();
  stack.defer(() => server.stop());
  const prefix = server.env['KAFKA_TOPIC_PREFIX'] as string;
  const brokers = server.address.split(',');
  const log = new KafkaEventLog({ brokers, clientId: 'bench', topicPrefix: prefix });
  await log.ensureTopic('content', topicPartitions);
  await log.close();
  const producer = new Producer({ clientId: 'bench', bootstrapBrokers: brokers, serializers: stringSerializers, idempotent: true });
  stack.defer(() => producer.close());
  const foreign = new Kafka({ clientId: 'bench', brokers, logLevel: logLevel.NOTHING }).producer({ idempotent: true });
  await foreign.connect();
  stack.defer(() => foreign.disconnect());
  const topic = `${prefix}content`;
  const byProducer = (amount: number): Promise<number> =>
    bareRate((messages) => producer.send({ messages: messages.map((one) => ({ topic, ...one })), acks: -1 }), amount);
  const byKafkaJs = (amount: number): Promise<number> =>
    bareRate((messages) => foreign.send({ topic, messages, acks: -1, compression: CompressionTypes.None }), amount);
  const warmUp = Math.ceil(count / 10);
  await kafkaRate(producer, prefix, warmUp);
  await byProducer(warmUp);
  await byKafkaJs(warmUp);
  const sdk = await kafkaRate(producer, prefix, count);
  return { sdk, bare: await byProducer(count), kafkaJs: await byKafkaJs(count) };
}
