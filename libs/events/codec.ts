import type { DomainEvent } from './catalogue.ts';
import { catalogue, definitionOf } from './catalogue.ts';
import type { EventDefinition } from './define.ts';
import type { EventEnvelope } from './envelope.ts';
import { EventInvalidError } from './errors.ts';
import type { LogRecord } from './record.ts';

const schemaPrefix = 'urn:streams:event:';

/** The `dataschema` of an event: its type and the version of its data. */
export function dataschemaOf(type: string, version: number): string {
  return `${schemaPrefix}${type}:${version}`;
}

/** Encodes an event for the log (CloudEvents Kafka binding, binary content mode). */
export function encodeEvent(event: EventEnvelope): LogRecord {
  return {
    key: event.key,
    headers: {
      ce_specversion: '1.0',
      ce_id: event.id,
      ce_type: event.type,
      ce_source: event.source,
      ce_subject: event.subject,
      ce_time: new Date(event.time).toISOString(),
      ce_dataschema: dataschemaOf(event.type, event.version),
      ce_partitionkey: event.key,
      ce_tenant: event.tenant,
      ce_correlationid: event.correlationId,
      ce_causationid: event.causationId,
      ce_traceparent: event.traceparent,
      ce_actor: event.actor,
      ce_streamversion: event.streamVersion.toString(),
      ce_producerepoch: event.producerEpoch.toString(),
      'content-type': 'application/json',
    },
    value: JSON.stringify(event.data),
  };
}

/** Header names of the attributes, so that decoding puts no names together. */
const headerOf = {
  id: 'ce_id',
  type: 'ce_type',
  source: 'ce_source',
  subject: 'ce_subject',
  time: 'ce_time',
  dataschema: 'ce_dataschema',
  tenant: 'ce_tenant',
  correlationid: 'ce_correlationid',
  causationid: 'ce_causationid',
  traceparent: 'ce_traceparent',
  actor: 'ce_actor',
  streamversion: 'ce_streamversion',
  producerepoch: 'ce_producerepoch',
} as const;

function attribute(record: LogRecord, name: keyof typeof headerOf): string {
  const value = record.headers[headerOf[name]];
  if (value === undefined) throw new EventInvalidError('EVENT_ATTRIBUTE_INVALID', `The attribute ${name} is missing.`, name);
  return value;
}

/** Every released dataschema with its version. */
const versions = new Map(
  catalogue.flatMap(({ type, version }) => Array.from({ length: version }, (_, at) => [dataschemaOf(type, at + 1), { type, version: at + 1 }] as const)),
);

function versionOf(record: LogRecord, definition: EventDefinition): number {
  const dataschema = attribute(record, 'dataschema');
  const released = versions.get(dataschema);
  if (released === undefined || released.type !== definition.type) {
    throw new EventInvalidError('EVENT_VERSION_UNKNOWN', `${dataschema} is not a released version of ${definition.type}.`, 'dataschema');
  }
  return released.version;
}

/** Data of any released version, lifted to the newest and checked. */
export function readData(definition: EventDefinition, version: number, json: string): unknown {
  let data: unknown;
  try {
    data = JSON.parse(json);
  } catch (cause) {
    throw new EventInvalidError('EVENT_DATA_INVALID', 'The data is not JSON.', 'data', cause);
  }
  for (let at = version; at < definition.version; at++) data = definition.upcasters[at - 1]?.(data);
  return checkData(definition, data);
}

/** Data checked against the newest schema of its event; returns what the schema keeps. */
export function checkData(definition: EventDefinition, data: unknown): unknown {
  const result = definition.schema.safeParse(data);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const path = ['data', ...(issue?.path ?? [])].join('.');
  throw new EventInvalidError('EVENT_DATA_INVALID', `${path}: ${issue?.message ?? 'invalid'}`, path, result.error);
}

const wholeNumber = /^\d{1,19}$/;

function bigintAttribute(record: LogRecord, name: 'streamversion' | 'producerepoch'): bigint {
  const text = attribute(record, name);
  if (!wholeNumber.test(text)) throw new EventInvalidError('EVENT_ATTRIBUTE_INVALID', `The attribute ${name} is not a whole number.`, name);
  return BigInt(text);
}

/**
 * Decodes a record of the log: the catalogue knows its type, the data is upcast to the newest version and valid.
 * @throws EventInvalidError naming the field at fault.
 */
export function decodeEvent(record: LogRecord): DomainEvent {
  const type = attribute(record, 'type');
  const definition = definitionOf(type);
  if (definition === undefined) throw new EventInvalidError('EVENT_TYPE_UNKNOWN', `The catalogue has no event ${type}.`, 'type');
  const time = Date.parse(attribute(record, 'time'));
  if (!Number.isFinite(time)) throw new EventInvalidError('EVENT_ATTRIBUTE_INVALID', 'The attribute time is not an RFC 3339 time.', 'time');
  const event: EventEnvelope = {
    id: attribute(record, 'id'),
    type,
    version: definition.version,
    source: attribute(record, 'source'),
    subject: attribute(record, 'subject'),
    time,
    key: record.key,
    tenant: attribute(record, 'tenant'),
    correlationId: attribute(record, 'correlationid'),
    causationId: attribute(record, 'causationid'),
    traceparent: attribute(record, 'traceparent'),
    actor: attribute(record, 'actor'),
    streamVersion: bigintAttribute(record, 'streamversion'),
    producerEpoch: bigintAttribute(record, 'producerepoch'),
    data: readData(definition, versionOf(record, definition), record.value),
  };
  return event as DomainEvent;
}
