export {
  fromKafkaMessage,
  toKafkaMessage,
  type ConsumedMessage,
  type KafkaMessage,
  type KafkaMessageOptions,
  type KafkaRecord,
} from './kafka-message.codec.ts';
export { kafka, type KafkaProducer, type KafkaTransportInit } from './kafka-transport.ts';
export type { KafkaBrokers, KafkaJsProducer, PlatformaticProducer } from './partition-producer.ts';
