import type { Context } from '#events';
import type { ProjectionPartition } from './projection-partition.ts';

/** Where an event stands in the order of the index: by the time of record, then by place. */
export interface IndexPlace {
  /** When the log recorded it, ms since the Unix epoch. */
  readonly recordedAt: number;
  readonly topic: Context;
  readonly partition: number;
  readonly offset: bigint;
}

/** What the index knows of an event: everything but its data. */
export interface IndexedEvent extends IndexPlace {
  readonly id: string;
  readonly type: string;
  readonly subject: string;
  /** When it happened, ms since the Unix epoch. */
  readonly time: number;
  readonly tenant: string;
  readonly actor: string;
  readonly correlationId: string;
  readonly causationId: string;
}

/** A partition that was read on, compared and swapped. */
export interface IndexMove extends ProjectionPartition {
  readonly from: bigint;
  readonly to: bigint;
}

export interface IndexBatch {
  /** Of the lease under which the index is kept. */
  readonly epoch: bigint;
  readonly moves: readonly IndexMove[];
  /** In the order of their places, as far as may be: a search is quick because neighbours in time are neighbours on disk. */
  readonly events: readonly IndexedEvent[];
}

export interface IndexPosition extends ProjectionPartition {
  readonly position: bigint;
  /** When it last moved, ms since the Unix epoch. */
  readonly movedAtMs: number;
}

export interface IndexFilter {
  /** Any one of these. */
  readonly contexts?: readonly Context[] | undefined;
  /** Any one of these. */
  readonly types?: readonly string[] | undefined;
  /** Exactly this subject, or everything under it. */
  readonly subject?: string | undefined;
  readonly subjectPrefix?: string | undefined;
  readonly tenant?: string | undefined;
  readonly actor?: string | undefined;
  readonly correlationId?: string | undefined;
  readonly causationId?: string | undefined;
}

export interface IndexSearch {
  readonly filter: IndexFilter;
  /** Recorded at or after / before, ms since the Unix epoch. */
  readonly fromMs?: number | undefined;
  readonly untilMs?: number | undefined;
  /** Only what stands before this place: `searchedTo` of the page before. */
  readonly before?: IndexPlace | undefined;
  /** 1 to 1,000. */
  readonly limit: number;
  /** After so long the search answers with what it has, ms; at least one step is done. */
  readonly budgetMs: number;
}

export interface IndexPage {
  /** The newest first. */
  readonly events: readonly IndexedEvent[];
  /** Down to here everything was looked at; undefined at the end of the index. */
  readonly searchedTo: IndexPlace | undefined;
}

/** Changed with what is kept of an event: an index of another version is made anew from the log. */
export const eventIndexVersion = 2;

/**
 * What events there are, by everything that an event's envelope says: a read model of the log like any other, only kept by
 * one process for all partitions, so that it stands in the order of time. Data stays on the log.
 *
 * Ids need not be unique: whoever writes straight to a broker may repeat one. Errors are `INDEX_FENCED` (retryable) when
 * another process keeps the index, and those of the database.
 */
export abstract class EventIndex {
  /**
   * Takes the index over, for the log of this identity, and says how far it has come. An index of another log or version is emptied.
   * @throws OperatingError `INDEX_FENCED` when a greater epoch has claimed it.
   */
  abstract claim(epoch: bigint, log: string): Promise<readonly IndexPosition[]>;
  /** Writes events and moves positions, in one transaction. @throws OperatingError `INDEX_FENCED`; nothing was written. */
  abstract append(batch: IndexBatch): Promise<void>;
  abstract positions(): Promise<readonly IndexPosition[]>;
  abstract search(search: IndexSearch): Promise<IndexPage>;
  /** The events of these ids, at most 20,000; what is not there is left out. */
  abstract find(ids: readonly string[]): Promise<readonly IndexedEvent[]>;
  /** Events that name one of these as their cause, the oldest first, at most `limit`. */
  abstract causedBy(ids: readonly string[], limit: number): Promise<readonly IndexedEvent[]>;
  /** Empties the index, so that it is made anew from the log: who keeps it is fenced, and has to claim it again. */
  abstract reset(): Promise<void>;
  /** Now and then, by who keeps the index: prepares what was written for searches, forgets what was recorded before `beforeMs`, and whoever was heard of last then. */
  abstract tend(beforeMs?: number): Promise<void>;
}
