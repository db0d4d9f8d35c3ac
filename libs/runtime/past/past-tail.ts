import type { DomainEvent, StoredRecord } from '#events';
import type { Projection, RowChange } from '#kernel';
import type { EventLog, ProjectionPartition } from '#ports';
import { projectRecord } from '../consumer/project-record.ts';
import { isLeftOut, nothingLeftOut, type LeftOut } from '../left-out.ts';

/** It waits for records that are known to be there: an engine that has just changed hands may not see them at once. */
const limits = { recordsMax: 2_000, bytesMax: 8 * 1024 * 1024, waitMs: 200 } as const;

export interface TailPart extends ProjectionPartition {
  readonly from: bigint;
  readonly to: bigint;
  /** Only events of this key. */
  readonly key?: string | undefined;
  readonly leftOut?: LeftOut;
}

export interface Tail {
  /** Where events lie that the projection cannot take. */
  readonly lacks: readonly bigint[];
  readonly changes: readonly RowChange[];
  readonly lastRecordedAtMs: number | null;
}

/**
 * What the events of a part of a partition do to rows. An event that cannot be read, or that the projection cannot handle,
 * does nothing: whoever follows the log has set it aside, or stands still before it. So does one that is left out for good.
 * @param part must have been recorded by now
 */
export async function readTail(
  log: EventLog,
  projection: Projection<DomainEvent>,
  { topic, partition, from, to, key, leftOut = nothingLeftOut }: TailPart,
): Promise<Tail> {
  const changes: RowChange[] = [];
  const lacks: bigint[] = [];
  let lastRecordedAtMs: number | null = null;
  for (let at = from; at < to;) {
    const { records, next } = await log.read(topic, partition, at, limits);
    for (const record of records) {
      if (record.offset >= to) break;
      lastRecordedAtMs = record.recordedAt;
      if (isLeftOut(leftOut, topic, partition, record.offset)) continue;
      if (key !== undefined && record.key !== key) continue;
      const made = changesOf(projection, record);
      if (made === undefined) lacks.push(record.offset);
      else changes.push(...made);
    }
    at = next;
  }
  return { changes, lacks, lastRecordedAtMs };
}

function changesOf(projection: Projection<DomainEvent>, record: StoredRecord): readonly RowChange[] | undefined {
  try {
    return projectRecord(projection, record);
  } catch {
    return undefined;
  }
}
