import type { LedgerHash } from '#core/ledger';
import type { LogRecord } from '#events';
import { assert, hasCode } from '#kernel';
import {
  EventLog,
  eventLogErrors,
  type AppendOptions,
  type BlobStore,
  type ExpectedVersion,
  type KnownProducer,
  type PartitionHead,
  type Position,
  type ReadBatch,
  type ReadLimits,
  type RestoreRecords,
} from '#ports';
import { SegmentCatalogue, type SealedPartition } from './segment-catalogue.ts';
import { SegmentReader } from './segment-reader.ts';
import { SegmentSealer } from './segment-sealer.ts';
import { sealedLogErrors } from './sealed-log.errors.ts';
import type { SealedSegment, SegmentIndex } from './segment.types.ts';

export interface SealedEventLogInit {
  /** Most bytes of sealed blocks kept in memory; 32 MiB by default. With 0 each read is one of the blob store. */
  readonly cacheBytes?: number;
  /** Every read is one of what is stored now: see {@link SealedEventLog.asStored}. */
  readonly stored?: boolean;
}

export interface SealedEventLogDeps {
  /** The engine. It is closed with this log. */
  readonly hot: EventLog;
  /** Opened at the first need, and closed by whoever gave it. */
  readonly blobs: () => Promise<BlobStore>;
}

const defaultCacheBytes = 33_554_432;
/** Some blocks for each partition that is read at once. */
const workCacheBytes = 8_388_608;
const staleMs = 30_000;

/**
 * A log whose past may lie in the blob store: what the engine has no more is read from sealed segments, and everything
 * that the port says holds for both together. While nothing was removed from the engine, nothing goes a longer way.
 * Errors besides the port's: `SEALED_SEGMENT_DAMAGED`, `LOG_HOLE`, and those of the blob store. docs/adr/0025 says why it is made so.
 */
export class SealedEventLog extends EventLog {
  readonly #hot: EventLog;
  readonly #blobs: () => Promise<BlobStore>;
  readonly #stored: boolean;
  readonly #catalogue: SegmentCatalogue;
  readonly #reader: SegmentReader;
  /** Low watermarks of the engine, as they were last seen; they only grow. */
  readonly #lows = new Map<string, bigint>();

  constructor(init: SealedEventLogInit, { hot, blobs }: SealedEventLogDeps) {
    super();
    this.#hot = hot;
    this.#blobs = blobs;
    this.#stored = init.stored === true;
    this.#catalogue = new SegmentCatalogue(hot, this.#stored);
    this.#reader = new SegmentReader({ blobs, cacheBytes: init.cacheBytes ?? defaultCacheBytes });
  }

  /** What is held by the engine itself, for whoever seals it. */
  get hot(): EventLog {
    return this.#hot;
  }

  /**
   * The same log for one question of an audit: engine, catalogue and blob store are read past everything that was read of
   * them before. What it learns itself it keeps, so the next question takes a new one. It is closed with this one.
   */
  asStored(): SealedEventLog {
    return new SealedEventLog({ cacheBytes: 0, stored: true }, { hot: this.#hot, blobs: this.#blobs });
  }

  /**
   * The same log for one piece of work that must not go by what was read of segments before it, such as a replay: with a small
   * memory of its own, for blocks hold more than one read. It is closed with this one.
   */
  anew(): SealedEventLog {
    return new SealedEventLog({ cacheBytes: workCacheBytes }, { hot: this.#hot, blobs: this.#blobs });
  }

  /** Seals under an epoch; a later one shuts it out. */
  sealer(epoch: bigint, hash: LedgerHash): SegmentSealer {
    return new SegmentSealer(epoch, { hot: this.#hot, blobs: this.#blobs, catalogue: this.#catalogue, hash });
  }

  /** What is sealed of a partition, as of now. */
  async sealed(topic: string, partition: number): Promise<SealedPartition> {
    await this.#catalogue.refresh();
    return this.#catalogue.of(topic, partition);
  }

  /** What a segment says of itself. @throws OperatingError `SEALED_SEGMENT_DAMAGED`, and those of the blob store */
  indexOf(segment: SealedSegment): Promise<SegmentIndex> {
    return this.#reader.index(segment);
  }

  /** Every partition of which something was sealed, as of now. */
  async allSealed(): Promise<readonly SealedPartition[]> {
    await this.#catalogue.refresh();
    return this.#catalogue.all();
  }

  override ensureTopic(topic: string, partitions: number): Promise<void> {
    return this.#hot.ensureTopic(topic, partitions);
  }

  override append(topic: string, records: readonly LogRecord[], options?: AppendOptions): Promise<readonly Position[]> {
    return this.#hot.append(topic, records, options);
  }

  override producer(topic: string, id: string): Promise<KnownProducer | undefined> {
    return this.#hot.producer(topic, id);
  }

  override async read(topic: string, partition: number, from: bigint, limits: ReadLimits, signal?: AbortSignal): Promise<ReadBatch> {
    assert(limits.recordsMax >= 1, 'a read asks for at least one record');
    if (this.#stored !== (limits.stored === true))
      return this.#stored
        ? this.read(topic, partition, from, { ...limits, stored: true }, signal)
        : this.asStored().read(topic, partition, from, limits, signal);
    if (from < (this.#lows.get(`${topic}/${partition}`) ?? 0n)) return this.#readSealed(topic, partition, from, limits, signal);
    try {
      return await this.#hot.read(topic, partition, from, limits, signal);
    } catch (error) {
      if (!hasCode(error, 'OFFSET_OUT_OF_RANGE')) throw error;
      const { low } = await this.#hotHead(topic, partition);
      if (from < 0n || from >= low) throw error;
    }
    return this.#readSealed(topic, partition, from, limits, signal);
  }

  async #readSealed(topic: string, partition: number, from: bigint, limits: ReadLimits, signal: AbortSignal | undefined): Promise<ReadBatch> {
    const [head, segment] = await Promise.all([this.#hotHead(topic, partition), this.#find(topic, partition, from)]);
    if (segment === undefined) return this.#absent(topic, partition, from, head);
    let batch: { readonly records: ReadBatch['records']; readonly next: bigint };
    try {
      batch = await this.#reader.read(segment, from, limits);
    } catch (error) {
      if (hasCode(error, 'SEALED_SEGMENT_DAMAGED')) await this.#checkHeld(topic, partition, from, head);
      throw error;
    }
    if (batch.next >= segment.end) this.#warmAfter(segment);
    // Behind its last record a segment may cover offsets that nobody has.
    if (batch.records.length === 0) return this.read(topic, partition, segment.end, limits, signal);
    return { ...batch, high: head.high };
  }

  async #find(topic: string, partition: number, from: bigint): Promise<SealedSegment | undefined> {
    const known = this.#covering(topic, partition, from);
    if (known !== undefined) return known;
    await this.#catalogue.refresh();
    return this.#covering(topic, partition, from);
  }

  #covering(topic: string, partition: number, from: bigint): SealedSegment | undefined {
    const { floor, segments } = this.#catalogue.of(topic, partition);
    return from < floor ? undefined : segments.find(({ first, end }) => from >= first && from < end);
  }

  /** Neither the engine nor a segment has it: it is held no more, or was lost. */
  #absent(topic: string, partition: number, from: bigint, head: PartitionHead): never {
    const { floor, segments } = this.#catalogue.of(topic, partition);
    const low = this.#lowOf(topic, head);
    if (from < low || segments.length === 0) throw eventLogErrors.offsetOutOfRange(topic, partition, from, low, head.high);
    const next = segments.find(({ first }) => first > from)?.first ?? head.low;
    throw sealedLogErrors.hole(topic, partition, segments.findLast(({ end }) => end <= from)?.end ?? floor, next);
  }

  /** A segment that cannot be read may be one that was removed a moment ago. */
  async #checkHeld(topic: string, partition: number, from: bigint, head: PartitionHead): Promise<void> {
    await this.#catalogue.refresh();
    const low = this.#lowOf(topic, head);
    if (from < low) throw eventLogErrors.offsetOutOfRange(topic, partition, from, low, head.high);
  }

  #warmAfter({ topic, partition, end }: SealedSegment): void {
    const next = this.#covering(topic, partition, end);
    if (next !== undefined) this.#reader.warm(next);
  }

  override async heads(topic: string): Promise<readonly PartitionHead[]> {
    const heads = await this.#hotHeads(topic);
    if (heads.every(({ low }) => low === 0n)) return heads;
    // What the engine has removed since we looked last was sealed before that; what was forgotten since is told a little later.
    const isBehind = heads.some(({ partition, low }) => low > this.#catalogue.of(topic, partition).end);
    if (isBehind || this.#catalogue.ageMs > staleMs) await this.#catalogue.refresh();
    return heads.map((head) => ({ ...head, low: this.#lowOf(topic, head) }));
  }

  #lowOf(topic: string, { partition, low }: PartitionHead): bigint {
    const { floor, segments } = this.#catalogue.of(topic, partition);
    const [first] = segments;
    if (first === undefined || first.first >= low) return low;
    return first.first > floor ? first.first : floor;
  }

  async #hotHeads(topic: string): Promise<readonly PartitionHead[]> {
    const heads = await this.#hot.heads(topic);
    for (const { partition, low } of heads) if (low > 0n) this.#lows.set(`${topic}/${partition}`, low);
    return heads;
  }

  async #hotHead(topic: string, partition: number): Promise<PartitionHead> {
    const heads = await this.#hotHeads(topic);
    const head = heads[partition];
    if (head === undefined) throw eventLogErrors.partitionUnknown(topic, partition, heads.length);
    return head;
  }

  override async offsetAt(topic: string, partition: number, timeMs: number): Promise<bigint> {
    const { low } = (await this.heads(topic))[partition] ?? (await this.#hotHead(topic, partition));
    const hotLow = this.#lows.get(`${topic}/${partition}`) ?? 0n;
    if (low < hotLow) {
      for (const segment of this.#catalogue.of(topic, partition).segments) {
        if (segment.lastMs < timeMs) continue;
        const found = await this.#reader.offsetAt(segment, timeMs, low);
        if (found !== undefined && found < hotLow) return found;
      }
    }
    return this.#hot.offsetAt(topic, partition, timeMs);
  }

  /** For good: segments that lie before it are removed from the blob store as well. */
  override async truncate(topic: string, partition: number, before: bigint): Promise<void> {
    const { high } = await this.#hotHead(topic, partition);
    const { segments } = await this.sealed(topic, partition);
    if (before <= high && segments.some(({ first }) => first < before)) await this.#catalogue.forget(topic, partition, before);
    await this.#hot.truncate(topic, partition, before);
    await this.removeDropped(topic, partition);
  }

  /** Removes the blobs of segments that are held no more. */
  async removeDropped(topic: string, partition: number): Promise<void> {
    const dropped = this.#catalogue.dropped(topic, partition);
    const last = dropped.at(-1);
    if (last === undefined) return;
    const blobs = await this.#blobs();
    for (const { cid } of dropped) await blobs.delete(cid);
    await this.#catalogue.removed(topic, partition, last.end);
  }

  override restore(topic: string, partitions: number, work: (write: RestoreRecords) => Promise<void>): Promise<void> {
    return this.#hot.restore(topic, partitions, work);
  }

  override subjects(topic: string): Promise<readonly ExpectedVersion[]> {
    return this.#hot.subjects(topic);
  }

  override restoreSubjects(topic: string, versions: readonly ExpectedVersion[]): Promise<void> {
    return this.#hot.restoreSubjects(topic, versions);
  }

  override identity(): Promise<string> {
    return this.#hot.identity();
  }

  override close(): Promise<void> {
    return this.#hot.close();
  }
}
