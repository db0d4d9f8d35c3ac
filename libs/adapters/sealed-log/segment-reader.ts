import { hash } from 'node:crypto';
import { promisify } from 'node:util';
import { zstdDecompress } from 'node:zlib';
import type { StoredRecord } from '#events';
import { hasCode, OperatingError } from '#kernel';
import type { BlobStore, ReadLimits } from '#ports';
import { BlockCache } from './block-cache.ts';
import { Block } from './block.codec.ts';
import { sealedLogErrors } from './sealed-log.errors.ts';
import { decodeIndex, trailerBytes } from './segment-index.codec.ts';
import type { BlockPlace, SealedSegment, SegmentIndex } from './segment.types.ts';

const decompress = promisify(zstdDecompress);
const indexesMax = 64;

export interface SegmentReaderInit {
  /** Opened at the first need: most processes never read what is sealed. */
  readonly blobs: () => Promise<BlobStore>;
  /** Most bytes of blocks kept, as they are once they are decompressed; with 0 nothing is: each read is one of the store. */
  readonly cacheBytes: number;
}

/** Records of a segment, and where to read on. */
export interface SegmentBatch {
  readonly records: readonly StoredRecord[];
  readonly next: bigint;
}

/** Reads segments block by block; what does not hash to what the catalogue says is an error, never skipped. */
export class SegmentReader {
  readonly #blobs: () => Promise<BlobStore>;
  /** None for whoever must see what is stored. */
  readonly #cache: BlockCache | undefined;
  readonly #indexes = new Map<string, Promise<SegmentIndex>>();

  constructor(init: SegmentReaderInit) {
    this.#blobs = init.blobs;
    this.#cache = init.cacheBytes === 0 ? undefined : new BlockCache(init.cacheBytes);
  }

  /**
   * Records from `from` on, within one block; none when the segment has no more of them.
   * @throws OperatingError `SEALED_SEGMENT_DAMAGED`, and those of the blob store that pass
   */
  async read(segment: SealedSegment, from: bigint, limits: ReadLimits): Promise<SegmentBatch> {
    const index = await this.index(segment);
    const number = index.blocks.findIndex(({ lastOffset }) => lastOffset >= from);
    if (number === -1) return { records: [], next: segment.end };
    const block = await this.block(segment, index, number);
    if (number + 1 < index.blocks.length) this.#ahead(segment, index, number + 1);
    return batchOf(block, from, limits, number + 1 < index.blocks.length ? undefined : segment.end);
  }

  /** Fetches the beginning of a segment, because somebody will be there soon. */
  warm(segment: SealedSegment): void {
    if (this.#cache === undefined) return;
    this.index(segment)
      .then((index) => this.block(segment, index, 0))
      .catch(() => undefined); // who reads it meets the error
  }

  /** The first offset recorded at or after `timeMs` and not before `from`; undefined when the segment has none. */
  async offsetAt(segment: SealedSegment, timeMs: number, from: bigint): Promise<bigint | undefined> {
    const index = await this.index(segment);
    for (const [number, { lastMs, lastOffset }] of index.blocks.entries()) {
      if (lastMs < timeMs || lastOffset < from) continue;
      const block = await this.block(segment, index, number);
      for (let at = block.find(from); at < block.count; at++) if (block.timeOf(at) >= timeMs) return block.offsetOf(at);
    }
    return undefined;
  }

  /** What a segment says of itself. */
  index(segment: SealedSegment): Promise<SegmentIndex> {
    if (this.#cache === undefined) return this.#readIndex(segment);
    const known = this.#indexes.get(segment.cid);
    if (known !== undefined) return known;
    const reading = this.#readIndex(segment);
    reading.catch(() => this.#indexes.delete(segment.cid));
    for (const oldest of this.#indexes.keys()) {
      if (this.#indexes.size < indexesMax) break;
      this.#indexes.delete(oldest);
    }
    this.#indexes.set(segment.cid, reading);
    return reading;
  }

  block(segment: SealedSegment, index: SegmentIndex, number: number): Promise<Block> {
    const read = (): Promise<Block> => this.#readBlock(segment, index.blocks[number] as BlockPlace, number);
    return this.#cache === undefined ? read() : this.#cache.get(`${segment.cid}/${number}`, read);
  }

  #ahead(segment: SealedSegment, index: SegmentIndex, number: number): void {
    if (this.#cache === undefined) return;
    // Who reads that block meets the error.
    this.block(segment, index, number).catch(() => undefined);
  }

  async #readIndex(segment: SealedSegment): Promise<SegmentIndex> {
    const bytes = await this.#bytes(segment, segment.indexAt, segment.sizeBytes - segment.indexAt - trailerBytes, segment.indexSha256, 'its index');
    return decodeIndex(bytes);
  }

  async #readBlock(segment: SealedSegment, place: BlockPlace, number: number): Promise<Block> {
    const what = `its block ${number}, which ends at offset ${place.lastOffset},`;
    const bytes = await this.#bytes(segment, place.at, place.sizeBytes, place.sha256, what);
    return new Block(await decompress(bytes), segment.partition);
  }

  async #bytes(segment: SealedSegment, at: number, sizeBytes: number, sha256: string, what: string): Promise<Uint8Array> {
    let bytes: Uint8Array;
    try {
      bytes = await (await this.#blobs()).read(segment.cid, { first: at, last: at + sizeBytes - 1 });
    } catch (error) {
      if (hasCode(error, 'BLOB_NOT_FOUND')) throw sealedLogErrors.damaged(segment, 'is missing', error);
      if (error instanceof OperatingError && !['BLOB_RANGE_INVALID', 'BLOB_CORRUPT'].includes(error.code)) throw error;
      throw sealedLogErrors.damaged(segment, `is damaged (${what} cannot be read)`, error);
    }
    if (hash('sha256', bytes, 'base64') !== sha256) throw sealedLogErrors.damaged(segment, `is damaged (${what} is not what was sealed)`);
    return bytes;
  }
}

/** @param end where to go on after the last record of the block; undefined: right behind it */
function batchOf(block: Block, from: bigint, { recordsMax, bytesMax }: ReadLimits, end: bigint | undefined): SegmentBatch {
  const records: StoredRecord[] = [];
  let bytes = 0;
  let number = block.find(from);
  for (; number < block.count && records.length < recordsMax; number++) {
    bytes += block.bytesOf(number);
    if (records.length > 0 && bytes > bytesMax) break;
    records.push(block.record(number));
  }
  const last = (records.at(-1) as StoredRecord).offset + 1n;
  return { records, next: number < block.count ? last : (end ?? last) };
}
