import type { LedgerHash, RangeTree } from '#core/ledger';
import type { StoredRecord } from '#events';
import { eventLogErrors, type BlobStore, type EventLog, type PartitionHead } from '#ports';
import { readSegment } from './segment-audit.ts';
import type { CatalogueEpoch, SegmentCatalogue } from './segment-catalogue.ts';
import { SegmentReader } from './segment-reader.ts';
import { SegmentWriter } from './segment-writer.ts';
import { sealedLogErrors } from './sealed-log.errors.ts';
import type { SealedSegment, SegmentProof } from './segment.types.ts';

/** What is to be sealed of a partition. */
export interface SealingRange {
  readonly topic: string;
  readonly partition: number;
  /** Before this offset. */
  readonly until: bigint;
  readonly recordsMax: number;
  /** Characters of keys and values, about. */
  readonly charactersMax: number;
  readonly nowMs: number;
  /** Which leaf of the partition's tree a record is; asked when no segment stands before it. */
  readonly leafOf: (record: StoredRecord) => Promise<number>;
  /** The tree is another one than that of the segments before: which leaves a segment has is asked for as for the first. */
  readonly begunAnew?: boolean;
  /** Ties what was written to the ledger. @throws what keeps it from being sealed */
  readonly prove: (range: RangeTree) => Promise<SegmentProof | undefined>;
}

export interface SegmentSealerDeps {
  readonly hot: EventLog;
  readonly blobs: () => Promise<BlobStore>;
  readonly catalogue: SegmentCatalogue;
  readonly hash: LedgerHash;
}

const limits = { recordsMax: 1000, bytesMax: 4_194_304, waitMs: 0 };

/**
 * Moves ranges of the log to the blob store, one step after the other, each of which can be repeated: the blob, its
 * verification, its entry in the catalogue, and only then is anything removed from the engine.
 */
export class SegmentSealer {
  readonly #writer: CatalogueEpoch;
  readonly #deps: SegmentSealerDeps;

  constructor(epoch: bigint, deps: SegmentSealerDeps) {
    this.#writer = { epoch, sequence: undefined };
    this.#deps = deps;
  }

  /** Where the next segment would begin. @throws OperatingError `LOG_HOLE` when that is not there any more */
  async next(topic: string, partition: number): Promise<bigint> {
    const { low } = await this.#head(topic, partition);
    await this.#deps.catalogue.refresh();
    const { end, segments } = this.#deps.catalogue.of(topic, partition);
    if (segments.length > 0 && low > end) throw sealedLogErrors.hole(topic, partition, end, low);
    return low > end ? low : end;
  }

  async #head(topic: string, partition: number): Promise<PartitionHead> {
    const heads = await this.#deps.hot.heads(topic);
    const head = heads[partition];
    if (head === undefined) throw eventLogErrors.partitionUnknown(topic, partition, heads.length);
    return head;
  }

  /**
   * Seals one segment; nothing is removed from the engine.
   * @returns undefined when there is no record in the range
   * @throws OperatingError `LOG_HOLE`, `SEALING_FAILED`, `PRODUCER_FENCED` when another one seals, those of log and blob store
   */
  async seal(range: SealingRange): Promise<SealedSegment | undefined> {
    const { hot, blobs, catalogue, hash } = this.#deps;
    const { topic, partition, nowMs, prove } = range;
    const first = await this.next(topic, partition);
    const reading = new RangeReading(hot, range, first);
    const opening = await reading.begin();
    if (opening === undefined) return undefined;
    const { segments, count } = catalogue.of(topic, partition);
    const last = segments.at(-1);
    const firstLeaf = last === undefined || range.begunAnew === true ? await range.leafOf(opening) : last.firstLeaf + last.records;
    const init = { log: await hot.identity(), topic, partition, number: count + 1, first, firstLeaf, previous: last?.cid, sealedMs: nowMs };
    const writer = new SegmentWriter(init, hash);
    const segment = await writer.write({ records: reading.records(), end: () => reading.end, prove }, await blobs());
    await this.#verify(segment);
    await catalogue.add(segment, this.#writer);
    return segment;
  }

  /** Reads it back from the store, past every cache. */
  async #verify(segment: SealedSegment): Promise<void> {
    const { fault } = await readSegment(segment, new SegmentReader({ blobs: this.#deps.blobs, cacheBytes: 0 }), this.#deps.hash);
    if (fault !== undefined) throw sealedLogErrors.notVerified(segment.topic, segment.partition, fault);
  }

  /** Removes from the engine what is sealed, up to `before` at most. @returns whether there was anything to remove */
  async trim(topic: string, partition: number, before: bigint): Promise<boolean> {
    const { hot, catalogue } = this.#deps;
    await catalogue.refresh();
    const { end, segments } = catalogue.of(topic, partition);
    const to = before < end ? before : end;
    if (segments.length === 0 || to <= (await this.#head(topic, partition)).low) return false;
    await hot.truncate(topic, partition, to);
    return true;
  }
}

/** Reads a range of the engine, once. */
class RangeReading {
  readonly #log: EventLog;
  readonly #range: SealingRange;
  #from: bigint;
  #first: readonly StoredRecord[] = [];
  #records = 0;
  #characters = 0;

  constructor(log: EventLog, range: SealingRange, from: bigint) {
    this.#log = log;
    this.#range = range;
    this.#from = from;
  }

  /** One behind the last offset that was taken. */
  get end(): bigint {
    return this.#from;
  }

  /** The first record; undefined when there is none. */
  async begin(): Promise<StoredRecord | undefined> {
    this.#first = await this.#read();
    return this.#first[0];
  }

  async *records(): AsyncGenerator<readonly StoredRecord[], void> {
    for (let records = this.#first; records.length > 0; records = await this.#read()) yield records;
  }

  async #read(): Promise<readonly StoredRecord[]> {
    const { topic, partition, until, recordsMax, charactersMax } = this.#range;
    const wanted = Math.min(limits.recordsMax, recordsMax - this.#records);
    if (wanted <= 0 || this.#characters >= charactersMax || this.#from >= until) return [];
    const { records, next, high } = await this.#log.read(topic, partition, this.#from, { ...limits, recordsMax: wanted });
    if (next <= this.#from) throw eventLogErrors.endsEarly(topic, partition, this.#from, high);
    const taken = next > until ? records.filter(({ offset }) => offset < until) : records;
    for (const { key, value } of taken) this.#characters += key.length + value.length;
    this.#records += taken.length;
    this.#from = next > until ? until : next;
    // A stretch without records: they may come behind it.
    return taken.length > 0 ? taken : this.#read();
  }
}
