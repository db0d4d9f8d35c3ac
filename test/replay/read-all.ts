import type { StoredRecord } from '#events';
import type { EventLog } from '#ports';

/** Every record of a topic, partition by partition. */
export async function readAll(log: EventLog, topic: string): Promise<readonly StoredRecord[]> {
  const records: StoredRecord[] = [];
  for (const { partition, low, high } of await log.heads(topic)) {
    for (let from = low; from < high;) {
      const batch = await log.read(topic, partition, from, { recordsMax: 1000, bytesMax: 4_194_304, waitMs: 0 });
      records.push(...batch.records);
      from = batch.next;
    }
  }
  return records;
}
