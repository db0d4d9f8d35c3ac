import { ledgerGapNote, type LedgerGap } from '#adapters/ledger';
import { OperatingError } from '#kernel';
import type { LedgerPartition } from '#ports';

/** What the ledger of a partition stops at; it goes on when the log is again what it was. */
export const ledgerErrors = {
  logChanged: ({ topic, partition }: LedgerPartition, why: string) =>
    new OperatingError(
      `The log is not what the audit ledger has recorded of it: in ${topic}/${partition} ${why}. Nothing more of this partition is signed. "streams audit verify" tells what was changed.`,
      { code: 'LEDGER_LOG_CHANGED', retryable: false },
    ),
  gap: (gap: LedgerGap) => new OperatingError(ledgerGapNote([gap]) ?? '', { code: 'LEDGER_GAP', retryable: false }),
  treeIncomplete: ({ topic, partition }: LedgerPartition) =>
    new OperatingError(`The audit ledger of ${topic}/${partition} lacks tiles: restore the tables streams.ledger_* from a backup, all of one moment.`, {
      code: 'LEDGER_INCOMPLETE',
      retryable: false,
    }),
} as const;
