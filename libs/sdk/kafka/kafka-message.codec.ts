import { asDirect, decodeEvent, EventInvalidError, instantText, isComplete, topicPartitions } from '../../events/index.ts';
import { partitionOf } from '../../kernel/index.ts';
import type { AnyEvent, DataOf, EventOptions, OpenType } from '../event/index.ts';
import { outgoingEvent, type OutgoingEvent } from '../event/index.ts';

/** A message as kafkajs (and what is shaped like it) produces it. */
export interface KafkaMessage {
  readonly key: string;
  readonly value: string;
  readonly headers: Record<string, string>;
  /** Where the platform expects the key, whatever partitioner the producer was made with. */
  readonly partition: number;
}

export interface KafkaMessageOptions extends EventOptions {
  /** Whose event it is; `default`, the platform's own. */
  readonly tenant?: string;
  /** Who published it, for the audit trail; `kafka:<source>` when it is left out. */
  readonly actor?: string;
}

/** What fits several partitions, keys and brokers: the message and the topic that it belongs to. */
export interface KafkaRecord {
  /** The event's context; installations that share a cluster put their prefix in front. */
  readonly topic: string;
  readonly message: KafkaMessage;
}

/** The CloudEvents Kafka binding, binary content mode: attributes are `ce_*` headers, the key is `partitionkey`, the value is the data. */
export function kafkaMessageOf(event: OutgoingEvent, { tenant = 'default', actor = `kafka:${event.source}` }: KafkaMessageOptions = {}): KafkaMessage {
  const correlationId = event.correlationId ?? event.id;
  return {
    key: event.key,
    value: event.data,
    headers: {
      ce_specversion: '1.0',
      ce_id: event.id,
      ce_type: event.type,
      ce_source: event.source,
      ce_subject: event.subject,
      ce_time: instantText(event.time),
      ce_dataschema: event.dataschema,
      ce_partitionkey: event.key,
      ce_tenant: tenant,
      ce_correlationid: correlationId,
      ce_causationid: event.causationId ?? correlationId,
      ce_traceparent: event.traceparent ?? '',
      ce_actor: actor,
      ce_streamversion: '0',
      ce_producerepoch: '0',
      'content-type': 'application/json',
    },
    partition: partitionOf(event.key, topicPartitions),
  };
}

/**
 * An event as a message for a kafkajs producer, checked against the catalogue before it leaves:
 * `producer.send({ topic, messages: [message] })`.
 * @throws EventRefusedError naming the field at fault.
 */
export function toKafkaMessage<Type extends OpenType>(type: Type, data: DataOf<Type>, options: KafkaMessageOptions = {}): KafkaRecord {
  const event = outgoingEvent(type, data, options, '/kafka');
  return { topic: event.context, message: kafkaMessageOf(event, options) };
}

/** A message as kafkajs consumes it: texts or bytes; or as Nest hands it on, whose value is parsed already. */
export interface ConsumedMessage {
  readonly key?: string | Uint8Array | null | undefined;
  readonly value?: string | Uint8Array | object | null | undefined;
  /** When the broker recorded it, ms since the Unix epoch: the time of an event whose writer said none. */
  readonly timestamp?: string | number | undefined;
  /** kafkajs hands in a list where a name stands more than once. */
  readonly headers?: Readonly<Record<string, string | Uint8Array | ReadonlyArray<string | Uint8Array> | null | undefined>> | undefined;
}

const decoder = new TextDecoder();
/** Far more than the platform takes: what is longer is no event, and need not be made into a text. */
const valueBytesMax = 64 * 1024 * 1024;

function textOf(value: string | Uint8Array): string {
  return typeof value === 'string' ? value : decoder.decode(value);
}

function dataText(value: string | Uint8Array | object): string {
  return typeof value === 'string' || value instanceof Uint8Array ? textOf(value) : JSON.stringify(value);
}

/** Whose an event is that says nothing of it. */
const defaultTenant = new Set(['default']);

/**
 * The event in a message that was consumed: of the catalogue, valid, its data lifted to the newest version. What its writer
 * left out is as the platform has it; a message that names no tenant is taken for one of `default`.
 * @throws EventInvalidError (`code`, `field`) for anything else.
 */
export function fromKafkaMessage({ key, value, timestamp, headers = {} }: ConsumedMessage): AnyEvent {
  if (value === null || value === undefined) throw new EventInvalidError('EVENT_DATA_INVALID', 'The message has no value.', 'data');
  if (value instanceof Uint8Array && value.length > valueBytesMax)
    throw new EventInvalidError('EVENT_DATA_INVALID', `The message has ${value.length} bytes: no event is longer than ${valueBytesMax}.`, 'data');
  const texts: Record<string, string> = {};
  for (const name in headers) {
    const given = headers[name];
    const one = Array.isArray(given) ? (given as ReadonlyArray<string | Uint8Array>)[0] : (given as string | Uint8Array | null | undefined);
    if (one !== null && one !== undefined) texts[name] = textOf(one);
  }
  const partitionKey = key === null || key === undefined ? (texts['ce_partitionkey'] ?? '') : textOf(key);
  const record = { key: partitionKey, headers: texts, value: dataText(value), ...(timestamp === undefined ? {} : { recordedAt: Number(timestamp) }) };
  const hasTime = Boolean(texts['ce_time']) || timestamp !== undefined;
  return decodeEvent(isComplete(texts) || !hasTime ? record : asDirect(record, texts['ce_tenant'] ? '*' : defaultTenant));
}
