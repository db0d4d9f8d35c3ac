import { decodeEvent, EventInvalidError, isDirect, originHeader, topicPartitions, type LogRecord, type StoredRecord } from '#events';
import { partitionOf } from '#kernel';

/** Where a copy stood in its own region, and the how-many-th copy of that partition it is, from 1. */
const offsetHeader = 'streams-origin-offset';
const sequenceHeader = 'streams-origin-sequence';

/** How far the copies of one partition have come. */
export interface MirrorPosition {
  /** Where to read on in the region that is copied; undefined before the first copy. */
  readonly next: bigint | undefined;
  /** Copies so far. */
  readonly sequence: bigint;
}

export const nothingMirrored: MirrorPosition = { next: undefined, sequence: 0n };

/** A record as it goes to another region: the same event, with where it comes from. */
export function mirrored({ key, headers, value, offset }: StoredRecord, origin: string, sequence: bigint): LogRecord {
  return { key, value, headers: { ...headers, [originHeader]: origin, [offsetHeader]: String(offset), [sequenceHeader]: String(sequence) } };
}

/** How far the copies have come, from the last of them. */
export function positionAfter({ headers }: LogRecord): MirrorPosition {
  return { next: BigInt(headers[offsetHeader] ?? '') + 1n, sequence: BigInt(headers[sequenceHeader] ?? '') };
}

/**
 * Why the region in whose log a record stands does not take it for an event of its own, so that no other may either;
 * undefined for what it takes. What came past the platform is judged where it came in: in a copy it would stand on another partition,
 * at another time. What only a newer program may know is not refused by that, so that it is not missing after an upgrade.
 */
export function refusalOf(record: StoredRecord): string | undefined {
  const home = partitionOf(record.key, topicPartitions);
  if (record.partition !== home) return `its key belongs on partition ${home}`;
  if (!isDirect(record)) return undefined;
  try {
    decodeEvent(record);
    return undefined;
  } catch (error) {
    if (!(error instanceof EventInvalidError)) throw error;
    return error.code === 'EVENT_TYPE_UNKNOWN' || error.code === 'EVENT_VERSION_UNKNOWN' ? undefined : error.message;
  }
}
