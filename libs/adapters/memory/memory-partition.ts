import type { LogRecord, StoredRecord } from '#events';
import { eventLogErrors, recordBytes, type PartitionHead, type ReadBatch, type ReadLimits } from '#ports';

/** One partition of a topic in memory. */
export class MemoryPartition {
  readonly #topic: string;
  readonly partition: number;
  #records: StoredRecord[] = [];
  #low = 0n;
  #recordedAt = 0;

  constructor(topic: string, partition: number) {
    this.#topic = topic;
    this.partition = partition;
  }

  get head(): PartitionHead {
    return { partition: this.partition, low: this.#low, high: this.#high };
  }

  get #high(): bigint {
    return this.#low + BigInt(this.#records.length);
  }

  append(record: LogRecord, now: number): bigint {
    const offset = this.#high;
    this.#recordedAt = Math.max(this.#recordedAt, now);
    const { key, headers, value } = record;
    this.#records.push({ key, headers: { ...headers }, value, partition: this.partition, offset, recordedAt: this.#recordedAt });
    return offset;
  }

  /** A record of another log, with its time. */
  restore(record: StoredRecord): void {
    this.append(record, record.recordedAt);
  }

  read(from: bigint, limits: ReadLimits): ReadBatch {
    this.#check(from);
    const records: StoredRecord[] = [];
    let bytes = 0;
    for (let at = Number(from - this.#low); at < this.#records.length && records.length < limits.recordsMax; at++) {
      const record = this.#records[at] as StoredRecord;
      bytes += recordBytes(record);
      if (records.length > 0 && bytes > limits.bytesMax) break;
      records.push(record);
    }
    return { records, next: from + BigInt(records.length), high: this.#high };
  }

  offsetAt(timeMs: number): bigint {
    return this.#records.find((record) => record.recordedAt >= timeMs)?.offset ?? this.#high;
  }

  truncate(before: bigint): void {
    if (before <= this.#low) return;
    this.#check(before);
    this.#records = this.#records.slice(Number(before - this.#low));
    this.#low = before;
  }

  #check(offset: bigint): void {
    if (offset < this.#low || offset > this.#high) throw eventLogErrors.offsetOutOfRange(this.#topic, this.partition, offset, this.#low, this.#high);
  }
}
