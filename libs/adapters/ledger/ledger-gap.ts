import type { LedgerPartition, LedgerProgress, PartitionHead } from '#ports';

/** A partition of which records were removed that are in no tree, as after a restore of too old a database. */
export interface LedgerGap extends LedgerPartition {
  /** Offset of the first record that is not in the tree. */
  readonly position: bigint;
  /** Records in the tree. */
  readonly size: number;
  /** Where the log begins. */
  readonly low: bigint;
}

/** Undefined where the tree can go on, or has not begun. */
export function ledgerGap({ topic, partition, size, position }: LedgerProgress, { low }: Pick<PartitionHead, 'low'>): LedgerGap | undefined {
  return size > 0 && position < low ? { topic, partition, size, position, low } : undefined;
}

/** What a ledger says that stands still; undefined for one that does not. */
export function ledgerGapNote(gaps: readonly LedgerGap[]): string | undefined {
  const [first] = gaps;
  if (first === undefined) return undefined;
  const { topic, partition, position, low } = first;
  const more = gaps.length > 1 ? `, and in ${gaps.length - 1} more` : '';
  return `The audit ledger stands still in ${topic}/${partition}${more}: its tree ends at offset ${position}, but the log begins at ${low} there: what lies between was removed (LOG_SEALED_DAYS) before this ledger took it in, and no tree that was signed can go on without it. What is recorded there is not signed, and not sealed. Restore a younger database, or begin these trees anew where the log begins, which gives up what was signed of them: streams audit begin-anew --reason WHY.`;
}
