import type { Position } from './event-log.port.ts';

/** An id that is to be published once. */
export interface PublicationEntry {
  /** Days since the Unix epoch to which the id itself belongs; 0 for an id that names no time. Rows are kept and forgotten by it. */
  readonly day: number;
  /** Stands for tenant and id; a UUID in its text form. */
  readonly key: string;
  /** Of the content, to tell a repetition from another event of the same id; a signed 64-bit number. */
  readonly digest: bigint;
}

/** What is about to be appended to one topic in one call. */
export interface PublicationBatchInit {
  readonly topic: string;
  /** Per partition an offset at or below which nothing of this batch stands: where a search for it begins. */
  readonly heads: readonly bigint[];
  readonly entries: readonly PublicationEntry[];
}

export interface Reservation {
  /** Under which the log will be asked to append … */
  readonly producer: string;
  /** … so that a greater epoch can shut this one out. */
  readonly epoch: bigint;
  readonly batches: readonly PublicationBatchInit[];
}

/** An entry whose id was taken before by another batch. */
export interface KnownPublication {
  /** Which batch of the reservation, and which entry of it. */
  readonly batchIndex: number;
  readonly entryIndex: number;
  /** The batch that has the id, its place in it, and what was published under it. */
  readonly batch: bigint;
  readonly place: number;
  readonly digest: bigint;
}

export interface PublicationBatch {
  readonly id: bigint;
  readonly topic: string;
  readonly producer: string;
  readonly epoch: bigint;
  readonly heads: readonly bigint[];
  /** Where each entry stands on the log, undefined for one that is not there; undefined as a whole while nobody knows. */
  readonly positions: readonly (Position | undefined)[] | undefined;
}

export interface Reserved {
  /** Ids of the new batches, in the order of the reservation. */
  readonly ids: readonly bigint[];
  /** Entries that the new batches did not get. All others are theirs. */
  readonly known: readonly KnownPublication[];
}

/** How long ids are remembered at least, counted from their publication. */
export const publicationDaysMin = 7;

/**
 * Remembers which ids were published and where, so that an event published again is recognised on every gateway: the log
 * itself cannot be asked for an id. An id is taken before the append (`reserve`) and its place said after (`settle`). A
 * batch that stays unsettled belongs to somebody who is slow or gone; who meets it finds out on the log, settles it, and
 * ids that did not get there are free again.
 *
 * Errors are those of the database adapters; `DATABASE_…` codes, retryable or not.
 */
export abstract class PublicationStore {
  /** Takes all ids that are free, in one transaction that is durable when it returns. Keys of one reservation differ. */
  abstract reserve(reservation: Reservation): Promise<Reserved>;
  /** Says where the batch's entries stand, once and for all; false when somebody has said so before. */
  abstract settle(batch: bigint, positions: readonly (Position | undefined)[]): Promise<boolean>;
  /** The batches of these ids; forgotten ones are left out. */
  abstract batches(ids: readonly bigint[]): Promise<readonly PublicationBatch[]>;
  /** Unsettled batches reserved at least `olderThanMs` ago, oldest first. */
  abstract unsettled(olderThanMs: number, limit: number): Promise<readonly PublicationBatch[]>;
  /** The keys that the batch holds, by place. */
  abstract entries(batch: bigint): Promise<ReadonlyArray<{ readonly place: number; readonly key: string }>>;
  /** Forgets what is older than has to be remembered; `today` in days since the Unix epoch. */
  abstract forget(today: number): Promise<void>;
}
