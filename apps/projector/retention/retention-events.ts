import type { SealedEventLog, SealedSegment } from '#adapters/sealed-log';
import { toBase64 } from '#core/ledger';
import { encodeEvent, logPastRemoved, logSealingFailed, logSegmentSealed, type LogRecord } from '#events';
import { hasCode, OperatingError } from '#kernel';
import type { LedgerPartition } from '#ports';
import { envelop, type CatalogueDraft, type EnvelopeDeps } from '#runtime';

export interface RetentionEventsInit extends EnvelopeDeps {
  /** Of the lease under which the log is kept. */
  readonly epoch: bigint;
}

const context = 'operation';
const failureTextMax = 1000;

/** Says on the log what became of its past. */
export class RetentionEvents {
  readonly #init: RetentionEventsInit;
  readonly #log: SealedEventLog;
  /** The last failure that was told of each partition. */
  readonly #told = new Map<string, string>();

  constructor(init: RetentionEventsInit, log: SealedEventLog) {
    this.#init = init;
    this.#log = log;
  }

  async #record(draft: CatalogueDraft): Promise<LogRecord> {
    const correlationId = this.#init.ids.next();
    const meta = { context, actor: 'system:retention', correlationId, causationId: correlationId, traceparent: '', tenant: 'default' } as const;
    return encodeEvent(await envelop(draft, { ...meta, producerEpoch: this.#init.epoch }, 0n, this.#init));
  }

  /** Once for each segment, however often this is asked: the log counts the segments of a partition. */
  async sealed(segment: SealedSegment): Promise<void> {
    const { topic, partition, number, records, firstMs, lastMs, cid, sizeBytes, rawBytes, firstLeaf } = segment;
    const { roots } = await this.#log.indexOf(segment);
    const place = { topic, partition, number, firstOffset: String(segment.first), endOffset: String(segment.end) };
    const draft = logSegmentSealed.draft({ ...place, records, firstMs, lastMs, cid, sizeBytes, rawBytes, firstLeaf, roots: roots.map(toBase64) });
    this.#told.delete(`${topic}/${partition}`);
    try {
      await this.#log.append(context, [await this.#record(draft)], { expected: { subject: `sealed/${topic}/${partition}`, version: BigInt(number - 1) } });
    } catch (error) {
      if (!hasCode(error, 'VERSION_CONFLICT')) throw error;
    }
  }

  /** Once, until another failure or a success. */
  async failed({ topic, partition }: LedgerPartition, error: unknown): Promise<void> {
    const code = error instanceof OperatingError ? error.code : 'SEALING_FAILED';
    const message = (error instanceof Error ? error.message : String(error)).replaceAll('\u0000', '').slice(0, failureTextMax);
    const name = `${topic}/${partition}`;
    if (this.#told.get(name) === `${code} ${message}`) return;
    await this.#log.append(context, [await this.#record(logSealingFailed.draft({ topic, partition, code, message }))]);
    this.#told.set(name, `${code} ${message}`);
  }

  async removed({ topic, partition }: LedgerPartition, before: bigint, records: number): Promise<void> {
    await this.#log.append(context, [await this.#record(logPastRemoved.draft({ topic, partition, beforeOffset: String(before), records }))]);
  }
}
