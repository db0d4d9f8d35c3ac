import type { Context, EventEnvelope } from '#events';

/** An aggregate's head: its version and the state that its events fold to. */
export interface AggregateHead {
  readonly version: bigint;
  readonly state: unknown;
  /** Whose it is: the tenant of its first event. */
  readonly tenant: string;
}

export interface IdentifiedHead extends AggregateHead {
  readonly id: string;
}

export interface AggregateCommit {
  readonly context: Context;
  readonly id: string;
  /** The version that was loaded; 0n for a new aggregate. */
  readonly expectedVersion: bigint;
  /** Plain JSON data. */
  readonly state: unknown;
  /** In order; `streamVersion` runs from `expectedVersion + 1`, except for facts about a refusal (version 0n), which do not move the head. */
  readonly events: readonly EventEnvelope[];
}

/** Heads of aggregates; a commit writes the new head and the outbox rows in one transaction. */
export abstract class AggregateStore {
  abstract load(context: Context, id: string): Promise<AggregateHead | undefined>;
  /**
   * A commit of nothing but facts about a refusal fills the outbox and leaves the head as it is, or absent.
   * @throws OperatingError `VERSION_CONFLICT` (retryable) when the head has moved on; nothing was written.
   */
  abstract commit(commit: AggregateCommit): Promise<void>;
  /** Heads of a context whose state has `field` equal to `value`; for the few questions that must not be eventually consistent. */
  abstract find(context: Context, field: string, value: string): Promise<readonly IdentifiedHead[]>;
  /**
   * Inserts heads that were folded from the log where there is none; those that exist stay as they are, and nothing goes
   * to the outbox. Returns how many were inserted.
   */
  abstract restore(context: Context, heads: readonly IdentifiedHead[]): Promise<number>;
  /** Partitions of the context's topic whose heads this store is known to have. */
  abstract restoredPartitions(context: Context): Promise<readonly number[]>;
  /** Remembers a partition as restored; doing so twice does no harm. */
  abstract markRestored(context: Context, partition: number): Promise<void>;
}
