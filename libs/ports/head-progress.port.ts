import type { Context } from '#events';
import type { IdentifiedHead } from './aggregate-store.port.ts';
import type { EffectOutcome } from './effect-store.port.ts';

/** How far a database has counted what it sends to the log. */
export interface OutboxCount {
  /** As {@link OutboxRow.incarnation}. */
  readonly incarnation: bigint;
  /** Of each topic, the topic sequence of its last row; a topic that had none is not there. */
  readonly last: ReadonlyMap<string, bigint>;
}

export interface SeenPartition {
  readonly context: Context;
  readonly partition: number;
  /** All before it is in the heads. */
  readonly position: bigint;
}

export interface OutboxRestart {
  /** The incarnation that ends. */
  readonly incarnation: bigint;
  /** The next one is greater than this one, too. */
  readonly above: bigint;
  /** Ids of events of rows that are on the log already. */
  readonly written: readonly string[];
}

/**
 * What a database knows of the log whose heads it keeps: by it, a start finds out that the database is older than the log,
 * and from where on the heads lack something.
 */
export abstract class HeadProgress {
  abstract counted(): Promise<OutboxCount>;
  /** Partitions of which it is known how far the heads have seen them. */
  abstract seen(context: Context): Promise<ReadonlyMap<number, bigint>>;
  /** Never goes back; what is not restored yet (`AggregateStore.markRestored`) is left out. */
  abstract note(seen: readonly SeenPartition[]): Promise<void>;
  /** Writes heads where there is none, or one of a smaller version. Returns how many were written. */
  abstract advance(context: Context, heads: readonly IdentifiedHead[]): Promise<number>;
  /** What is over is not performed: neither what waits in the ledger of effects, nor what reactors ask for again. */
  abstract settle(over: ReadonlyMap<string, EffectOutcome>): Promise<void>;
  /** Ids of the events that wait in the outbox. */
  abstract waiting(): Promise<ReadonlySet<string>>;
  /**
   * Begins a new incarnation of the outbox without the rows that are on the log, in one transaction. Returns how many rows
   * were dropped; undefined when another process was first, and nothing was done.
   */
  abstract restart(restart: OutboxRestart): Promise<number | undefined>;
}
