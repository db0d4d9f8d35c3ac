import type { LogRecord } from '#events';

export interface OutboxRow {
  /** Grows without gaps per outbox in commit order. */
  readonly sequence: bigint;
  readonly topic: string;
  readonly record: LogRecord;
}

/** Events that are committed but not yet on the log. One relay at a time drains it, in order. */
export abstract class Outbox {
  /** Oldest rows first; waits up to `waitMs` for the first. */
  abstract take(rowsMax: number, waitMs: number, signal?: AbortSignal): Promise<readonly OutboxRow[]>;
  /** Forgets rows up to and including `sequence`, which are on the log. */
  abstract forget(sequence: bigint): Promise<void>;
}
