import { tileWidth, tileWidthIn } from '#core/ledger';
import { asWritten, type StoredRecord } from '#events';
import { eventLogErrors, type EventLog, type LeafTilePlace, type LedgerPartition, type LedgerProgress, type LedgerStore } from '#ports';

/** A record as its writer left it, and which leaf of the tree it is. */
export interface LeafRecord {
  readonly index: number;
  readonly record: StoredRecord;
}

const bytesMax = 8_388_608;

/**
 * The records of a tile of level 0, as the log has them now: no more than the tile has leaves. What retention has removed
 * is missing at the front, so leaves are counted from the end. On a log that somebody changed they may be too few; then
 * they are counted from the front, as they would stand if nobody had.
 */
export async function leafRecords(
  at: LedgerPartition,
  place: LeafTilePlace,
  progress: LedgerProgress,
  { log, store }: LeafSources,
): Promise<readonly LeafRecord[]> {
  const width = tileWidthIn(progress.size, { level: 0, index: place.index });
  const next = await store.place(at, place.index + 1);
  const end = next?.firstOffset ?? (progress.lastOffset ?? -1n) + 1n;
  const { low, high } = (await log.heads(at.topic))[at.partition] ?? { low: 0n, high: 0n };
  const isCut = low > place.firstOffset;
  const records = await recordsBetween(at, { start: isCut ? low : place.firstOffset, end, high }, width, log);
  // Of a log that was cut off at its end, too, there are fewer than to the end of the tile: there they stand as far in as their offsets say.
  const gone = !isCut ? 0 : high >= end ? width - records.length : Number(low - place.firstOffset);
  const first = place.index * tileWidth + gone;
  return records.map((record, number) => ({ index: first + number, record: asWritten(record) }));
}

export interface LeafSources {
  readonly log: EventLog;
  readonly store: LedgerStore;
}

/** @param high where the log says that it ends: somebody may have cut it before `end` */
async function recordsBetween(
  at: LedgerPartition,
  { start, end, high }: { readonly start: bigint; readonly end: bigint; readonly high: bigint },
  recordsMax: number,
  log: EventLog,
): Promise<StoredRecord[]> {
  const records: StoredRecord[] = [];
  for (let from = start; from < end && records.length < recordsMax;) {
    const batch = await log.read(at.topic, at.partition, from, { recordsMax: recordsMax - records.length, bytesMax, waitMs: 0 });
    records.push(...batch.records.filter(({ offset }) => offset < end));
    // Leaves are counted by their records: one that is not there just now would shift all others.
    if (batch.next <= from && from < high) throw eventLogErrors.endsEarly(at.topic, at.partition, from, high);
    if (batch.next <= from) break;
    from = batch.next;
  }
  return records;
}
