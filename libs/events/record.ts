/**
 * An event as the log stores it: the CloudEvents 1.0 Kafka binding's binary mode. Attributes are `ce_*` headers, the
 * key is the `partitionkey`, the value is the JSON data as text. The same record travels on every engine.
 */
export interface LogRecord {
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: string;
}

/** A record as read back: where it stands and when the log took it. */
export interface StoredRecord extends LogRecord {
  readonly partition: number;
  readonly offset: bigint;
  /** When the log recorded it, ms since the Unix epoch; never decreases within a partition. */
  readonly recordedAt: number;
}
