import { OperatingError } from '#kernel';
import type { LedgerPartition } from '#ports';

const of = ({ topic, partition }: LedgerPartition): string => `${topic}/${partition}`;

export const retentionErrors = {
  /** Somebody changed the log, or the ledger: nothing is sealed, nothing removed. */
  notAsSigned: (at: LedgerPartition, what: string) =>
    new OperatingError(`${of(at)} is not sealed: ${what}. Run "streams audit verify".`, { code: 'LEDGER_MISMATCH', retryable: false }),
} as const;
