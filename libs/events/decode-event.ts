import { definitionOf, type DomainEvent } from './catalogue.ts';
import { dataschemaOf, decodeRecord } from './codec.ts';
import { checkDirect, isDirect, type DirectRecord } from './direct-record.ts';
import type { Context } from './envelope.ts';
import { EventInvalidError } from './errors.ts';
import { originOf, type StoredRecord } from './record.ts';

/**
 * Decodes a record of the log: the catalogue knows its type, the data is upcast to the newest version and valid. One that
 * came straight onto a broker is judged first as the door would have judged it.
 * @throws EventInvalidError naming the field at fault.
 */
export function decodeEvent(record: DirectRecord): DomainEvent {
  const event = decodeRecord(isDirect(record) ? checkDirect(record) : record);
  const origin = originOf(record);
  return origin === undefined ? event : { ...event, origin };
}

/**
 * True for a record that is to be shown as an event to those who follow a topic: one that projections read, whoever says
 * to have written it. What the platform's newer programs write in types or versions that this one does not know yet is
 * shown as it is, as long as it is well-formed.
 */
export function isReadable(topic: Context, record: StoredRecord): boolean {
  try {
    return definitionOf(decodeEvent(record).type)?.context === topic;
  } catch (error) {
    if (!(error instanceof EventInvalidError)) throw error;
    return !isDirect(record) && isNewer(record, error.code) && isWellFormed(record);
  }
}

function isNewer({ headers }: StoredRecord, code: string): boolean {
  if (code === 'EVENT_TYPE_UNKNOWN') return true;
  if (code !== 'EVENT_VERSION_UNKNOWN') return false;
  const type = headers['ce_type'] ?? '';
  const version = Number(/:([1-9]\d{0,3})$/.exec(headers['ce_dataschema'] ?? '')?.[1] ?? 0);
  return version > (definitionOf(type)?.version ?? Infinity) && headers['ce_dataschema'] === dataschemaOf(type, version);
}

/** What CloudEvents asks of an event (section 3.1), and data that is JSON. */
function isWellFormed({ headers, value }: StoredRecord): boolean {
  if (headers['ce_specversion'] !== '1.0' || !headers['ce_id'] || !headers['ce_source'] || !headers['ce_type']) return false;
  try {
    JSON.parse(value);
    return true;
  } catch {
    return false;
  }
}
