import { partitionOf } from '#kernel';
import { admitEvent } from './admission.ts';
import { definitionOf } from './catalogue.ts';
import { dataschemaOf, readJson } from './codec.ts';
import { topicPartitions } from './envelope.ts';
import { EventInvalidError } from './errors.ts';
import type { LogRecord, StoredRecord } from './record.ts';

/**
 * On records that came past the platform, straight onto a broker. The log sets it when it reads them, whatever their
 * writer said; it stays with the record where the log is copied. It says what else the log has set:
 *
 *     mark   = tenancy *( SP header [ "=" ] )
 *     header = name of a header that the writer left out or, with "=", left empty
 */
export const directHeader = 'streams-direct';

/** Says why nobody can read what stood here; readers get it as a record of its own, which is parked. */
const unreadableHeader = 'streams-unreadable';

/** What the log says of a direct record's tenant: whether this installation takes events for it on this way. */
type DirectTenancy = 'tenant-open' | 'tenant-closed';

/** For whom others may write past the platform; all of them when `*`. */
export type DirectTenants = ReadonlySet<string> | '*';

/** As the log reads it, or as little as is known of it. */
export type DirectRecord = LogRecord & Partial<Pick<StoredRecord, 'partition' | 'recordedAt'>>;

/** True for a record that nobody of the platform wrote. */
export function isDirect({ headers }: LogRecord): boolean {
  return headers[directHeader] !== undefined;
}

/** What the log's readers count on, beyond what every CloudEvents producer says. */
const readerAttributes = ['subject', 'time', 'dataschema', 'partitionkey', 'tenant', 'correlationid', 'causationid', 'actor', 'streamversion', 'producerepoch'];
/** All that the log may set; some of it may stay empty. */
const settable: ReadonlySet<string> = new Set([...readerAttributes.map((name) => `ce_${name}`), 'ce_traceparent', 'content-type']);

/**
 * A record that somebody else wrote as the log hands it on: marked, and with everything that its writer left out, as the
 * door would have set it. All of that follows from the record and the tenants, so that every replay reads the same. What
 * is no event gets the mark alone: {@link checkDirect} says why.
 */
export function asDirect<Any extends DirectRecord>(record: Any, tenants: DirectTenants): Any {
  const tenant = record.headers['ce_tenant'] || onlyOf(tenants);
  const isOpen = tenant !== undefined && (tenants === '*' || tenants.has(tenant));
  const tenancy: DirectTenancy = isOpen ? 'tenant-open' : 'tenant-closed';
  const known = tenant === undefined ? {} : { ce_tenant: tenant };
  const marked = filled(record, tenancy, known);
  return isComplete(marked.headers) ? marked : filled(record, tenancy, { ...known, ...doorHeaders(marked) });
}

/** Stands for what came past the platform and cannot be read at all. The same in every replay. */
export function unreadableRecord(why: string, place: Pick<StoredRecord, 'partition' | 'offset' | 'recordedAt'>): StoredRecord {
  return asClosedDirect({ key: '', headers: { [unreadableHeader]: why }, value: '', ...place });
}

/** The mark alone, where nobody asks for the event. */
export function asClosedDirect(record: StoredRecord): StoredRecord {
  return filled(record, 'tenant-closed', {});
}

/**
 * A record as its writer left it on the log, the same under all settings: what the log set when it read a direct record
 * is out again, and its mark says no more than that nobody of the platform wrote it.
 */
export function asWritten<Any extends LogRecord>(record: Any): Any {
  const mark = record.headers[directHeader];
  if (mark === undefined) return record;
  const set = new Set(mark.split(' ').slice(1));
  const headers: Record<string, string> = {};
  for (const name in record.headers) {
    if (settable.has(name) && set.has(name)) continue;
    headers[name] = name === directHeader || (settable.has(name) && set.has(`${name}=`)) ? '' : (record.headers[name] as string);
  }
  return { ...record, headers };
}

/** With what the writer left out or left empty, and the mark that says what that was. */
function filled<Any extends LogRecord>(record: Any, tenancy: DirectTenancy, values: LogRecord['headers']): Any {
  const headers: Record<string, string> = { ...record.headers };
  let mark: string = tenancy;
  for (const name in values) {
    if (!settable.has(name) || headers[name] || headers[name] === values[name]) continue;
    mark += headers[name] === undefined ? ` ${name}` : ` ${name}=`;
    headers[name] = values[name] as string;
  }
  headers[directHeader] = mark;
  return { ...record, headers };
}

function onlyOf(tenants: DirectTenants): string | undefined {
  return tenants !== '*' && tenants.size === 1 ? [...tenants][0] : undefined;
}

/** False for a record whose writer left something out that the platform itself always says. */
export function isComplete(headers: LogRecord['headers']): boolean {
  return headers['ce_traceparent'] !== undefined && readerAttributes.every((name) => Boolean(headers[`ce_${name}`]));
}

/** What the door would have set; nothing for what it would have refused. */
function doorHeaders(record: DirectRecord): LogRecord['headers'] {
  try {
    return checkDirect(record).headers;
  } catch (error) {
    if (!(error instanceof EventInvalidError)) throw error;
    return {};
  }
}

/** Names that the platform gives to those whom it knows: nobody else may sign with them. */
const platformActor = /^(key|jwt|system|publisher|edge):/;
const wholeTimeMax = 8.64e15;
/** CloudEvents Kafka binding section 3: so begins the type of a record in structured mode. */
const structuredMode = /^application\/cloudevents/i;

/**
 * Judges a direct record as strictly as the door would have judged its event.
 * @returns the record with everything that its writer left out
 * @throws EventInvalidError naming the attribute at fault.
 */
export function checkDirect(record: DirectRecord): LogRecord {
  const { headers, key, value, recordedAt: nowMs = wholeTimeMax } = record;
  const unreadable = headers[unreadableHeader];
  if (unreadable !== undefined) throw new EventInvalidError('EVENT_DATA_INVALID', unreadable, '');
  if (structuredMode.test(headers['content-type'] ?? '')) {
    const wanted = 'this takes the binary mode alone, attributes as headers (ce_id, ce_type …) and the data as the value';
    throw invalid('datacontenttype', `is ${headers['content-type']}, the structured mode of CloudEvents: ${wanted}`);
  }
  const { actor = 'direct', streamversion = '0', producerepoch = '0', ...attributes } = attributesOf(headers);
  const tenant = attributes['tenant'] ?? '';
  const correlationId = attributes['id'] ?? 'none';
  const admitted = admitEvent(
    { attributes: { datacontenttype: headers['content-type'], dataschema: fittingSchema(attributes, value), ...attributes }, data: { json: value } },
    { nowMs, tenant, actor, correlationId, traceparent: '', mayPublish: () => true },
  );
  checkPlace(record, admitted.record.key);
  checkTenancy(headers);
  if (admitted.person !== undefined) {
    const message = 'This event tells of a person, and would be on the log in clear: publish it through the gateway, which encrypts it.';
    throw new EventInvalidError('EVENT_DATA_INVALID', message, 'data');
  }
  if (platformActor.test(actor)) throw reserved('actor');
  if (streamversion !== '0') throw reserved('streamversion');
  if (producerepoch !== '0') throw reserved('producerepoch');
  return { key, value, headers: { ...headers, ...admitted.record.headers } };
}

/** Of the released versions the newest that the data fits: what was written without one stays readable when there is a newer. */
function fittingSchema({ type = '', dataschema, dataversion }: Record<string, string | undefined>, value: string): string | undefined {
  const definition = definitionOf(type);
  if (definition === undefined || dataschema !== undefined || dataversion !== undefined) return dataschema;
  for (let version = definition.version; version > 1; version--) {
    try {
      readJson(definition, version, value);
      return dataschemaOf(type, version);
    } catch (error) {
      if (!(error instanceof EventInvalidError)) throw error;
    }
  }
  return dataschemaOf(type, 1);
}

function checkPlace({ key, partition }: DirectRecord, expected: string): void {
  if (key !== expected) {
    const [is, be] = [JSON.stringify(key.slice(0, 128)), JSON.stringify(expected)];
    throw invalid(
      'partitionkey',
      `is ${be}, which follows from the data and decides the partition, but the key of the record is ${is}: send it with the key ${be}`,
    );
  }
  const home = partitionOf(key, topicPartitions);
  if (partition === undefined || partition === home) return;
  throw invalid('partitionkey', `belongs on partition ${home}, and the record is on ${partition}: use the murmur2 partitioner`);
}

function checkTenancy(headers: LogRecord['headers']): void {
  if (headers[directHeader]?.split(' ', 1)[0] !== ('tenant-closed' satisfies DirectTenancy)) return;
  const tenant = headers['ce_tenant'] ?? '';
  if (tenant === '') throw invalid('tenant', 'is missing: KAFKA_DIRECT_TENANTS names more than one tenant, so the header ce_tenant must say which');
  throw new EventInvalidError('EVENT_TENANT_FORBIDDEN', `Nobody publishes for the tenant ${tenant} straight to Kafka (KAFKA_DIRECT_TENANTS).`, 'tenant');
}

/** An empty attribute says nothing. */
function attributesOf(headers: LogRecord['headers']): Record<string, string | undefined> {
  const attributes: Record<string, string | undefined> = {};
  for (const name in headers) if (name.startsWith('ce_') && headers[name] !== '') attributes[name.slice(3)] = headers[name];
  return attributes;
}

function invalid(name: string, why: string): EventInvalidError {
  return new EventInvalidError('EVENT_ATTRIBUTE_INVALID', `The attribute ${name} ${why}.`, name);
}

function reserved(name: string): EventInvalidError {
  return new EventInvalidError('EVENT_ATTRIBUTE_RESERVED', `The attribute ${name} is not for others than the platform to say so.`, name);
}
