import type { LogRecord, StoredRecord } from '#events';

/** Where a record stands. */
export interface Position {
  readonly partition: number;
  readonly offset: bigint;
}

/** Identifies a producer whose retries must not double and whose successors must shut it out. */
export interface ProducerIdentity {
  /** Stable over restarts, such as `media:st-7f3k2m9q` or `outbox`. */
  readonly id: string;
  /** Fencing epoch of the producer's lease. */
  readonly epoch: bigint;
  /**
   * Sequence of the first record of this append; the records count on from it. Within one (topic, producer) sequences
   * start where the producer likes and grow without gaps. A greater epoch starts anew.
   */
  readonly sequence: bigint;
  /**
   * The session begins: an epoch that the topic has seen before is refused, so that nothing of whoever had it is ever taken for
   * a repetition. Said with an append of no records, whose sequence is one that nobody else thinks of ({@link firstSequence}):
   * by it the session's own beginning is recognised when it is repeated.
   */
  readonly begins?: true;
}

/** What a topic remembers of a producer. */
export interface KnownProducer {
  readonly epoch: bigint;
  /** The sequence that is due in it. */
  readonly next: bigint;
}

/** Optimistic append: succeeds only if the last optimistic append of the subject ended at `version`. */
export interface ExpectedVersion {
  readonly subject: string;
  /** 0n for a subject that nobody has appended to yet. On success it grows by the number of records. */
  readonly version: bigint;
}

export interface AppendOptions {
  readonly producer?: ProducerIdentity;
  readonly expected?: ExpectedVersion;
}

/** Most bytes of one record: key, header names, header values and value, in UTF-8. Media bytes never travel in the log. */
export const recordBytesMax = 1_048_576;

/** A read may return fewer records than the limits allow; `next` says where to go on. */
export interface ReadLimits {
  /** At least 1. */
  readonly recordsMax: number;
  /** Upper bound for keys, headers and values together; at least one record is returned whatever its size. */
  readonly bytesMax: number;
  /** How long to wait for a first record when there is none yet, ms. 0 does not wait for any. */
  readonly waitMs: number;
  /**
   * What is stored now, for an audit: nothing that this process has read before is an answer. It costs a read of the store
   * each time, and is for reads that do not wait.
   */
  readonly stored?: true;
}

export interface ReadBatch {
  readonly records: readonly StoredRecord[];
  /** Where to read on. Offsets may have gaps: never compute it from the last record. */
  readonly next: bigint;
  /** The partition's high watermark at the time of the read. */
  readonly high: bigint;
}

/** Puts records of another log at the ends of their partitions, in order. */
export type RestoreRecords = (records: readonly StoredRecord[]) => Promise<void>;

export interface PartitionHead {
  readonly partition: number;
  /** First offset still held. */
  readonly low: bigint;
  /** Offset that the next record will get. */
  readonly high: bigint;
}

/**
 * The durable log: topics of a fixed number of partitions, each an ordered sequence of records that nobody changes.
 * Offsets of consumers and leases are not its business: they live in the read database, so that every engine shares them.
 *
 * Errors are `OperatingError`s with these codes: `TOPIC_UNKNOWN` (or no such partition), `TOPIC_MISMATCH` (it exists with
 * another partition count), `RECORD_TOO_LARGE` (more than {@link recordBytesMax}), `OFFSET_OUT_OF_RANGE` (truncated, or beyond the high
 * watermark; never a silent jump), `PRODUCER_FENCED` (an epoch older than the last seen, or that was to begin), `SEQUENCE_GAP`,
 * `VERSION_CONFLICT`, `LOG_FULL` (disk full; retryable, nothing was written), `LOG_CORRUPT`, `LOG_CLOSED`, `LOG_UNAVAILABLE` (retryable).
 */
export abstract class EventLog {
  /** Creates the topic if it is not there. The partition count of an existing topic is checked, never changed. */
  abstract ensureTopic(topic: string, partitions: number): Promise<void>;

  /**
   * Appends records, each to the partition of its key (Java murmur2), and returns once they are durable, with a position
   * per record in order. All of them or none within one partition; on the embedded log, all or none altogether.
   * A repeated sequence of the same producer and epoch writes nothing and answers the positions of the first time, also
   * when the repetition is cut into other batches, or goes on with new records, which are then written. An engine
   * remembers at least the last 10,000 appends of a producer; an older repetition is a `SEQUENCE_GAP`. Appends of
   * one producer, and those without one, that a process makes to a topic without waiting for each other are written in
   * the order of the calls. An engine may refuse more than 16 MiB for one partition in one append (`RECORD_TOO_LARGE`).
   */
  abstract append(topic: string, records: readonly LogRecord[], options?: AppendOptions): Promise<readonly Position[]>;

  /**
   * Reads a partition in order from `from` (inclusive). However little it may wait, an answer whose `next` is `from` says that
   * the partition ended there, as far as the engine knew: whatever was appended before is found, unless the signal
   * aborted. An engine that has just changed hands may know less than `heads` has said: who wants all that is below a
   * `high` reads until `next` is there. Aborting the signal ends a wait with an empty batch; closing the
   * log ends it with `LOG_CLOSED`.
   */
  abstract read(topic: string, partition: number, from: bigint, limits: ReadLimits, signal?: AbortSignal): Promise<ReadBatch>;

  /** What the topic remembers of a producer by now; undefined when it has seen nothing of it. */
  abstract producer(topic: string, id: string): Promise<KnownProducer | undefined>;

  /** Low and high watermark of each partition, in partition order. */
  abstract heads(topic: string): Promise<readonly PartitionHead[]>;

  /** The first offset recorded at or after `timeMs`; the high watermark when there is none. */
  abstract offsetAt(topic: string, partition: number, timeMs: number): Promise<bigint>;

  /** Forgets the records before `before`, at most up to the high watermark. Retention is the only caller. */
  abstract truncate(topic: string, partition: number, before: bigint): Promise<void>;

  /**
   * Lets `work` write records of another log as they were: in the same partitions, with the same times of record, under
   * offsets of this log. For copies alone: nobody else may append to the topic meanwhile. The topic is made when it is not there.
   * What is remembered of the topic's producers is forgotten first: they went on in the other log, under sequences that this one
   * has never seen. So each goes on here as in a log that is new to it, with any epoch and sequence.
   */
  abstract restore(topic: string, partitions: number, work: (write: RestoreRecords) => Promise<void>): Promise<void>;

  /** Versions of the topic's subjects: of all that were ever appended to under an `expected` version. */
  abstract subjects(topic: string): Promise<readonly ExpectedVersion[]>;

  /**
   * Makes the versions of the topic's subjects those of another log, and no others: who appends under an `expected` version
   * goes on here as there. For copies alone, as `restore`.
   */
  abstract restoreSubjects(topic: string, versions: readonly ExpectedVersion[]): Promise<void>;

  /**
   * Names this log among all logs, for whoever keeps offsets: offsets of one log mean nothing in another. Such as
   * `embedded:<id>` or `kafka:<cluster>/<prefix>`; the same for all processes and for as long as the records are there.
   */
  abstract identity(): Promise<string>;

  abstract close(): Promise<void>;
}
