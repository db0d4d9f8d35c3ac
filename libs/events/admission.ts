import { definitionOf } from './catalogue.ts';
import { dataschemaOf, readJson, readValue, releasedVersionOf } from './codec.ts';
import type { EventDefinition } from './define.ts';
import type { Context } from './envelope.ts';
import { EventInvalidError } from './errors.ts';
import { extensionHeaders, invalidAttribute, optionalText, optionalTime, requiredText } from './incoming-attributes.ts';
import type { IncomingEvent } from './incoming.ts';
import { instantText } from './instant.ts';
import { personalTexts } from './personal.ts';
import type { LogRecord } from './record.ts';
import { standInPattern } from './stand-in.codec.ts';

/** What the door knows of the caller and the moment. */
export interface AdmissionContext {
  readonly nowMs: number;
  /** When an event with a key happened that does not say so itself; `nowMs` by default. */
  readonly timeOf?: (context: Context, key: string) => number;
  readonly tenant: string;
  readonly actor: string;
  readonly correlationId: string;
  /** Empty when there is no trace. */
  readonly traceparent: string;
  mayPublish(context: Context): boolean;
}

/** An event that may be appended. */
export interface AdmittedEvent {
  readonly id: string;
  readonly context: Context;
  readonly record: LogRecord;
  /** Everything that makes it this event and no other of the same id; a repetition says the same. */
  readonly content: string;
  /** When it tells of somebody: whom, and the data as the newest version has it. The record has it in clear, and must not go to the log so. */
  readonly person?: EventPerson;
}

export interface EventPerson {
  readonly definition: EventDefinition;
  readonly subject: string;
  readonly data: unknown;
}

/** How far ahead of our clock a publisher's may be. */
export const futureMsMax = 300_000;
/** Nothing that is published here happened before the year 2000: such a time is a clock that was never set. */
export const oldestTimeMs = Date.UTC(2000, 0, 1);

const idPattern = /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}$/;
const traceparentPattern = /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/;
/** A URI reference as far as it matters here: one word (CloudEvents section 3.1.1). */
const sourcePattern = /^[^\s<>"{}|\\^`]{1,512}$/;
const jsonType = /^application\/(json|[a-z0-9.+-]+\+json)\s*(;\s*charset="?utf-8"?\s*)?$/i;

/** What the platform alone says of an event. */
const reserved = ['actor', 'streamversion', 'producerepoch', 'recordedtime', 'topic', 'partition', 'offset'] as const;
/** What is judged here; everything else is an extension of the publisher's own. */
const judged: ReadonlySet<string> = new Set([
  ...['specversion', 'id', 'type', 'source', 'subject', 'time', 'dataschema', 'dataversion', 'datacontenttype', 'partitionkey', 'tenant'],
  ...['correlationid', 'causationid', 'traceparent', 'data', 'data_base64', ...reserved],
]);

/**
 * Checks an event from outside against the catalogue, the caller's rights and the clock, and makes the record of it that
 * goes to the log. Its `streamversion` and `producerepoch` are 0: it is no decision and nobody's fenced fact.
 * @throws EventInvalidError with an intake code, naming the field at fault.
 */
export function admitEvent(incoming: IncomingEvent, context: AdmissionContext): AdmittedEvent {
  const { attributes } = incoming;
  if (attributes['specversion'] !== '1.0') throw invalidAttribute('specversion', 'is not "1.0": this takes CloudEvents 1.0');
  const id = requiredText(attributes, 'id', 128);
  if (!idPattern.test(id)) throw invalidAttribute('id', 'is not made of letters, digits and "_.:-"');
  const definition = openDefinition(requiredText(attributes, 'type', 128), context);
  refuseReserved(attributes, context);
  const source = requiredText(attributes, 'source', 512);
  if (!sourcePattern.test(source)) throw invalidAttribute('source', 'is not a URI reference');
  const contentType = optionalText(attributes, 'datacontenttype', 128);
  if (contentType !== undefined && !jsonType.test(contentType)) throw invalidAttribute('datacontenttype', 'is not JSON');
  const version = versionOf(attributes, definition);
  const time = optionalTime(attributes, 'time');
  checkTime(time, context.nowMs);
  const { value, data } = dataOf(incoming, definition, version);
  const [key, subject] = [definition.key(data), definition.subject(data)];
  checkDerived(attributes, 'partitionkey', key);
  checkDerived(attributes, 'subject', subject);
  const dataschema = dataschemaOf(definition.type, version);
  const { correlationId, causationId, traceparent } = tracing(attributes, context);
  const headers = {
    ce_specversion: '1.0',
    ce_id: id,
    ce_type: definition.type,
    ce_source: source,
    ce_subject: subject,
    ce_time: instantText(time ?? context.timeOf?.(definition.context, key) ?? context.nowMs),
    ce_dataschema: dataschema,
    ce_partitionkey: key,
    ce_tenant: context.tenant,
    ce_correlationid: correlationId,
    ce_causationid: causationId,
    ce_traceparent: traceparent,
    ce_actor: context.actor,
    ce_streamversion: '0',
    ce_producerepoch: '0',
    'content-type': 'application/json',
  };
  const own = extensionHeaders(attributes, judged);
  const record = { key, headers: own === undefined ? headers : { ...headers, ...own }, value };
  const content = `${dataschema}\n${source}\n${time ?? ''}\n${value}`;
  const person = personOf(definition, data);
  return { id, context: definition.context, record, content, ...(person === undefined ? {} : { person }) };
}

function openDefinition(type: string, context: AdmissionContext): EventDefinition {
  const definition = definitionOf(type);
  if (definition === undefined) throw new EventInvalidError('EVENT_TYPE_UNKNOWN', `The catalogue has no event ${type}.`, 'type');
  if (definition.publishers !== 'anyone') {
    throw new EventInvalidError('EVENT_NOT_OPEN', `Only the platform itself says ${type}; ask for it by its command.`, 'type');
  }
  if (!context.mayPublish(definition.context)) {
    throw new EventInvalidError('EVENT_CONTEXT_FORBIDDEN', `This needs the right to publish into the context ${definition.context}.`, 'type');
  }
  return definition;
}

/** @throws EventInvalidError for a personal field that holds what stands in the place of one */
function personOf(definition: EventDefinition, data: unknown): EventPerson | undefined {
  for (const { place, text } of personalTexts(definition, data)) {
    if (!standInPattern.test(text)) continue;
    const field = `data${place.replaceAll('/', '.')}`;
    throw new EventInvalidError('EVENT_DATA_INVALID', `${field}: begins like what the platform puts in the place of a personal value`, field);
  }
  const subject = definition.dataSubject(data);
  return subject === undefined ? undefined : { definition, subject, data };
}

function refuseReserved(attributes: IncomingEvent['attributes'], { tenant }: AdmissionContext): void {
  for (const name of reserved) {
    if (attributes[name] === undefined) continue;
    throw new EventInvalidError('EVENT_ATTRIBUTE_RESERVED', `The platform sets the attribute ${name}; leave it out.`, name);
  }
  const given = optionalText(attributes, 'tenant', 128);
  if (given !== undefined && given !== tenant) {
    throw new EventInvalidError('EVENT_TENANT_FORBIDDEN', `This key publishes for the tenant ${tenant}, not for ${given}.`, 'tenant');
  }
}

const versionText = /^[1-9]\d{0,3}$/;

/** The version that `dataschema` or, in short, `dataversion` names; the newest when neither does. */
function versionOf(attributes: IncomingEvent['attributes'], definition: EventDefinition): number {
  const dataschema = optionalText(attributes, 'dataschema', 256);
  const named = dataschema === undefined ? undefined : releasedVersionOf(definition, dataschema);
  const short = attributes['dataversion'];
  if (short === undefined || short === null) return named ?? definition.version;
  const version = versionText.test(String(short)) ? Number(short) : Number.NaN;
  if (!(version <= definition.version)) {
    throw new EventInvalidError('EVENT_VERSION_UNKNOWN', `${definition.type} has the versions 1 to ${definition.version}.`, 'dataversion');
  }
  if (named !== undefined && named !== version) throw invalidAttribute('dataversion', `says ${version}, but dataschema ${named}`);
  return version;
}

function checkTime(time: number | undefined, nowMs: number): void {
  if (time === undefined) return;
  if (time > nowMs + futureMsMax) {
    const message = `The attribute time lies ${Math.round((time - nowMs) / 1000)} s ahead of this server's clock; ${futureMsMax / 1000} s are allowed.`;
    throw new EventInvalidError('EVENT_TIME_INVALID', message, 'time');
  }
  if (time < oldestTimeMs) throw new EventInvalidError('EVENT_TIME_INVALID', 'The attribute time lies before the year 2000.', 'time');
}

/** The data as text, and as the newest version reads it. Given text is kept to the byte. */
function dataOf({ data }: IncomingEvent, definition: EventDefinition, version: number): { readonly value: string; readonly data: unknown } {
  if ('fault' in data) throw new EventInvalidError('EVENT_DATA_INVALID', data.fault.message, data.fault.field);
  if ('json' in data) return { value: data.json, data: readJson(definition, version, data.json) };
  if (data.value === undefined) throw new EventInvalidError('EVENT_DATA_INVALID', 'The event has no data.', 'data');
  // First: what fits a schema is never nested deeper than a stack.
  const read = readValue(definition, version, data.value);
  return { value: JSON.stringify(data.value), data: read };
}

/** What follows from the data may be said, if it is said right. */
function checkDerived(attributes: IncomingEvent['attributes'], name: 'partitionkey' | 'subject', derived: string): void {
  const given = optionalText(attributes, name, 512);
  if (given !== undefined && given !== derived) throw invalidAttribute(name, `is not ${JSON.stringify(derived)}, which follows from the data`);
}

function tracing(attributes: IncomingEvent['attributes'], context: AdmissionContext) {
  const traceparent = optionalText(attributes, 'traceparent', 64) ?? context.traceparent;
  if (traceparent !== '' && !traceparentPattern.test(traceparent)) throw invalidAttribute('traceparent', 'is not a W3C trace context');
  const correlationId = optionalText(attributes, 'correlationid', 128) ?? context.correlationId;
  return { correlationId, causationId: optionalText(attributes, 'causationid', 128) ?? correlationId, traceparent };
}
