import type { LogRecord } from '#events';
import { hasCode } from '#kernel';
import { firstSequence, type EventLog, type ReadLimits } from '#ports';
import { decodeEntry, encodeGone, encodeSealed } from './catalogue-entry.codec.ts';
import type { SealedSegment } from './segment.types.ts';
import { sealedLogErrors } from './sealed-log.errors.ts';

/** A topic of the log itself: whoever has the log knows what was sealed of it, without a database. It is never sealed. */
export const catalogueTopic = 'streams.sealed';
/** Who seals, in the epoch of a lease. */
export const sealerId = 'sealer';
const readLimits: ReadLimits = { recordsMax: 5000, bytesMax: 8_388_608, waitMs: 0 };

/** What is sealed of a partition. */
export interface SealedPartition {
  readonly topic: string;
  readonly partition: number;
  /** Nothing before it is held any more. */
  readonly floor: bigint;
  /** By offset, without gaps between them unless the log lost something. Those wholly before the floor are not among them. */
  readonly segments: readonly SealedSegment[];
  /** One behind the last sealed offset; the floor when nothing is sealed. */
  readonly end: bigint;
  /** Segments that were ever sealed. */
  readonly count: number;
}

interface Known {
  floor: bigint;
  segments: SealedSegment[];
  /** Held no more, but their blobs may be there. */
  dropped: SealedSegment[];
  count: number;
}

const nothing = (): Known => ({ floor: 0n, segments: [], dropped: [], count: 0 });

/** Under which the only writer writes. */
export interface CatalogueEpoch {
  readonly epoch: bigint;
  /** Of the next entry; undefined before the epoch has begun. */
  sequence: bigint | undefined;
}

/** Which segments there are, folded from {@link catalogueTopic}. */
export class SegmentCatalogue {
  readonly #log: EventLog;
  readonly #limits: ReadLimits;
  readonly #partitions = new Map<string, Known>();
  #next = 0n;
  #reading: Promise<void> | undefined;
  #readAt = -Infinity;

  /** @param stored whether it is read past what the engine remembers */
  constructor(log: EventLog, stored = false) {
    this.#log = log;
    this.#limits = stored ? { ...readLimits, stored } : readLimits;
  }

  /** As it was last read. */
  of(topic: string, partition: number): SealedPartition {
    const { floor, segments, count } = this.#partitions.get(`${topic}/${partition}`) ?? nothing();
    return { topic, partition, floor, segments, end: segments.at(-1)?.end ?? floor, count };
  }

  /** Every partition of which something was sealed. */
  all(): readonly SealedPartition[] {
    return [...this.#partitions.keys()].map((name) => this.of(name.slice(0, name.lastIndexOf('/')), Number(name.slice(name.lastIndexOf('/') + 1))));
  }

  /** Since it was last read. */
  get ageMs(): number {
    return performance.now() - this.#readAt;
  }

  /** Reads what was added since. @throws OperatingError as the log does */
  async refresh(): Promise<void> {
    // Who joins a read that is under way might miss what was added after it began.
    const before = this.#reading;
    if (before !== undefined) await before.catch(() => undefined);
    this.#reading ??= this.#read().finally(() => (this.#reading = undefined));
    await this.#reading;
  }

  async #read(): Promise<void> {
    try {
      for (;;) {
        const { records, next } = await this.#log.read(catalogueTopic, 0, this.#next, this.#limits);
        for (const record of records) this.#apply(record, record.offset);
        if (next === this.#next) break;
        this.#next = next;
      }
    } catch (error) {
      if (!hasCode(error, 'TOPIC_UNKNOWN')) throw error;
    }
    this.#readAt = performance.now();
  }

  #apply({ value }: LogRecord, offset: bigint): void {
    let entry: ReturnType<typeof decodeEntry>;
    try {
      entry = decodeEntry(value);
    } catch (error) {
      throw sealedLogErrors.catalogueDamaged(offset, error);
    }
    const name = `${entry.topic}/${entry.partition}`;
    const known = this.#partitions.get(name) ?? nothing();
    this.#partitions.set(name, known);
    if (entry.kind === 'sealed') {
      // What a writer has said that did not know of another one's segment is void.
      if (entry.segment.first < (known.segments.at(-1)?.end ?? known.floor)) return;
      known.segments.push(entry.segment);
      known.count++;
      return;
    }
    if (entry.kind === 'removed') {
      known.dropped = known.dropped.filter(({ end }) => end > entry.before);
      return;
    }
    if (entry.before > known.floor) known.floor = entry.before;
    known.dropped.push(...known.segments.filter(({ end }) => end <= known.floor));
    known.segments = known.segments.filter(({ end }) => end > known.floor);
  }

  /** Makes a segment part of the log. @throws OperatingError `PRODUCER_FENCED` when a later epoch writes, `SEALING_RACED` (retryable) */
  async add(segment: SealedSegment, writer: CatalogueEpoch): Promise<void> {
    await this.#log.ensureTopic(catalogueTopic, 1);
    const sequence = (writer.sequence ??= await this.#begin(writer.epoch));
    await this.#log.append(catalogueTopic, [encodeSealed(segment)], { producer: { id: sealerId, epoch: writer.epoch, sequence } });
    writer.sequence = sequence + 1n;
    await this.refresh();
    // Somebody whose lease had ended may have been first: then theirs counts.
    const { segments } = this.of(segment.topic, segment.partition);
    if (segments.at(-1)?.cid !== segment.cid) throw sealedLogErrors.raced(segment);
  }

  async #begin(epoch: bigint): Promise<bigint> {
    const sequence = firstSequence();
    await this.#log.append(catalogueTopic, [], { producer: { id: sealerId, epoch, sequence, begins: true } });
    return sequence;
  }

  /** What lies before `before` is held no more; its segments are {@link dropped} from now on. */
  async forget(topic: string, partition: number, before: bigint): Promise<void> {
    await this.#note('forgotten', topic, partition, before);
  }

  /** Segments that are held no more, whose blobs may be there. */
  dropped(topic: string, partition: number): readonly SealedSegment[] {
    return this.#partitions.get(`${topic}/${partition}`)?.dropped ?? [];
  }

  /** The blobs of those are gone. */
  async removed(topic: string, partition: number, before: bigint): Promise<void> {
    await this.#note('removed', topic, partition, before);
  }

  async #note(kind: 'forgotten' | 'removed', topic: string, partition: number, before: bigint): Promise<void> {
    await this.#log.ensureTopic(catalogueTopic, 1);
    await this.#log.append(catalogueTopic, [encodeGone(kind, topic, partition, before)]);
    await this.refresh();
  }
}
