import { randomUUID } from 'node:crypto';
import type { LogRecord } from '#events';
import { assert, partitionOf } from '#kernel';
import {
  admitProducer,
  checkRecordSize,
  EventLog,
  eventLogErrors,
  type AppendOptions,
  type Clock,
  type ExpectedVersion,
  type KnownProducer,
  type PartitionHead,
  type Position,
  type ProducerState,
  type ReadBatch,
  type ReadLimits,
  type RestoreRecords,
} from '#ports';
import { MemoryPartition } from './memory-partition.ts';
import { Waiters } from './waiters.ts';

interface MemoryProducer extends ProducerState {
  /** Of the epoch's records, from sequence `first` on. */
  readonly positions: Position[];
}

interface MemoryTopic {
  readonly name: string;
  readonly partitions: readonly MemoryPartition[];
  readonly producers: Map<string, MemoryProducer>;
  readonly versions: Map<string, bigint>;
  readonly waiters: Waiters;
}

/** An event log that lives as long as its object: the model that the durable ones are held to, and the log of unit tests. */
export class MemoryEventLog extends EventLog {
  readonly #clock: Clock;
  readonly #topics = new Map<string, MemoryTopic>();
  readonly #identity = `memory:${randomUUID()}`;
  #closed = false;

  constructor(clock: Clock) {
    super();
    this.#clock = clock;
  }

  override async ensureTopic(name: string, partitions: number): Promise<void> {
    this.#checkOpen();
    assert(Number.isInteger(partitions) && partitions >= 1, 'a topic has at least one partition');
    const topic = this.#topics.get(name);
    if (topic !== undefined && topic.partitions.length !== partitions) throw eventLogErrors.topicMismatch(name, topic.partitions.length, partitions);
    if (topic !== undefined) return;
    const made = Array.from({ length: partitions }, (_, at) => new MemoryPartition(name, at));
    this.#topics.set(name, { name, partitions: made, producers: new Map(), versions: new Map(), waiters: new Waiters() });
  }

  override async append(name: string, records: readonly LogRecord[], options: AppendOptions = {}): Promise<readonly Position[]> {
    const topic = this.#topic(name);
    records.forEach(checkRecordSize);
    const { producer, expected } = options;
    const known = producer === undefined ? undefined : topic.producers.get(producer.id);
    const admission = producer === undefined ? undefined : admitProducer(known, producer, records.length);
    const repeated = admission?.repeated ?? 0;
    if (expected !== undefined && (repeated === 0 || repeated < records.length)) {
      const current = topic.versions.get(expected.subject) ?? 0n;
      if (current !== expected.version + BigInt(repeated)) throw eventLogErrors.versionConflict(expected.subject, expected.version, current);
      topic.versions.set(expected.subject, expected.version + BigInt(records.length));
    }
    const written = this.#write(topic, records.slice(repeated));
    if (producer === undefined || admission === undefined) return written;
    const positions = known !== undefined && known.epoch === producer.epoch ? known.positions : [];
    positions.push(...written);
    topic.producers.set(producer.id, { ...admission.state, positions });
    const at = Number(producer.sequence - admission.state.first);
    return positions.slice(at, at + records.length);
  }

  #write(topic: MemoryTopic, records: readonly LogRecord[]): Position[] {
    const now = this.#clock.now();
    const positions = records.map((record) => {
      const partition = partitionOf(record.key, topic.partitions.length);
      return { partition, offset: this.#partition(topic, partition).append(record, now) };
    });
    if (positions.length > 0) topic.waiters.wake();
    return positions;
  }

  override async read(name: string, at: number, from: bigint, limits: ReadLimits, signal?: AbortSignal): Promise<ReadBatch> {
    assert(limits.recordsMax >= 1, 'a read asks for at least one record');
    const topic = this.#topic(name);
    const partition = this.#partition(topic, at);
    const deadline = performance.now() + limits.waitMs;
    for (;;) {
      this.#checkOpen();
      const batch = partition.read(from, limits);
      const leftMs = deadline - performance.now();
      if (batch.records.length > 0 || leftMs <= 0 || signal?.aborted) return batch;
      await topic.waiters.wait(leftMs, signal);
    }
  }

  override async producer(name: string, id: string): Promise<KnownProducer | undefined> {
    const known = this.#topic(name).producers.get(id);
    return known === undefined ? undefined : { epoch: known.epoch, next: known.next };
  }

  override async heads(name: string): Promise<readonly PartitionHead[]> {
    return this.#topic(name).partitions.map((partition) => partition.head);
  }

  override async offsetAt(name: string, partition: number, timeMs: number): Promise<bigint> {
    return this.#partition(this.#topic(name), partition).offsetAt(timeMs);
  }

  override async truncate(name: string, partition: number, before: bigint): Promise<void> {
    this.#partition(this.#topic(name), partition).truncate(before);
  }

  override async restore(name: string, partitions: number, work: (write: RestoreRecords) => Promise<void>): Promise<void> {
    await this.ensureTopic(name, partitions);
    const topic = this.#topic(name);
    topic.producers.clear();
    await work(async (records) => {
      this.#checkOpen();
      for (const record of records) this.#partition(topic, record.partition).restore(record);
      topic.waiters.wake();
    });
  }

  override async subjects(name: string): Promise<readonly ExpectedVersion[]> {
    return [...this.#topic(name).versions].map(([subject, version]) => ({ subject, version }));
  }

  override async restoreSubjects(name: string, versions: readonly ExpectedVersion[]): Promise<void> {
    const known = this.#topic(name).versions;
    known.clear();
    for (const { subject, version } of versions) known.set(subject, version);
  }

  override async identity(): Promise<string> {
    this.#checkOpen();
    return this.#identity;
  }

  override async close(): Promise<void> {
    this.#closed = true;
    for (const topic of this.#topics.values()) topic.waiters.wake();
  }

  #checkOpen(): void {
    if (this.#closed) throw eventLogErrors.closed();
  }

  #topic(name: string): MemoryTopic {
    this.#checkOpen();
    const topic = this.#topics.get(name);
    if (topic === undefined) throw eventLogErrors.topicUnknown(name);
    return topic;
  }

  #partition(topic: MemoryTopic, at: number): MemoryPartition {
    const partition = topic.partitions[at];
    if (partition === undefined) throw eventLogErrors.partitionUnknown(topic.name, at, topic.partitions.length);
    return partition;
  }
}
