import type { LogRecord } from '#events';
import type { SeenPartition } from './head-progress.port.ts';

export interface OutboxRow {
  /** Grows without gaps per outbox in commit order. */
  readonly sequence: bigint;
  readonly topic: string;
  /** Counts the rows of this topic, from 1 without gaps: the sequence under which the row goes to the log. */
  readonly topicSequence: bigint;
  /**
   * When this outbox was created, ms since the Unix epoch: the producer epoch under which its rows go to the log. It
   * never changes, so a relay that takes over repeats rows harmlessly; an outbox made anew (its database was deleted)
   * counts from 1 again under a greater epoch, and is not mistaken for a repetition.
   */
  readonly incarnation: bigint;
  readonly record: LogRecord;
}

/** What waits in an outbox. */
export interface OutboxBacklog {
  readonly rows: number;
  /** When the oldest of them happened, ms since the Unix epoch; undefined when nothing waits. */
  readonly oldestMs: number | undefined;
}

/** Events that are committed but not yet on the log. One relay at a time drains it, in order. */
export abstract class Outbox {
  /** Oldest rows first; waits up to `waitMs` for the first. */
  abstract take(rowsMax: number, waitMs: number, signal?: AbortSignal): Promise<readonly OutboxRow[]>;
  /** Forgets rows up to and including `sequence`, which are on the log, and notes how far the heads have thereby seen it. */
  abstract forget(sequence: bigint, seen?: readonly SeenPartition[]): Promise<void>;
  /** How much waits, at the cost of looking at its two ends. */
  abstract backlog(): Promise<OutboxBacklog>;
}
