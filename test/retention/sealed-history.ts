import { SealedEventLog } from '#adapters/sealed-log';
import { contexts, type StoredRecord } from '#events';
import type { EventLog } from '#ports';
import type { RealEngines } from '../../apps/gateway/testing/gateway.fixture.ts';

/** Everything that a partition holds, by its name. */
export type Held = ReadonlyMap<string, readonly StoredRecord[]>;

export async function everything(log: EventLog): Promise<Held> {
  const held = new Map<string, readonly StoredRecord[]>();
  for (const topic of contexts) {
    for (const { partition, low, high } of await log.heads(topic)) {
      const records: StoredRecord[] = [];
      for (let from = low; from < high;) {
        const batch = await log.read(topic, partition, from, { recordsMax: 1000, bytesMax: 1e7, waitMs: 0 });
        records.push(...batch.records);
        from = batch.next;
      }
      held.set(`${topic}/${partition}`, records);
    }
  }
  return held;
}

/** The log as a process sees it that has just begun. */
export function freshLog({ sealedLog, blobs }: RealEngines): SealedEventLog {
  return new SealedEventLog({}, { hot: sealedLog.hot, blobs: () => Promise.resolve(blobs) });
}

/** What is wrong with a log that once held `before`: each record is there, where it was, and nothing is there twice. */
export async function lossesOf(before: Held, log: EventLog): Promise<readonly string[]> {
  const now = await everything(log);
  return [...before].flatMap(([place, records]) => {
    const held = now.get(place) ?? [];
    const losses = records.flatMap((record, at) => (JSON.stringify(textOf(record)) === JSON.stringify(textOf(held[at])) ? [] : [`${place}@${record.offset}`]));
    const ids = held.map(({ headers }) => headers['ce_id']);
    return new Set(ids).size === ids.length ? losses : [...losses, `${place} holds an event twice`];
  });
}

function textOf(record: StoredRecord | undefined): object | undefined {
  return record && { ...record, offset: String(record.offset) };
}
