export { KafkaEventLog } from './kafka-event-log.adapter.ts';
export type { KafkaLogInit, KafkaSasl, KafkaTls } from './kafka-log.types.ts';
