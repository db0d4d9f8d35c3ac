import { decodeEvent, isDirect, isReadable, keptActor, keptSubject, type Context, type StoredRecord } from '#events';
import type { IndexedEvent } from '#ports';

/** What the index keeps of a record; undefined for what is nobody's event and was set aside. */
export function indexedEventOf(topic: Context, record: StoredRecord): IndexedEvent | undefined {
  if (!isReadable(topic, record)) return undefined;
  const { partition, offset, recordedAt, headers } = record;
  const place = { topic, partition, offset, recordedAt };
  if (isDirect(record)) {
    // Attributes that its writer left out follow from the others.
    const { id, type, subject, time, tenant, actor, correlationId, causationId } = decodeEvent(record);
    return { ...place, id, type, subject, time, tenant, actor, correlationId, causationId };
  }
  const { ce_id: id = '', ce_type: type = '', ce_subject: subject = '' } = headers;
  const time = Date.parse(headers['ce_time'] ?? '');
  return {
    ...place,
    ...{ id, type, subject: keptSubject(type, subject), tenant: headers['ce_tenant'] ?? '' },
    time: Number.isNaN(time) ? recordedAt : time,
    actor: keptActor(headers['ce_actor'] ?? ''),
    correlationId: headers['ce_correlationid'] ?? id,
    causationId: headers['ce_causationid'] ?? id,
  };
}
