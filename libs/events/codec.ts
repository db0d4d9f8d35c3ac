import type { core } from 'zod';
import type { DomainEvent } from './catalogue.ts';
import { catalogue } from './catalogue.ts';
import type { EventDefinition } from './define.ts';
import type { EventEnvelope } from './envelope.ts';
import { EventInvalidError } from './errors.ts';
import { dateMs, instantText } from './instant.ts';
import { plainCheckOf, type PlainCheck } from './plain-check.ts';
import type { LogRecord } from './record.ts';

const schemaPrefix = 'urn:streams:event:';

/** The `dataschema` of an event: its type and the version of its data. */
export function dataschemaOf(type: string, version: number): string {
  return plans.get(type)?.dataschemas[version - 1] ?? composedSchema(type, version);
}

function composedSchema(type: string, version: number): string {
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
      ce_time: instantText(event.time),
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

type AttributeHeader = `ce_${string}`;

function attribute(headers: LogRecord['headers'], header: AttributeHeader): string {
  const value = headers[header];
  if (value !== undefined) return value;
  const name = header.slice('ce_'.length);
  throw new EventInvalidError('EVENT_ATTRIBUTE_INVALID', `The attribute ${name} is missing.`, name);
}

/** What decoding a type needs, looked up by one step per record. */
interface DecodePlan {
  readonly definition: EventDefinition;
  /** Every released `dataschema` with its version. */
  readonly versions: ReadonlyMap<string, number>;
  readonly isPlain: PlainCheck | undefined;
  /** The `dataschema` of today's version. */
  readonly newest: string;
  /** Of all versions, the first at 0. */
  readonly dataschemas: readonly string[];
}

const plans = new Map(catalogue.map((definition) => [definition.type as string, planOf(definition as EventDefinition)]));

function planOf(definition: EventDefinition): DecodePlan {
  const dataschemas = Array.from({ length: definition.version }, (_, at) => composedSchema(definition.type, at + 1));
  const versions = new Map(dataschemas.map((dataschema, at) => [dataschema, at + 1]));
  return { definition, versions, isPlain: plainCheckOf(definition.schema), newest: composedSchema(definition.type, definition.version), dataschemas };
}

function versionIn({ definition, versions, newest }: DecodePlan, dataschema: string): number {
  // Nearly all are of today, and texts are compared for less than they are looked up.
  if (dataschema === newest) return definition.version;
  const version = versions.get(dataschema);
  if (version !== undefined) return version;
  throw new EventInvalidError('EVENT_VERSION_UNKNOWN', `${dataschema} is not a released version of ${definition.type}.`, 'dataschema');
}

/**
 * The version of the event that a `dataschema` names.
 * @throws EventInvalidError `EVENT_VERSION_UNKNOWN`
 */
export function releasedVersionOf(definition: EventDefinition, dataschema: string): number {
  return versionIn(planFor(definition), dataschema);
}

/** Data of any released version as JSON text, lifted to the newest and checked. */
export function readJson(definition: EventDefinition, version: number, json: string): unknown {
  return readData(planFor(definition), version, parse(json));
}

/** Data of any released version, lifted to the newest and checked. */
export function readValue(definition: EventDefinition, version: number, value: unknown): unknown {
  return readData(planFor(definition), version, value);
}

function planFor(definition: EventDefinition): DecodePlan {
  return plans.get(definition.type) ?? planOf(definition);
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new EventInvalidError('EVENT_DATA_INVALID', 'The data is not JSON.', 'data', cause);
  }
}

function readData({ definition, isPlain }: DecodePlan, version: number, value: unknown): unknown {
  let data = value;
  for (let at = version; at < definition.version; at++) data = liftedBy(definition, at, data);
  return isPlain?.(data) === true ? data : judgeData(definition, data);
}

/** An upcaster reads what anybody may have written: what it stumbles over is not data of its version. */
function liftedBy(definition: EventDefinition, version: number, data: unknown): unknown {
  try {
    return definition.upcasters[version - 1]?.(data);
  } catch (cause) {
    throw new EventInvalidError('EVENT_DATA_INVALID', `The data is not that of ${definition.type} in version ${version}.`, 'data', cause);
  }
}

/** Data checked against the newest schema of its event; returns what the schema keeps. */
export function checkData(definition: EventDefinition, data: unknown): unknown {
  return planFor(definition).isPlain?.(data) === true ? data : judgeData(definition, data);
}

/** Of places at which data is wrong, besides the first. */
const othersToldMax = 8;

function judgeData(definition: EventDefinition, data: unknown): unknown {
  const result = definition.schema.safeParse(data);
  if (result.success) return result.data;
  // Whoever mends the first place should not have to try to find the next.
  const [place = 'data', ...others] = new Set(result.error.issues.map(placeOf));
  const [issue] = result.error.issues;
  const message = issue?.code === 'unrecognized_keys' ? 'there is no such field' : (issue?.message ?? 'invalid');
  const more = others.length > othersToldMax ? ` and ${others.length - othersToldMax} others` : '';
  const told = others.length === 0 ? '' : ` (wrong as well: ${others.slice(0, othersToldMax).join(', ')}${more})`;
  throw new EventInvalidError('EVENT_DATA_INVALID', `${place}: ${message}${told}`, place, result.error);
}

function placeOf(issue: core.$ZodIssue): string {
  const surplus = issue.code === 'unrecognized_keys' ? issue.keys.slice(0, 1).map((key) => key.slice(0, 64)) : [];
  return ['data', ...issue.path.map(String), ...surplus].join('.');
}

const wholeNumber = /^\d{1,19}$/;
/** Of digits that a number holds exactly. */
const safeDigits = 15;

/** The number that a few digits write; undefined for any other text. */
function fewDigits(text: string): number | undefined {
  const { length } = text;
  if (length === 0 || length > safeDigits) return undefined;
  let number = 0;
  for (let at = 0; at < length; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) return undefined;
    number = number * 10 + digit;
  }
  return number;
}

function bigintAttribute(headers: LogRecord['headers'], header: AttributeHeader): bigint {
  const text = attribute(headers, header);
  // A tenth of what a pattern and a text's own conversion cost, twice per record of a replay.
  const number = fewDigits(text);
  if (number !== undefined) return BigInt(number);
  if (wholeNumber.test(text)) return BigInt(text);
  const name = header.slice('ce_'.length);
  throw new EventInvalidError('EVENT_ATTRIBUTE_INVALID', `The attribute ${name} is not a whole number.`, name);
}

/**
 * Decodes a record that the platform wrote: the catalogue knows its type, the data is upcast to the newest version and valid.
 * @throws EventInvalidError naming the field at fault.
 */
export function decodeRecord({ key, headers, value }: LogRecord): DomainEvent {
  const type = attribute(headers, 'ce_type');
  const plan = plans.get(type);
  if (plan === undefined) throw new EventInvalidError('EVENT_TYPE_UNKNOWN', `The catalogue has no event ${type}.`, 'type');
  const time = dateMs(attribute(headers, 'ce_time'));
  if (!Number.isFinite(time)) throw new EventInvalidError('EVENT_ATTRIBUTE_INVALID', 'The attribute time is not an RFC 3339 time.', 'time');
  const event: EventEnvelope = {
    id: attribute(headers, 'ce_id'),
    type,
    version: plan.definition.version,
    source: attribute(headers, 'ce_source'),
    subject: attribute(headers, 'ce_subject'),
    time,
    key,
    tenant: attribute(headers, 'ce_tenant'),
    correlationId: attribute(headers, 'ce_correlationid'),
    causationId: attribute(headers, 'ce_causationid'),
    traceparent: attribute(headers, 'ce_traceparent'),
    actor: attribute(headers, 'ce_actor'),
    streamVersion: bigintAttribute(headers, 'ce_streamversion'),
    producerEpoch: bigintAttribute(headers, 'ce_producerepoch'),
    data: readData(plan, versionIn(plan, attribute(headers, 'ce_dataschema')), parse(value)),
  };
  return event as DomainEvent;
}
