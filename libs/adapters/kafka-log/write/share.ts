import { partitionOf, OperatingError } from '#kernel';
import type { LogRecord, StoredRecord } from '#events';
import type { Position } from '#ports';
import type { RecordToEncode } from '../wire/record-batch.codec.ts';
import { batchBytesMax } from '../cluster/topics.ts';

/** The part of an append that belongs to one partition: written all together or not at all. */
export interface Share {
  readonly partition: number;
  readonly records: RecordToEncode[];
  /** Of each record, its place in the append. */
  readonly places: number[];
  /** Characters, a lower bound of the bytes. */
  size: number;
}

/** Cuts an append into what each partition gets. @throws OperatingError `RECORD_TOO_LARGE` for one partition */
export function sharesOf(records: readonly LogRecord[], partitions: number, now: number, markOf?: (at: number) => string): readonly Share[] {
  const shares = new Map<number, Share>();
  records.forEach((record, at) => {
    const partition = partitionOf(record.key, partitions);
    const share = shares.get(partition) ?? { partition, records: [], places: [], size: 0 };
    shares.set(partition, share);
    share.records.push({ record, timestamp: now, mark: markOf?.(at) });
    share.places.push(at);
    share.size += sizeOf(record);
  });
  for (const { size } of shares.values()) if (size > batchBytesMax) throw tooMuch(size);
  return [...shares.values()];
}

/** Records of another log, each for its partition and with its time of record. */
export function sharesOfStored(records: readonly StoredRecord[]): readonly Share[] {
  const shares = new Map<number, Share>();
  records.forEach((record, at) => {
    const share = shares.get(record.partition) ?? { partition: record.partition, records: [], places: [], size: 0 };
    shares.set(record.partition, share);
    share.records.push({ record, timestamp: record.recordedAt });
    share.places.push(at);
    share.size += sizeOf(record);
  });
  return [...shares.values()];
}

function tooMuch(size: number): OperatingError {
  return new OperatingError(`An append puts ${size} bytes into one partition, more than Kafka writes at once (${batchBytesMax}).`, {
    code: 'RECORD_TOO_LARGE',
    retryable: false,
  });
}

/** Length and offset deltas, attributes, lengths of key, value and headers. */
const recordOverhead = 24;
const headerOverhead = 4;

function sizeOf({ key, value, headers }: LogRecord): number {
  let size = key.length + value.length + recordOverhead;
  for (const name in headers) size += name.length + (headers[name] as string).length + headerOverhead;
  return size;
}

/** Positions in the order of the append, from the first offset that each share got. */
export function positionsOf(shares: readonly Share[], baseOffsets: readonly bigint[], count: number): Position[] {
  const positions = Array.from<Position>({ length: count });
  shares.forEach(({ partition, places }, at) => {
    const base = baseOffsets[at] as bigint;
    places.forEach((place, n) => (positions[place] = { partition, offset: base + BigInt(n) }));
  });
  return positions;
}
