import type { DomainEvent } from '#events';
import { ChangeFold, type Projection, type RowChange } from '#kernel';
import type { BuildMove, EventLog, FoldBetween } from '#ports';
import { invalidityOf } from '../consumer/parking.ts';
import { projectRecord } from '../consumer/project-record.ts';

export interface FoldedPart {
  /** Where to read on. */
  readonly next: bigint;
  readonly records: number;
  /** Records that can never be read; whoever follows the log has set them aside. */
  readonly skipped: number;
}

const bytesMax = 8 * 1024 * 1024;

/**
 * Reads a part of a partition, at most `recordsMax` records of it, and folds it.
 * @throws OperatingError of `projectRecord` at an event that the projection cannot handle: a rebuild stops there.
 */
export async function foldPart(log: EventLog, projection: Projection<DomainEvent>, fold: ChangeFold, move: BuildMove, recordsMax: number): Promise<FoldedPart> {
  const batch = await log.read(move.topic, move.partition, move.from, { recordsMax, bytesMax, waitMs: 0 });
  const records = batch.next > move.to ? batch.records.filter(({ offset }) => offset < move.to) : batch.records;
  let skipped = 0;
  for (const record of records) {
    try {
      for (const change of projectRecord(projection, record)) fold.add(change);
    } catch (error) {
      if (invalidityOf(error) === undefined) throw error;
      skipped++;
    }
  }
  return { next: batch.next > move.to ? move.to : batch.next, records: records.length, skipped };
}

/** Folds parts that are known to be on the log. */
export function foldBetween(log: EventLog, projection: Projection<DomainEvent>): FoldBetween {
  return async (moves): Promise<readonly RowChange[]> => {
    const fold = new ChangeFold(projection.tables);
    for (const move of moves) {
      for (let from = move.from; from < move.to;) from = (await foldPart(log, projection, fold, { ...move, from }, 5000)).next;
    }
    return fold.changes();
  };
}
