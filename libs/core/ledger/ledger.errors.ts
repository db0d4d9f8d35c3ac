import { OperatingError } from '#kernel';

/** Something handed to the ledger's codecs is not what it should be; never worth another try. */
export function ledgerInvalid(what: string): OperatingError {
  return new OperatingError(what, { code: 'LEDGER_INVALID', retryable: false });
}
