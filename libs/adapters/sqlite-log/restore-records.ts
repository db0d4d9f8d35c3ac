import type { StoredRecord } from '#events';
import type { LogTables } from './log-tables.ts';
import type { Head } from './head.ts';

/** Within a write transaction: puts records of another log at the ends of their partitions. Answers where those end now. */
export function restoreRecords(tables: LogTables, name: string, records: readonly StoredRecord[]): ReadonlyMap<number, number> {
  const topic = tables.topics.get(name);
  const heads = new Map<number, Head>();
  for (const record of records) {
    const ref = tables.topics.ref(topic, record.partition);
    const head = heads.get(ref) ?? tables.topics.head(ref);
    heads.set(ref, head);
    // Clocks of other logs may have gone back; ours never does.
    head.recordedAt = Math.max(head.recordedAt, record.recordedAt);
    tables.records.add(ref, head.high, head.recordedAt, record);
    head.high += 1;
  }
  for (const ref of heads.keys()) tables.records.of(ref).flush();
  return new Map([...heads].map(([ref, head]) => [ref, head.high]));
}
