import type { DomainEvent } from './catalogue.ts';
import { decodeRecord } from './codec.ts';
import { checkDirect, isDirect, type DirectRecord } from './direct-record.ts';
import type { StoredRecord } from './record.ts';

/**
 * Decodes a record of the log: the catalogue knows its type, the data is upcast to the newest version and valid. One that
 * came straight onto a broker is judged first as the door would have judged it.
 * @throws EventInvalidError naming the field at fault.
 */
export function decodeEvent(record: DirectRecord): DomainEvent {
  if (isDirect(record)) checkDirect(record);
  return decodeRecord(record);
}

/** Records are judged once, however many readers there are. */
const refused = new WeakMap<StoredRecord, boolean>();

/** True for a direct record that is set aside: nobody who follows the log is to see it as an event. */
export function isRefusedDirect(record: StoredRecord): boolean {
  if (!isDirect(record)) return false;
  const known = refused.get(record);
  if (known !== undefined) return known;
  const judged = !isReadable(record);
  refused.set(record, judged);
  return judged;
}

function isReadable(record: StoredRecord): boolean {
  try {
    decodeEvent(record);
    return true;
  } catch {
    return false;
  }
}
