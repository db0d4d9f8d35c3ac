import { partitionOf } from '#kernel';
import { admitEvent } from './admission.ts';
import { topicPartitions } from './envelope.ts';
import { EventInvalidError } from './errors.ts';
import type { LogRecord, StoredRecord } from './record.ts';

/**
 * On records that came past the platform, straight onto a broker. The log sets it when it reads them, whatever their
 * writer said; it stays with the record where the log is copied.
 */
export const directHeader = 'streams-direct';

/** What the log says of a direct record's tenant: whether this installation takes events for it on this way. */
export type DirectTenancy = 'tenant-open' | 'tenant-closed';

/** As the log reads it, or as little as is known of it. */
export type DirectRecord = LogRecord & Partial<Pick<StoredRecord, 'partition' | 'recordedAt'>>;

/** True for a record that nobody of the platform wrote. */
export function isDirect({ headers }: LogRecord): boolean {
  return headers[directHeader] !== undefined;
}

/** Names that the platform gives to those whom it knows: nobody else may sign with them. */
const platformActor = /^(key|jwt|system|publisher|edge):/;
const wholeTimeMax = 8.64e15;

/**
 * Judges a direct record as strictly as the door would have judged its event.
 * @throws EventInvalidError naming the attribute at fault.
 */
export function checkDirect(record: DirectRecord): void {
  const { headers, key, value, partition, recordedAt: nowMs = wholeTimeMax } = record;
  const { actor = '', streamversion, producerepoch, ...attributes } = attributesOf(headers);
  const tenant = attributes['tenant'] ?? '';
  admitEvent(
    { attributes: { datacontenttype: headers['content-type'], ...attributes }, data: { json: value } },
    { nowMs, tenant, actor, correlationId: attributes['correlationid'] ?? 'none', traceparent: '', mayPublish: () => true },
  );
  // What follows from the data is judged there; here, that the record's own key is that one.
  if (attributes['partitionkey'] !== key) throw invalid('partitionkey', 'is not the key of the record');
  if (partition !== undefined && partition !== partitionOf(key, topicPartitions)) {
    throw invalid('partitionkey', `belongs on partition ${partitionOf(key, topicPartitions)}, and the record is on ${partition}: use the murmur2 partitioner`);
  }
  if (headers[directHeader] === ('tenant-closed' satisfies DirectTenancy)) {
    throw new EventInvalidError('EVENT_TENANT_FORBIDDEN', `Nobody publishes for the tenant ${tenant} straight to Kafka (KAFKA_DIRECT_TENANTS).`, 'tenant');
  }
  if (platformActor.test(actor)) throw reserved('actor');
  if (streamversion !== '0') throw reserved('streamversion');
  if (producerepoch !== '0') throw reserved('producerepoch');
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
