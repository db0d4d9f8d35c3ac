import type { CompressionAlgorithmValue } from '@platformatic/kafka';
import { assert } from '#kernel';
import { encodeBatch, encodeRecords, type EncodedRecords } from '../wire/record-batch.codec.ts';
import type { Share } from './share.ts';

/** A share on its way. */
export interface PendingShare {
  readonly share: Share;
  /** When it is given up, by the monotonic clock, ms. */
  readonly deadline: number;
  readonly resolve: (baseOffset: bigint) => void;
  readonly reject: (error: unknown) => void;
}

/** Whom the broker knows as the writer of a partition. */
export interface Writer {
  readonly id: bigint;
  readonly epoch: number;
}

interface Batch {
  readonly shares: readonly PendingShare[];
  readonly encoded: EncodedRecords;
  readonly writer: Writer;
  readonly sequence: number;
  attempts: number;
}

const batchCharactersMax = 1_048_576;
/** Sequences are 31-bit numbers in the protocol: long before their end the writer is renewed. */
const sequenceMax = 2 ** 30;

/**
 * What waits for one partition. One batch at a time is under way: so the order is that of the calls, and a batch whose
 * answer was lost can be sent again under the same sequence, which the broker recognises.
 */
export class PartitionQueue {
  readonly topic: string;
  readonly partition: number;
  readonly #waiting: PendingShare[] = [];
  #batch: Batch | undefined;
  /** True while a request with the batch is out. */
  isOut = false;
  /** Not before this moment, by the monotonic clock, ms. */
  notBefore = 0;
  #writer: Writer | undefined;
  #sequence = 0;

  constructor(topic: string, partition: number) {
    this.topic = topic;
    this.partition = partition;
  }

  add(share: PendingShare): void {
    this.#waiting.push(share);
  }

  get isIdle(): boolean {
    return this.#batch === undefined && this.#waiting.length === 0;
  }

  /** True when the batch in hand has been sent before. */
  get isRepetition(): boolean {
    return (this.#batch?.attempts ?? 0) > 1;
  }

  /** When what is first in turn is given up. */
  get deadline(): number {
    return (this.#batch?.shares[0] ?? this.#waiting[0])?.deadline ?? 0;
  }

  /** True when the next batch needs a writer that was never used here. */
  get isWornOut(): boolean {
    return this.#batch === undefined && this.#sequence > sequenceMax;
  }

  /** The batch in hand, or a new one of what waits. */
  bytes(writer: Writer, compression: CompressionAlgorithmValue): Buffer {
    this.#batch ??= this.#next(writer, compression);
    const { encoded, sequence } = this.#batch;
    this.#batch.attempts++;
    return encodeBatch(encoded, { ...this.#batch.writer, sequence, isTransactional: false });
  }

  #next(fresh: Writer, compression: CompressionAlgorithmValue): Batch {
    if (this.#writer === undefined || this.isWornOut) {
      this.#writer = fresh;
      this.#sequence = 0;
    }
    const shares: PendingShare[] = [];
    let size = 0;
    for (let next = this.#waiting[0]; next !== undefined && (shares.length === 0 || size + next.share.size <= batchCharactersMax); next = this.#waiting[0]) {
      shares.push(next);
      size += next.share.size;
      this.#waiting.shift();
    }
    const encoded = encodeRecords(
      shares.flatMap(({ share }) => share.records),
      compression,
    );
    return { shares, encoded, writer: this.#writer, sequence: this.#sequence, attempts: 0 };
  }

  /** The broker has written the batch. */
  written(baseOffset: bigint): void {
    const batch = this.#take();
    this.#sequence += batch.encoded.count;
    let base = baseOffset;
    for (const { share, resolve } of batch.shares) {
      resolve(base);
      base += BigInt(share.records.length);
    }
  }

  /**
   * Gives up what is first in turn: the batch in hand, or everything that waits. Whether a batch was written may not be
   * known, so that its writer's sequences end here.
   */
  failed(error: unknown): void {
    const shares = this.#batch === undefined ? this.#waiting.splice(0) : this.#take().shares;
    this.#writer = undefined;
    for (const { reject } of shares) reject(error);
  }

  /** Takes the batch apart to be written by a new writer: it was surely not written. */
  again(): void {
    const batch = this.#take();
    this.#writer = undefined;
    this.#waiting.unshift(...batch.shares);
  }

  #take(): Batch {
    const batch = this.#batch;
    assert(batch !== undefined, 'a batch is in hand');
    this.#batch = undefined;
    return batch;
  }
}
