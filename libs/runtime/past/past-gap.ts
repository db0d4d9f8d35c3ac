import type { PastCut, StoredPiece } from '#ports';

/** The last part of a place before a moment of which nobody knows what it did: it is in no piece, and no longer on the log. */
export interface PastGap {
  /** Where it ends. */
  readonly next: bigint;
  /** Whether the moment may lie within it: then nothing is known of the moment itself. Otherwise it is behind it. */
  readonly hasMoment: boolean;
}

export interface PlacedMoment extends PastCut {
  /** Of a time, ms since the Unix epoch; undefined for a position, which is exact. */
  readonly atMs: number | undefined;
}

/**
 * A time that lies in what was removed becomes the position where the log begins now: the pieces alone say whether it does.
 * @param low where the log begins, asked for after the position of the moment was
 */
export function gapBefore({ before, atMs }: PlacedMoment, chain: readonly StoredPiece[], low: bigint): PastGap | undefined {
  if (before === 0n) return undefined;
  let [known, next] = [0n, 0n];
  for (const piece of chain) {
    if (piece.first > known) next = piece.first;
    if (piece.gone === true) next = piece.next;
    known = piece.next;
  }
  // Not yet noted by a keeper: of a time that became the beginning of the log nobody knows whether it is behind it.
  if (known < low && known < before) return { next: low, hasMoment: before < low || (before === low && atMs !== undefined) };
  const isAmongRemoved = atMs !== undefined && before <= low && (chain.at(-1)?.lastRecordedAtMs ?? 0) > atMs;
  if (isAmongRemoved) return { next: before, hasMoment: true };
  return next > 0n ? { next, hasMoment: false } : undefined;
}
