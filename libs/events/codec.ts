import type { DomainEvent } from './catalogue.ts';
import { definitionOf } from './catalogue.ts';
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

function attribute(record: LogRecord, name: string): string {
  const value = record.headers[`ce_${name}`];
  if (value === undefined) throw new EventInvalidError('EVENT_ATTRIBUTE_INVALID', `The attribute ${name} is missing.`, name);
  return value;
}

function versionOf(record: LogRecord, definition: EventDefinition): number {
  const dataschema = attribute(record, 'dataschema');
  const version = Number(dataschema.slice(dataschema.lastIndexOf(':') + 1));
  if (dataschema !== dataschemaOf(definition.type, version) || !Number.isInteger(version) || version < 1 || version > definition.version) {
    throw new EventInvalidError('EVENT_VERSION_UNKNOWN', `${dataschema} is not a released version of ${definition.type}.`, 'dataschema');
  }
  return version;
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

function bigintAttribute(record: LogRecord, name: string): bigint {
  const text = attribute(record, name);
  if (!/^\d{1,19}$/.test(text)) throw new EventInvalidError('EVENT_ATTRIBUTE_INVALID', `The attribute ${name} is not a whole number.`, name);
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
