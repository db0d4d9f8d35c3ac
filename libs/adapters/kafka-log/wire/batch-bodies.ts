import { promisify } from 'node:util';
import { gunzip, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { compressionsAlgorithmsByBitmask } from '@platformatic/kafka';
import { isTooLarge, lz4Size, snappySize } from './inflated-size.ts';
import { attributes, batchHeaderBytes } from './record-batch.codec.ts';
import type { BatchBody, BatchHead } from './record-reader.ts';

const compressions = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;
const gunzipElsewhere = promisify(gunzip);
/** More is worth the way to another thread and back, while this one decodes and folds what came before. */
const elsewhereBytesMin = 16_384;
const chunkBytesMin = 1_024;
const chunkBytesMax = 16_777_216;
/** Nothing that anybody writes for a purpose compresses better than this. */
const lz4RatioMax = 255;

/**
 * Most bytes of a batch when it is decompressed. Brokers bound the compressed batch alone, and gzip makes a thousand times as
 * much of it; the largest append of ours is a quarter of this.
 */
export const bodyBytesMax = 67_108_864;

/** Why nobody can read what a batch holds. It was written like that, for its checksum is right. */
export interface UnreadableBody {
  readonly unreadable: string;
}

/**
 * The records of batches as they were before they were compressed: of the first ones, until they are `bytesMax` bytes
 * together; of one at least.
 */
export async function batchBodies(bytes: Buffer, heads: readonly BatchHead[], bytesMax = bodyBytesMax): Promise<ReadonlyArray<BatchBody | UnreadableBody>> {
  const zipped = heads.filter((head) => compressionOf(head) === compressions.gzip);
  const size = zipped.reduce((sum, { start, end }) => sum + end - start, 0);
  const unzipped =
    size < elsewhereBytesMin
      ? undefined
      : await gunzipped(
          zipped.map((head) => compressedOf(bytes, head)),
          bytesMax,
        );
  const bodies: Array<BatchBody | UnreadableBody> = [];
  let next = 0;
  let room = bytesMax;
  for (const head of heads) {
    if (room <= 0) break;
    const known = compressionOf(head) === compressions.gzip ? unzipped?.[next++] : undefined;
    const body = known ?? bodyOf(bytes, head, bytesMax);
    if (!('unreadable' in body)) room -= body.end - body.start;
    bodies.push(body);
  }
  return bodies;
}

function compressionOf(head: BatchHead): number {
  return head.attributes & attributes.compression;
}

function compressedOf(bytes: Buffer, { start, end }: BatchHead): Buffer {
  return bytes.subarray(start + batchHeaderBytes, end);
}

function bodyOf(bytes: Buffer, head: BatchHead, bytesMax: number): BatchBody | UnreadableBody {
  if (compressionOf(head) === compressions.none) return { bytes, start: head.start + batchHeaderBytes, end: head.end };
  try {
    const body = decompressed(compressionOf(head), compressedOf(bytes, head), bytesMax);
    return body === undefined ? tooLarge(bytesMax) : { bytes: body, start: 0, end: body.length };
  } catch (error) {
    return isTooLarge(error) ? tooLarge(bytesMax) : { unreadable: 'The batch does not decompress.' };
  }
}

function tooLarge(bytesMax: number): UnreadableBody {
  return { unreadable: `The batch is of more than ${bytesMax} bytes when it is decompressed.` };
}

/** Undefined for what would be too large. @throws Error for what is damaged, or too large for zlib */
function decompressed(compression: number, bytes: Buffer, bytesMax: number): Buffer | undefined {
  switch (compression) {
    case compressions.gzip:
      return gunzipSync(bytes, { chunkSize: chunkSizeFor(lengthOf(bytes)), maxOutputLength: bytesMax });
    case compressions.zstd:
      return zstdDecompressSync(bytes, { maxOutputLength: bytesMax });
    case compressions.snappy:
      return snappySize(bytes) > bytesMax ? undefined : foreign(compression, bytes);
    case compressions.lz4:
      return bytes.length * lz4RatioMax > bytesMax && lz4Size(bytes, bytesMax) > bytesMax ? undefined : foreign(compression, bytes);
    default:
      return foreign(compression, bytes);
  }
}

function foreign(compression: number, bytes: Buffer): Buffer {
  const algorithm = compressionsAlgorithmsByBitmask[compression];
  if (algorithm === undefined) throw new Error(`There is no compression ${compression}.`);
  const { buffer, byteOffset, byteLength } = algorithm.decompressSync(bytes) as Uint8Array;
  return Buffer.from(buffer, byteOffset, byteLength);
}

/**
 * All in one go, since each way to another thread costs as much as a small batch: members of gzip may follow one another
 * (RFC 1952 section 2.2). Undefined for members that are not whole, or several themselves, or too large together: each has to be
 * looked at alone.
 */
async function gunzipped(members: readonly Buffer[], bytesMax: number): Promise<readonly BatchBody[] | undefined> {
  const lengths = members.map(lengthOf);
  const length = lengths.reduce((sum, one) => sum + one, 0);
  if (length > bytesMax) return undefined;
  const options = { chunkSize: chunkSizeFor(length), maxOutputLength: Math.max(1, length) };
  const records = await gunzipElsewhere(Buffer.concat(members), options).catch(() => undefined);
  if (records?.length !== length) return undefined;
  const bodies: BatchBody[] = [];
  let start = 0;
  for (const one of lengths) {
    bodies.push({ bytes: records, start, end: start + one });
    start += one;
  }
  return bodies;
}

/** What a member says at its end of its length (RFC 1952 section 2.3.1, ISIZE). */
function lengthOf(member: Buffer): number {
  return member.length < 4 ? 0 : member.readUInt32LE(member.length - 4);
}

/** One byte more than is told, so that what is right comes in one piece. */
function chunkSizeFor(length: number): number {
  return Math.min(chunkBytesMax, Math.max(chunkBytesMin, length + 1));
}
