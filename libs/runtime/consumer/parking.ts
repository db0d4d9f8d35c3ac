import { EventInvalidError, type StoredRecord } from '#events';
import { hasCode } from '#kernel';

/** Where records are set aside that can never be read as they stand. */
export interface Parking {
  /**
   * Returns once it is recorded that the record was set aside, once however often and by whomever it is parked.
   * @throws OperatingError when that could not be recorded; the record must not be left behind then.
   */
  park(topic: string, record: StoredRecord, reason: EventInvalidError): Promise<void>;
}

/** Why a record can never be read; undefined for a failure of anything but the record itself. */
export function invalidityOf(error: unknown): EventInvalidError | undefined {
  if (hasCode(error, 'PROJECTION_FAILED')) return undefined;
  const cause = (error as { cause?: unknown } | null)?.cause;
  return error instanceof EventInvalidError ? error : cause instanceof EventInvalidError ? cause : undefined;
}
