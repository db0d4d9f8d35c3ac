import { KafkaEventLog } from '#adapters/kafka-log';
import { topicPartitions } from '#events';
import { kafka, type KafkaMessage } from '#sdk/kafka';
import { Producer, stringSerializers } from '@platformatic/kafka';
import { CompressionTypes, Kafka, logLevel } from 'kafkajs';
import { startKafka } from '../../test/constellation/kafka/index.ts';
import { bareRate, messagesOf, sdkRate, type Rate } from './sdk-load.ts';

/** Onto one broker, idempotent, acks=all. */
export interface DirectRate extends Rate {
  readonly name: string;
}

type Run = (count: number) => Promise<Rate>;

/** The same records as bytes, of one partition after the other, as the SDK sends them: what costs a producer least. */
function bytesOf(messages: readonly KafkaMessage[], topic: string) {
  const names = new Map<string, Buffer>();
  const nameOf = (name: string): Buffer => names.get(name) ?? (names.set(name, Buffer.from(name)).get(name) as Buffer);
  return messages
    .map(({ key, value, headers, partition }) => {
      const entries = Object.entries(headers).map(([name, text]) => [nameOf(name), Buffer.from(text)] as const);
      return { topic, partition, key: Buffer.from(key), value: Buffer.from(value), headers: new Map(entries) };
    })
    .toSorted((a, b) => a.partition - b.partition);
}

async function measured(name: string, run: Run, count: number): Promise<DirectRate> {
  await run(Math.ceil(count / 10));
  return { name, ...(await run(count)) };
}

/** The SDK straight to Kafka, beside the producers without it. */
export async function measureDirect(count: number): Promise<{ readonly sdk: DirectRate; readonly bytes: DirectRate; readonly others: readonly DirectRate[] }> {
  await using stack = new AsyncDisposableStack();
  const server = await startKafka();
  stack.defer(() => server.stop());
  const topicPrefix = server.env['KAFKA_TOPIC_PREFIX'] as string;
  const brokers = server.address.split(',');
  const log = new KafkaEventLog({ brokers, clientId: 'bench', topicPrefix });
  await log.ensureTopic('content', topicPartitions);
  await log.close();
  const topic = `${topicPrefix}content`;
  const own = { clientId: 'bench', bootstrapBrokers: brokers, idempotent: true } as const;
  const texts = new Producer({ ...own, serializers: stringSerializers });
  const lz4 = new Producer({ ...own, compression: 'lz4' });
  const foreign = new Kafka({ clientId: 'bench', brokers, logLevel: logLevel.NOTHING }).producer({ idempotent: true });
  await foreign.connect();
  const transport = kafka({ brokers, topicPrefix, compression: 'lz4' });
  for (const end of [() => texts.close(), () => lz4.close(), () => foreign.disconnect(), () => transport.close()]) stack.defer(end);
  const byTexts: Run = (amount) => bareRate(messagesOf(amount), (some) => texts.send({ messages: some.map((one) => ({ topic, ...one })), acks: -1 }));
  const byBytes: Run = (amount) => bareRate(bytesOf(messagesOf(amount), topic), (some) => lz4.send({ messages: some, acks: -1 }));
  const byKafkaJs: Run = (amount) =>
    bareRate(messagesOf(amount), (messages) => foreign.send({ topic, messages, acks: -1, compression: CompressionTypes.None }));
  const bytes = await measured('@platformatic/kafka alone, bytes, lz4', byBytes, count);
  const sdk = await measured('SDK straight to Kafka, lz4', (amount) => sdkRate(transport, amount), count);
  const others = [await measured('@platformatic/kafka alone, texts', byTexts, count), await measured('kafkajs alone', byKafkaJs, count)];
  return { sdk, bytes, others };
}
