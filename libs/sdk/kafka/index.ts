export {
  fromKafkaMessage,
  toKafkaMessage,
  type ConsumedMessage,
  type KafkaMessage,
  type KafkaMessageOptions,
  type KafkaRecord,
} from './kafka-message.codec.ts';
export { kafka, type KafkaJsProducer, type KafkaTransportInit, type PlatformaticProducer } from './kafka-transport.ts';
