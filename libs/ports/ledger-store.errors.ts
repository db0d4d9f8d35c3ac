import { OperatingError } from '#kernel';

/** The errors of a ledger store, worded once for every engine. */
export const ledgerStoreErrors = {
  fenced: () =>
    new OperatingError('Another process keeps the ledger now: what this one wanted to write of it was refused.', { code: 'LEDGER_FENCED', retryable: true }),
} as const;
