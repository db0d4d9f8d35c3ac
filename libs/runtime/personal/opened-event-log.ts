import type { LogRecord } from '#events';
import {
  EventLog,
  type AppendOptions,
  type ExpectedVersion,
  type PartitionHead,
  type Position,
  type ReadBatch,
  type ReadLimits,
  type RestoreRecords,
} from '#ports';
import type { PersonalData } from './personal-data.ts';

/** A log as its readers see it: personal values in clear, as far as they can be decrypted. */
export class OpenedEventLog extends EventLog {
  readonly #log: EventLog;
  readonly #personal: PersonalData;

  constructor(log: EventLog, personal: PersonalData) {
    super();
    this.#log = log;
    this.#personal = personal;
  }

  override async read(topic: string, partition: number, from: bigint, limits: ReadLimits, signal?: AbortSignal): Promise<ReadBatch> {
    const batch = await this.#log.read(topic, partition, from, limits, signal);
    const records = await this.#personal.openRecords(batch.records);
    return records === batch.records ? batch : { ...batch, records };
  }

  override ensureTopic(topic: string, partitions: number): Promise<void> {
    return this.#log.ensureTopic(topic, partitions);
  }

  override append(topic: string, records: readonly LogRecord[], options?: AppendOptions): Promise<readonly Position[]> {
    return this.#log.append(topic, records, options);
  }

  override heads(topic: string): Promise<readonly PartitionHead[]> {
    return this.#log.heads(topic);
  }

  override offsetAt(topic: string, partition: number, timeMs: number): Promise<bigint> {
    return this.#log.offsetAt(topic, partition, timeMs);
  }

  override truncate(topic: string, partition: number, before: bigint): Promise<void> {
    return this.#log.truncate(topic, partition, before);
  }

  override restore(topic: string, partitions: number, work: (write: RestoreRecords) => Promise<void>): Promise<void> {
    return this.#log.restore(topic, partitions, work);
  }

  override subjects(topic: string): Promise<readonly ExpectedVersion[]> {
    return this.#log.subjects(topic);
  }

  override restoreSubjects(topic: string, versions: readonly ExpectedVersion[]): Promise<void> {
    return this.#log.restoreSubjects(topic, versions);
  }

  override identity(): Promise<string> {
    return this.#log.identity();
  }

  override close(): Promise<void> {
    return this.#log.close();
  }
}
