/**
 * An event as the log stores it: the CloudEvents 1.0 Kafka binding's binary mode. Attributes are `ce_*` headers, the
 * key is the `partitionkey`, the value is the JSON data as text. The same record travels on every engine.
 */
export interface LogRecord {
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: string;
}

/** The region in which an event was written; only copies carry it. */
export const originHeader = 'ce_origin';

/** The region that a copy comes from; undefined for what was written where it stands. */
export function originOf({ headers }: Pick<LogRecord, 'headers'>): string | undefined {
  return headers[originHeader];
}

/** A record as read back: where it stands and when the log took it. */
export interface StoredRecord extends LogRecord {
  readonly partition: number;
  readonly offset: bigint;
  /** When the log recorded it, ms since the Unix epoch; never decreases within a partition. */
  readonly recordedAt: number;
}
