import type { LogRecord, StoredRecord } from '#events';
import { partitionOf } from '#kernel';
import type { EventLog, ReadLimits } from '../../event-log.port.ts';
import { freshName, useSubject, type Subject, type SubjectFactory } from '../subject.ts';

export const partitions = 4;
export const atOnce: ReadLimits = { recordsMax: 1000, bytesMax: 16_000_000, waitMs: 0 };

export interface LogFixture {
  readonly factory: SubjectFactory<EventLog>;
  readonly log: EventLog;
  readonly subject: Subject<EventLog>;
  /** A new topic of {@link partitions} partitions. */
  topic(): Promise<string>;
}

export function useLog(factory: SubjectFactory<EventLog>): () => LogFixture {
  const subject = useSubject(factory);
  return () => ({
    factory,
    log: subject().port,
    subject: subject(),
    topic: async () => {
      const name = freshName('topic');
      await subject().port.ensureTopic(name, partitions);
      return name;
    },
  });
}

export function record(key: string, value: string, headers: Record<string, string> = { ce_type: 'test.made' }): LogRecord {
  return { key, headers, value };
}

/** `count` records of one key, which therefore share a partition. */
export function run(count: number, key = 'k', from = 0): LogRecord[] {
  return Array.from({ length: count }, (_, at) => record(key, `${key}-${from + at}`));
}

/** A key of each partition. */
export const keys: readonly string[] = Array.from({ length: partitions }, (_, partition) => {
  let n = 0;
  while (partitionOf(`key-${n}`, partitions) !== partition) n++;
  return `key-${n}`;
});

/** Everything in a partition, read in small steps by `next`. */
export async function readAll(log: EventLog, topic: string, partition: number, limits = atOnce): Promise<StoredRecord[]> {
  const records: StoredRecord[] = [];
  let from = (await log.heads(topic))[partition]?.low ?? 0n;
  for (;;) {
    const batch = await log.read(topic, partition, from, limits);
    if (batch.records.length === 0) return records;
    records.push(...batch.records);
    from = batch.next;
  }
}

/** Values of all partitions, in partition order. */
export async function valuesOf(log: EventLog, topic: string): Promise<string[]> {
  const values: string[] = [];
  for (const { partition } of await log.heads(topic)) values.push(...(await readAll(log, topic, partition)).map(({ value }) => value));
  return values;
}
