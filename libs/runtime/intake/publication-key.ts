import { EventInvalidError, futureMsMax } from '#events';
import { publicationDaysMin } from '#ports';
import { hash } from 'node:crypto';

const dayMs = 86_400_000;
/** RFC 9562 section 5.7: 48 bits of time in ms, then the version. */
const uuidV7 = /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/i;

export interface PublicationKey {
  /** Of the time within a UUIDv7, days since the Unix epoch; 0 for any other id. */
  readonly day: number;
  /** Stands for tenant and id. Of a UUIDv7 it begins with its time, so that ids of one time lie together in an index. */
  readonly key: string;
}

function uuidOf(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}

export function publicationKeyOf(tenant: string, id: string): PublicationKey {
  const digest = hash('sha256', `${tenant}\n${id}`, 'hex');
  if (!uuidV7.test(id)) return { day: 0, key: uuidOf(digest) };
  const time = id.slice(0, 8) + id.slice(9, 13);
  return { day: Math.floor(Number.parseInt(time, 16) / dayMs), key: uuidOf(time.toLowerCase() + digest.slice(0, 20)) };
}

/**
 * Ids that name a time are remembered for so long that none of an older time has to be taken: such an id is refused, for
 * nobody can tell any more whether it was published before.
 * @throws EventInvalidError `EVENT_TIME_INVALID`
 */
export function checkIdTime({ day }: PublicationKey, nowMs: number): void {
  if (day === 0) return;
  const today = Math.floor(nowMs / dayMs);
  if (day < today - publicationDaysMin) {
    const message = `The id is a UUIDv7 of more than ${publicationDaysMin} days ago: whether it was published before is not known any more. Take a new id.`;
    throw new EventInvalidError('EVENT_TIME_INVALID', message, 'id');
  }
  if (day * dayMs > nowMs + futureMsMax) throw new EventInvalidError('EVENT_TIME_INVALID', 'The id is a UUIDv7 of a day that has not begun.', 'id');
}

/** 64 bits of the content's SHA-256. */
export function contentDigestOf(content: string): bigint {
  return hash('sha256', content, 'buffer').readBigInt64BE(0);
}
