import { Writer, type Reader } from '@platformatic/kafka';

export interface FetchPartition {
  readonly partition: number;
  readonly offset: bigint;
  /** The newest that we know of: a leader that was replaced and does not know it has an older one, and refuses. */
  readonly leaderEpoch: number;
  readonly bytesMax: number;
}

export interface FetchTopic {
  readonly name: string;
  readonly partitions: readonly FetchPartition[];
}

export interface FetchInit {
  readonly waitMs: number;
  readonly bytesMax: number;
  readonly topics: readonly FetchTopic[];
}

export interface FetchedPartition {
  readonly partition: number;
  readonly errorCode: number;
  /** The end for readers who see committed records only. */
  readonly lastStableOffset: bigint;
  readonly logStartOffset: bigint;
  readonly aborted: ReadonlyArray<{ readonly producerId: bigint; readonly firstOffset: bigint }>;
  /** Batches as they lie on the broker's disk. */
  readonly records: Buffer;
}

export interface FetchAnswer {
  readonly errorCode: number;
  readonly topics: ReadonlyArray<{ readonly name: string; readonly partitions: readonly FetchedPartition[] }>;
}

const noBytes = Buffer.alloc(0);

/** Fetch, version 12: without a session, of committed records, from exact offsets. */
export function createFetchRequest({ waitMs, bytesMax, topics }: FetchInit): Writer {
  return Writer.create()
    .appendInt32(-1)
    .appendInt32(waitMs)
    .appendInt32(1)
    .appendInt32(bytesMax)
    .appendInt8(1) // read_committed
    .appendInt32(0)
    .appendInt32(-1)
    .appendArray([...topics], (writer, topic) => {
      writer.appendString(topic.name).appendArray([...topic.partitions], (inner, { partition, offset, leaderEpoch, bytesMax: most }) => {
        inner.appendInt32(partition).appendInt32(leaderEpoch).appendInt64(offset).appendInt32(-1).appendInt64(-1n).appendInt32(most);
      });
    })
    .appendArray([], () => undefined)
    .appendString('')
    .appendTaggedFields();
}

/** Keeps the records as bytes: they are decoded by those who asked for them. */
export function parseFetchResponse(_correlationId: number, _apiKey: number, _apiVersion: number, reader: Reader): FetchAnswer {
  reader.readInt32(); // throttle time
  const errorCode = reader.readInt16();
  reader.readInt32(); // session id
  const topics = reader.readArray((r) => ({ name: r.readString(), partitions: r.readArray(readPartition) }));
  return { errorCode, topics };
}

function readPartition(reader: Reader): FetchedPartition {
  const partition = reader.readInt32();
  const errorCode = reader.readInt16();
  reader.readInt64(); // high watermark, which counts what is not committed yet
  const lastStableOffset = reader.readInt64();
  const logStartOffset = reader.readInt64();
  const aborted = reader.readNullableArray((r) => ({ producerId: r.readInt64(), firstOffset: r.readInt64() })) ?? [];
  reader.readInt32(); // preferred read replica
  const length = reader.readUnsignedVarInt() - 1;
  const records = length > 0 ? reader.buffer.subarray(reader.position, reader.position + length).buffer : noBytes;
  if (length > 0) reader.skip(length);
  return { partition, errorCode, lastStableOffset, logStartOffset, aborted, records };
}

export const fetchApi = { key: 1, version: 12, parse: parseFetchResponse } as const;
