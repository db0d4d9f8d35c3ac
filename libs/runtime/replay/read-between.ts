import type { DomainEvent } from '#events';
import { ChangeFold, type Projection, type RowChange } from '#kernel';
import { poisonedMax, type BuildMove, type EventLog, type FoldBetween, type PoisonedPlace } from '#ports';
import { invalidityOf } from '../consumer/parking.ts';
import { projectRecord } from '../consumer/project-record.ts';
import { isLeftOut, nothingLeftOut, type LeftOut } from '../left-out.ts';

export interface FoldedPart {
  /** Where to read on. */
  readonly next: bigint;
  readonly records: number;
  /** Records that are not taken: nobody can read them, the projection cannot handle them, or they were discarded for it. */
  readonly skipped: number;
  /** Of them those that the projection could not handle; the first ones. */
  readonly poisoned: readonly PoisonedPlace[];
}

/** At an event that the projection cannot handle: end, or pass it over. */
export type OnPoison = 'stop' | 'skip';

export interface PartInit {
  readonly recordsMax: number;
  readonly onPoison: OnPoison;
  readonly leftOut: LeftOut;
}

export interface BetweenInit {
  /** `stop` when left out. */
  readonly onPoison?: OnPoison | undefined;
  readonly leftOut?: LeftOut;
}

const bytesMax = 8 * 1024 * 1024;

/**
 * Reads a part of a partition, at most `recordsMax` records of it, and folds it.
 * @throws OperatingError of `projectRecord` at an event that the projection cannot handle, unless it is to be passed over
 */
export async function foldPart(log: EventLog, projection: Projection<DomainEvent>, fold: ChangeFold, move: BuildMove, init: PartInit): Promise<FoldedPart> {
  const { recordsMax, onPoison, leftOut } = init;
  const batch = await log.read(move.topic, move.partition, move.from, { recordsMax, bytesMax, waitMs: 0 });
  const records = batch.next > move.to ? batch.records.filter(({ offset }) => offset < move.to) : batch.records;
  const poisoned: PoisonedPlace[] = [];
  let skipped = 0;
  for (const record of records) {
    if (isLeftOut(leftOut, move.topic, move.partition, record.offset)) {
      skipped++;
      continue;
    }
    try {
      for (const change of projectRecord(projection, record)) fold.add(change);
    } catch (error) {
      if (invalidityOf(error) === undefined) {
        if (onPoison === 'stop') throw error;
        if (poisoned.length < poisonedMax) poisoned.push(poisonedAt(`${move.topic}/${move.partition}/${record.offset}`, error));
      }
      skipped++;
    }
  }
  return { next: batch.next > move.to ? move.to : batch.next, records: records.length, skipped, poisoned };
}

/** Folds parts that are known to be on the log. */
export function foldBetween(log: EventLog, projection: Projection<DomainEvent>, init: BetweenInit = {}): FoldBetween {
  const part = { recordsMax: 5000, onPoison: init.onPoison ?? 'stop', leftOut: init.leftOut ?? nothingLeftOut };
  return async (moves): Promise<readonly RowChange[]> => {
    const fold = new ChangeFold(projection.tables);
    for (const move of moves) {
      for (let from = move.from; from < move.to;) from = (await foldPart(log, projection, fold, { ...move, from }, part)).next;
    }
    return fold.changes();
  };
}

function poisonedAt(place: string, error: unknown): PoisonedPlace {
  const { code, message } = error as { readonly code?: unknown; readonly message?: string };
  return {
    place,
    code: typeof code === 'string' ? code : 'PROJECTION_FAILED',
    message: (message ?? String(error)).replaceAll('\0', '').slice(0, 500).toWellFormed(),
  };
}
