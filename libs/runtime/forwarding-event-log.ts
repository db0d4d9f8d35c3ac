import type { LogRecord } from '#events';
import {
  EventLog,
  type AppendOptions,
  type ExpectedVersion,
  type KnownProducer,
  type PartitionHead,
  type Position,
  type ReadBatch,
  type ReadLimits,
  type RestoreRecords,
} from '#ports';

/** Hands every call on to another log: for logs that do one thing more. Whatever the port gains is handed on here, once. */
export abstract class ForwardingEventLog extends EventLog {
  protected readonly log: EventLog;

  constructor(log: EventLog) {
    super();
    this.log = log;
  }

  override ensureTopic(topic: string, partitions: number): Promise<void> {
    return this.log.ensureTopic(topic, partitions);
  }

  override append(topic: string, records: readonly LogRecord[], options?: AppendOptions): Promise<readonly Position[]> {
    return this.log.append(topic, records, options);
  }

  override read(topic: string, partition: number, from: bigint, limits: ReadLimits, signal?: AbortSignal): Promise<ReadBatch> {
    return this.log.read(topic, partition, from, limits, signal);
  }

  override producer(topic: string, id: string): Promise<KnownProducer | undefined> {
    return this.log.producer(topic, id);
  }

  override heads(topic: string): Promise<readonly PartitionHead[]> {
    return this.log.heads(topic);
  }

  override offsetAt(topic: string, partition: number, timeMs: number): Promise<bigint> {
    return this.log.offsetAt(topic, partition, timeMs);
  }

  override truncate(topic: string, partition: number, before: bigint): Promise<void> {
    return this.log.truncate(topic, partition, before);
  }

  override restore(topic: string, partitions: number, work: (write: RestoreRecords) => Promise<void>): Promise<void> {
    return this.log.restore(topic, partitions, work);
  }

  override subjects(topic: string): Promise<readonly ExpectedVersion[]> {
    return this.log.subjects(topic);
  }

  override restoreSubjects(topic: string, versions: readonly ExpectedVersion[]): Promise<void> {
    return this.log.restoreSubjects(topic, versions);
  }

  override identity(): Promise<string> {
    return this.log.identity();
  }

  override close(): Promise<void> {
    return this.log.close();
  }
}
