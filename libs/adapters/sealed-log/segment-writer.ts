import { createHash, hash } from 'node:crypto';
import { promisify } from 'node:util';
import { constants, zstdCompress } from 'node:zlib';
import { hashBytes, RangeTree, type LedgerHash } from '#core/ledger';
import type { StoredRecord } from '#events';
import { assert } from '#kernel';
import type { BlobStore } from '#ports';
import { encodeBlock } from './block.codec.ts';
import { hashLeaf } from './leaf.ts';
import { encodeIndex, segmentMagic, trailerOf } from './segment-index.codec.ts';
import type { BlockPlace, SealedSegment, SegmentIndex, SegmentProof } from './segment.types.ts';

const compress = promisify(zstdCompress);
/** Characters of a block: one is read whole for a single record of it, and compresses better the larger it is. */
const blockCharacters = 1_048_576;
const blockRecordsMax = 4096;
const level = 6;

export interface SegmentInit {
  /** Identity of the log. */
  readonly log: string;
  readonly topic: string;
  readonly partition: number;
  readonly number: number;
  readonly first: bigint;
  readonly firstLeaf: number;
  readonly previous: string | undefined;
  readonly sealedMs: number;
}

/** What the records turned out to be, before the index is written. */
export interface WrittenRecords {
  readonly range: RangeTree;
  /** One behind the last offset covered. */
  readonly end: bigint;
}

export interface SegmentSource {
  /** The records from `first` on, in order: at least one. */
  readonly records: AsyncIterable<readonly StoredRecord[]>;
  /** Asked after the last record. */
  readonly end: () => bigint;
  /** Proves what was written. @throws what keeps the segment from being sealed: then there is none. */
  readonly prove: (range: RangeTree) => Promise<SegmentProof | undefined>;
}

/** Writes the records of a partition as one blob, with bounded memory. */
export class SegmentWriter {
  readonly #init: SegmentInit;
  readonly #hash: LedgerHash;
  readonly #range: RangeTree;
  readonly #blocks: BlockPlace[] = [];
  readonly #types: Record<string, number> = {};
  readonly #leaf = new Uint8Array(hashBytes);
  #at = 0;
  #rawBytes = 0;
  #pending: StoredRecord[] = [];
  #pendingCharacters = 0;
  #times: { readonly firstMs: number; lastMs: number } | undefined;
  #index: SegmentIndex | undefined;
  #indexBytes: Buffer | undefined;

  constructor(init: SegmentInit, ledgerHash: LedgerHash) {
    this.#init = init;
    this.#hash = ledgerHash;
    this.#range = new RangeTree(init.firstLeaf, ledgerHash);
  }

  /** Stores the segment durably. Once. @throws OperatingError of the blob store, or what the source throws */
  async write(source: SegmentSource, blobs: BlobStore): Promise<SealedSegment> {
    const { cid, sizeBytes } = await blobs.putStream(this.#pieces(source));
    const { topic, partition, number, first, firstLeaf, sealedMs } = this.#init;
    const [index, indexBytes, times] = [this.#index, this.#indexBytes, this.#times];
    assert(index !== undefined && indexBytes !== undefined && times !== undefined, 'a store takes a source to its end');
    const records = index.leaves.to - index.leaves.from;
    const place = { cid, sizeBytes, rawBytes: this.#rawBytes, indexAt: this.#at, indexSha256: hash('sha256', indexBytes, 'base64') };
    return { topic, partition, number, first, end: index.end, records, ...times, ...place, firstLeaf, sealedMs };
  }

  async *#pieces(source: SegmentSource): AsyncGenerator<Uint8Array, void> {
    yield segmentMagic;
    this.#at = segmentMagic.length;
    for await (const records of source.records) {
      for (const record of records) {
        this.#add(record);
        if (this.#pendingCharacters >= blockCharacters || this.#pending.length >= blockRecordsMax) yield await this.#block();
      }
    }
    if (this.#pending.length > 0) yield await this.#block();
    assert(this.#blocks.length > 0, 'a segment holds at least one record');
    this.#index = await this.#indexOf(source);
    this.#indexBytes = encodeIndex(this.#index);
    yield this.#indexBytes;
    yield trailerOf(this.#indexBytes);
  }

  #add(record: StoredRecord): void {
    hashLeaf(record, this.#hash, this.#leaf);
    this.#range.push(this.#leaf);
    const type = record.headers['ce_type'] ?? '';
    this.#types[type] = (this.#types[type] ?? 0) + 1;
    this.#times ??= { firstMs: record.recordedAt, lastMs: record.recordedAt };
    this.#times.lastMs = Math.max(this.#times.lastMs, record.recordedAt);
    this.#pending.push(record);
    // Header values are about as much again in all.
    this.#pendingCharacters += record.key.length + record.value.length + 300;
  }

  async #block(): Promise<Uint8Array> {
    const raw = encodeBlock(this.#pending);
    const bytes = await compress(raw, { params: { [constants.ZSTD_c_compressionLevel]: level } });
    const last = this.#pending.at(-1) as StoredRecord;
    const sha256 = createHash('sha256').update(bytes).digest('base64');
    const lastMs = (this.#times as { lastMs: number }).lastMs;
    this.#blocks.push({ at: this.#at, sizeBytes: bytes.length, sha256, records: this.#pending.length, lastOffset: last.offset, lastMs });
    this.#at += bytes.length;
    this.#rawBytes += raw.length;
    this.#pending = [];
    this.#pendingCharacters = 0;
    return bytes;
  }

  async #indexOf({ end, prove }: SegmentSource): Promise<SegmentIndex> {
    const { log, topic, partition, number, first, previous } = this.#init;
    const proof = await prove(this.#range);
    const range = { leaves: this.#range.range, roots: this.#range.roots(), proof };
    return { log, topic, partition, number, first, end: end(), blocks: this.#blocks, types: this.#types, ...range, previous };
  }
}
