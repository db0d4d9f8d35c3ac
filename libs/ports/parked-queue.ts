import type { LogRecord } from '#events';

/** What waits behind a parked event: later events of its tenant under its key. Anybody may choose a key, so it alone holds nobody up. */
export interface ParkedQueue {
  /** The partition key. */
  readonly key: string;
  /** Undefined behind what a version parked that knew no tenants: there the key waits for every tenant, until it is redriven. */
  readonly tenant: string | undefined;
}

/** The tenant of a record; empty when it names none. */
export function tenantOf({ headers }: Pick<LogRecord, 'headers'>): string {
  return headers['ce_tenant'] ?? '';
}

export function isInQueue({ key, tenant }: ParkedQueue, record: Pick<LogRecord, 'key' | 'headers'>): boolean {
  return record.key === key && (tenant === undefined || tenant === tenantOf(record));
}
