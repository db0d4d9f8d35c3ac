import { promisify } from 'node:util';
import { gunzip, gunzipSync } from 'node:zlib';
import { compressionsAlgorithmsByBitmask } from '@platformatic/kafka';
import { corrupt } from '../kafka-log.errors.ts';
import { attributes, batchHeaderBytes } from './record-batch.codec.ts';
import type { BatchBody, BatchHead } from './record-reader.ts';

const gzip = 1;
const gunzipElsewhere = promisify(gunzip);
/** More is worth the way to another thread and back, while this one decodes and folds what came before. */
const elsewhereBytesMin = 16_384;
const chunkBytesMin = 1_024;
const chunkBytesMax = 16_777_216;

/**
 * The records of batches as they were before they were compressed.
 * @throws OperatingError `LOG_CORRUPT`
 */
export async function batchBodies(bytes: Buffer, heads: readonly BatchHead[]): Promise<readonly BatchBody[]> {
  const zipped = heads.filter((head) => compressionOf(head) === gzip);
  const size = zipped.reduce((sum, { start, end }) => sum + end - start, 0);
  const unzipped = size < elsewhereBytesMin ? undefined : await gunzipped(zipped.map((head) => compressedOf(bytes, head)));
  let next = 0;
  return heads.map((head) => {
    if (compressionOf(head) === 0) return { bytes, start: head.start + batchHeaderBytes };
    return (compressionOf(head) === gzip ? unzipped?.[next++] : undefined) ?? { bytes: decompressed(compressionOf(head), compressedOf(bytes, head)), start: 0 };
  });
}

function compressionOf(head: BatchHead): number {
  return head.attributes & attributes.compression;
}

function compressedOf(bytes: Buffer, { start, end }: BatchHead): Buffer {
  return bytes.subarray(start + batchHeaderBytes, end);
}

function decompressed(compression: number, bytes: Buffer): Buffer {
  const algorithm = compressionsAlgorithmsByBitmask[compression];
  if (algorithm === undefined) throw corrupt(`a batch of the unknown compression ${compression}`);
  try {
    if (compression === gzip) return gunzipSync(bytes, { chunkSize: chunkSizeFor(lengthOf(bytes)) });
    const { buffer, byteOffset, byteLength } = algorithm.decompressSync(bytes) as Uint8Array;
    return Buffer.from(buffer, byteOffset, byteLength);
  } catch (cause) {
    throw corrupt('a batch that does not decompress', cause);
  }
}

/**
 * All in one go, since each way to another thread costs as much as a small batch: members of gzip may follow one another
 * (RFC 1952 section 2.2). Undefined for members that are not whole, or several themselves: each has to be looked at alone.
 */
async function gunzipped(members: readonly Buffer[]): Promise<readonly BatchBody[] | undefined> {
  const lengths = members.map(lengthOf);
  const length = lengths.reduce((sum, one) => sum + one, 0);
  const records = await gunzipElsewhere(Buffer.concat(members), { chunkSize: chunkSizeFor(length) }).catch(() => undefined);
  if (records?.length !== length) return undefined;
  const bodies: BatchBody[] = [];
  let start = 0;
  for (const one of lengths) {
    bodies.push({ bytes: records, start });
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
