import { gzipSync } from 'node:zlib';
import { compressionsAlgorithms, crc32c, type CompressionAlgorithmValue } from '@platformatic/kafka';
import type { LogRecord } from '#events';
import { ByteWriter } from './byte-writer.ts';

/*
 * Kafka's record batch, magic 2. Lengths in bytes; everything big-endian.
 *
 *   0 base offset 8      12 leader epoch 4    23 last offset delta 4   43 producer id 8      57 record count 4
 *   8 batch length 4     16 magic 1           27 base timestamp 8      51 producer epoch 2   61 records
 *                        17 CRC-32C 4         35 max timestamp 8       53 base sequence 4
 *                        21 attributes 2
 *
 * A batch is what a broker takes or refuses as a whole.
 */
export const batchHeaderBytes = 61;
/** The length field counts what follows it; the checksum covers what follows it. */
export const lengthFrom = 12;
export const checksumFrom = 21;

export const attributes = { compression: 0b111, logAppendTime: 1 << 3, transactional: 1 << 4, control: 1 << 5 } as const;

/** Who writes a batch, so that a broker knows repetitions (sequences count per partition). */
export interface BatchProducer {
  readonly id: bigint;
  readonly epoch: number;
  readonly sequence: number;
  readonly isTransactional: boolean;
}

/** Records of one partition, encoded and not yet signed by a producer. */
export interface EncodedRecords {
  readonly count: number;
  /** Compressed. */
  readonly bytes: Buffer;
  readonly compression: number;
  readonly baseTimestamp: number;
  readonly maxTimestamp: number;
}

export interface RecordToEncode {
  readonly record: LogRecord;
  /** ms; brokers of our topics replace it by their own clock. */
  readonly timestamp: number;
  /** Which guarded append it is of. */
  readonly mark?: string | undefined;
}

/** Of our own, on every record that we write; readers do not see it. A record without it was written by somebody else. */
export const markHeader = 'streams-producer';
export const plainMark = 'streams';

/** Smaller ones stay as they are: setting up a compressor (20 µs for gzip) costs more than they save. */
const compressedBytesMin = 1024;
/** The library's own, 6, takes twice the time of 1 and makes batches 5 % smaller. */
const gzipLevel = 1;

const body = new ByteWriter();
const one = new ByteWriter();

/** Encodes records; what is not worth compressing stays as it is. */
export function encodeRecords(records: readonly RecordToEncode[], compression: CompressionAlgorithmValue): EncodedRecords {
  const baseTimestamp = records[0]?.timestamp ?? 0;
  let maxTimestamp = baseTimestamp;
  body.clear();
  records.forEach((each, at) => {
    one.clear();
    encodeRecord(each, at, baseTimestamp);
    body.varint(one.length);
    body.bytes(one.view());
    maxTimestamp = Math.max(maxTimestamp, each.timestamp);
  });
  const used = body.length < compressedBytesMin ? 'none' : compression;
  return {
    count: records.length,
    bytes: used === 'none' ? body.take() : compress(body.view(), used),
    compression: compressionsAlgorithms[used].bitmask,
    baseTimestamp,
    maxTimestamp,
  };
}

function compress(bytes: Buffer, compression: CompressionAlgorithmValue): Buffer {
  if (compression === 'gzip') return gzipSync(bytes, { level: gzipLevel });
  return Buffer.from(compressionsAlgorithms[compression].compressSync(bytes));
}

function encodeRecord({ record, timestamp, mark = plainMark }: RecordToEncode, offsetDelta: number, baseTimestamp: number): void {
  one.byte(0);
  one.varint(timestamp - baseTimestamp);
  one.varint(offsetDelta);
  one.text(record.key);
  one.text(record.value);
  const names = Object.keys(record.headers);
  one.varint(names.length + 1);
  for (const name of names) {
    one.name(name);
    one.text(record.headers[name] as string);
  }
  one.name(markHeader);
  one.text(mark);
}

/** A whole batch, as a produce request carries it. */
export function encodeBatch(records: EncodedRecords, producer: BatchProducer): Buffer {
  const batch = Buffer.allocUnsafe(batchHeaderBytes + records.bytes.length);
  batch.writeBigInt64BE(0n, 0);
  batch.writeInt32BE(batch.length - lengthFrom, 8);
  batch.writeInt32BE(-1, 12);
  batch.writeInt8(2, 16);
  batch.writeInt16BE(records.compression | (producer.isTransactional ? attributes.transactional : 0), 21);
  batch.writeInt32BE(records.count - 1, 23);
  batch.writeBigInt64BE(BigInt(records.baseTimestamp), 27);
  batch.writeBigInt64BE(BigInt(records.maxTimestamp), 35);
  batch.writeBigInt64BE(producer.id, 43);
  batch.writeInt16BE(producer.epoch, 51);
  batch.writeInt32BE(producer.sequence, 53);
  batch.writeInt32BE(records.count, 57);
  records.bytes.copy(batch, batchHeaderBytes);
  batch.writeUInt32BE(crc32c(batch.subarray(checksumFrom)), 17);
  return batch;
}
