import { crc32c } from '@platformatic/kafka';
import { asClosedDirect, asDirect, type DirectTenants, type StoredRecord } from '#events';
import { corrupt } from '../kafka-log.errors.ts';
import { attributes, batchHeaderBytes, checksumFrom, lengthFrom, markHeader } from './record-batch.codec.ts';

/** The fixed part of a batch. */
export interface BatchHead {
  readonly baseOffset: bigint;
  readonly lastOffset: bigint;
  readonly attributes: number;
  readonly maxTimestamp: number;
  readonly baseTimestamp: number;
  readonly producerId: bigint;
  readonly count: number;
  /** Of the batch within the bytes. */
  readonly start: number;
  readonly end: number;
}

/** The batch that begins at `start`; undefined when the broker cut it off there. @throws OperatingError `LOG_CORRUPT` */
export function readBatchHead(bytes: Buffer, start: number): BatchHead | undefined {
  if (start + batchHeaderBytes > bytes.length) return undefined;
  const end = start + lengthFrom + bytes.readInt32BE(start + 8);
  if (end > bytes.length) return undefined;
  if (bytes.readInt8(start + 16) !== 2) throw corrupt('a batch of an unknown format');
  if (crc32c(bytes.subarray(start + checksumFrom, end)) !== bytes.readUInt32BE(start + 17)) throw corrupt('a batch with a wrong checksum');
  const baseOffset = bytes.readBigInt64BE(start);
  return {
    baseOffset,
    lastOffset: baseOffset + BigInt(bytes.readInt32BE(start + 23)),
    attributes: bytes.readInt16BE(start + 21),
    baseTimestamp: Number(bytes.readBigInt64BE(start + 27)),
    maxTimestamp: Number(bytes.readBigInt64BE(start + 35)),
    producerId: bytes.readBigInt64BE(start + 43),
    count: bytes.readInt32BE(start + 57),
    start,
    end,
  };
}

/** Every batch that is whole. @throws OperatingError `LOG_CORRUPT` */
export function readBatchHeads(bytes: Buffer): BatchHead[] {
  const heads: BatchHead[] = [];
  for (let head = readBatchHead(bytes, 0); head !== undefined; head = readBatchHead(bytes, head.end)) heads.push(head);
  return heads;
}

/** Where the records of a batch stand. */
export interface BatchBody {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

/** What a control batch says: true when its transaction was aborted. */
export function readIsAbort(bytes: Buffer, head: BatchHead): boolean {
  const records = new RecordReader(head, { bytes, start: head.start + batchHeaderBytes, end: head.end });
  records.skipToKey();
  // Control record key: version 2 bytes, type 2 bytes; type 0 is ABORT, 1 is COMMIT.
  return bytes.readInt16BE(records.at + 2) === 0;
}

/** Header names of the record before: records of one kind have the same ones in the same places. */
const expected: Array<{ readonly bytes: Buffer; readonly name: string } | undefined> = [];
const expectedMax = 64;

/** A header of the record before: its name, where its value stands in the bytes, and its text. */
interface Seen {
  name: string;
  start: number;
  length: number;
  text: string;
}

/** Takes records, and of each the mark that it carries and its bytes. */
export interface RecordSink {
  readonly records: StoredRecord[];
  readonly marks: Array<string | undefined>;
  readonly sizes: number[];
  /** For whom others may write past us; undefined where nobody looks at their events. */
  readonly directTenants: DirectTenants | undefined;
}

/** Decodes the records of one batch. */
export class RecordReader {
  readonly #bytes: Buffer;
  readonly #end: number;
  readonly #head: BatchHead;
  #mark: string | undefined;
  /** The headers of the record before, when the next may begin as a copy of them: each name was there once. */
  #before: Record<string, string> | undefined;
  #seen: Seen[] = [];
  at: number;

  constructor(head: BatchHead, { bytes, start, end }: BatchBody) {
    this.#head = head;
    this.#bytes = bytes;
    this.#end = end;
    this.at = start;
  }

  /** Adds the records from the offset on, in order. False when they are not what the batch says: then some of them are missing, or wrong. */
  readFrom(from: bigint, partition: number, into: RecordSink): boolean {
    for (let n = 0; n < this.#head.count; n++) {
      const length = this.#varint();
      const end = this.at + length;
      if (length <= 0 || end > this.#end) return false;
      this.#mark = undefined;
      const record = this.#record(partition, into.directTenants);
      if (this.at > end) return false;
      this.at = end;
      if (record.offset < from) continue;
      into.records.push(record);
      into.marks.push(this.#mark);
      into.sizes.push(length);
    }
    return true;
  }

  skipToKey(): void {
    this.#varint();
    this.at++;
    this.#varint();
    this.#varint();
    this.#varint();
  }

  #record(partition: number, directTenants: DirectTenants | undefined): StoredRecord {
    this.at++;
    const timestamp = this.#head.baseTimestamp + this.#varint();
    const offset = this.#head.baseOffset + BigInt(this.#varint());
    const key = this.#text();
    const value = this.#text();
    const headers = this.#headers();
    const recordedAt = (this.#head.attributes & attributes.logAppendTime) === 0 ? timestamp : this.#head.maxTimestamp;
    const record = { key, headers, value, partition, offset, recordedAt };
    if (this.#mark !== undefined) return record;
    return directTenants === undefined ? asClosedDirect(record) : asDirect(record, directTenants);
  }

  /** Null, which foreign clients may write, reads as an empty text. */
  #text(): string {
    return this.#textOf(Math.max(0, this.#varint()));
  }

  /**
   * Records of one kind have the same names in the same order, and most of their values (tenant, type, source): a copy of
   * the headers before gets its shape at once, and only what differs is made and set.
   */
  #headers(): Record<string, string> {
    const count = this.#varint();
    const start = this.at;
    if (this.#before !== undefined && count === this.#seen.length) {
      const headers = { ...this.#before };
      if (this.#change(headers)) return (this.#before = headers);
      this.at = start;
    }
    return this.#freshHeaders(count);
  }

  #freshHeaders(count: number): Record<string, string> {
    const headers: Record<string, string> = {};
    this.#seen = [];
    this.#mark = undefined;
    let names = 0;
    for (let n = 0; n < count; n++) {
      const name = this.#name(n);
      const length = Math.max(0, this.#varint());
      const text = this.#textOf(length);
      this.#seen.push({ name, start: this.at - length, length, text });
      if (name === markHeader) this.#mark = text;
      else headers[name] = text;
    }
    for (const _name in headers) names++;
    const isRepeatable = names + (this.#mark === undefined ? 0 : 1) === count;
    this.#before = isRepeatable ? headers : undefined;
    return headers;
  }

  /** Sets what differs from the record before; false when another name comes. */
  #change(headers: Record<string, string>): boolean {
    for (let n = 0; n < this.#seen.length; n++) {
      const before = this.#seen[n] as Seen;
      if (this.#name(n) !== before.name) return false;
      const length = Math.max(0, this.#varint());
      const isSame = length === before.length && this.#isSame(before.start, this.at, length);
      if (!isSame) before.text = this.#textOf(length);
      else this.at += length;
      before.start = this.at - length;
      before.length = length;
      if (before.name === markHeader) this.#mark = before.text;
      else if (!isSame) headers[before.name] = before.text;
    }
    return true;
  }

  #textOf(length: number): string {
    if (length === 0) return '';
    const start = this.at;
    this.at += length;
    return this.#bytes.toString('utf8', start, this.at);
  }

  /** From the end: what changes from record to record, numbers and ids, changes there. */
  #isSame(one: number, other: number, length: number): boolean {
    const bytes = this.#bytes;
    for (let n = length - 1; n >= 0; n--) if (bytes[one + n] !== bytes[other + n]) return false;
    return true;
  }

  #name(at: number): string {
    const length = this.#varint();
    if (length <= 0) return '';
    const start = this.at;
    this.at += length;
    const guess = expected[at];
    if (guess !== undefined && guess.bytes.length === length && this.#isAt(start, guess.bytes)) return guess.name;
    const name = this.#bytes.toString('utf8', start, this.at);
    if (at < expectedMax) expected[at] = { bytes: Buffer.from(this.#bytes.subarray(start, this.at)), name };
    return name;
  }

  #isAt(start: number, bytes: Buffer): boolean {
    for (let n = 0; n < bytes.length; n++) if (this.#bytes[start + n] !== bytes[n]) return false;
    return true;
  }

  #varint(): number {
    const bytes = this.#bytes;
    let byte = bytes[this.at++] as number;
    if (byte < 0x80) return byte & 1 ? -((byte + 1) >> 1) : byte >> 1;
    let value = byte & 0x7f;
    for (let scale = 0x80; byte >= 0x80; scale *= 0x80) {
      byte = bytes[this.at++] as number;
      value += (byte & 0x7f) * scale;
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}
