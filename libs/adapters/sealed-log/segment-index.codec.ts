import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { BlockPlace, SegmentIndex, SegmentProof } from './segment.types.ts';

/**
 * A segment's blob: `SLS1`, its blocks (zstd), its index (JSON, zstd), the index's bytes as uint32, `SLX1`. Whoever has the
 * blob alone finds the index from its end.
 */
export const segmentMagic = Buffer.from('SLS1');
export const trailerBytes = 8;
const trailerMagic = Buffer.from('SLX1');

const toBase64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const fromBase64 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));

export function encodeIndex(index: SegmentIndex): Buffer {
  const { proof, roots, blocks, first, end, ...rest } = index;
  const json = {
    ...rest,
    first: String(first),
    end: String(end),
    blocks: blocks.map((block) => ({ ...block, lastOffset: String(block.lastOffset) })),
    roots: roots.map(toBase64),
    proof: proof === undefined ? undefined : { ...proof, before: proof.before.map(toBase64), after: proof.after.map(toBase64) },
  };
  return zstdCompressSync(Buffer.from(JSON.stringify(json)));
}

interface IndexJson {
  readonly log: string;
  readonly topic: string;
  readonly partition: number;
  readonly number: number;
  readonly first: string;
  readonly end: string;
  readonly blocks: ReadonlyArray<Omit<BlockPlace, 'lastOffset'> & { readonly lastOffset: string }>;
  readonly types: Readonly<Record<string, number>>;
  readonly leaves: { readonly from: number; readonly to: number };
  readonly roots: readonly string[];
  readonly proof?: { readonly checkpoint: string; readonly before: readonly string[]; readonly after: readonly string[] };
  readonly previous?: string;
}

/** @param bytes of which the caller knows that they are an index: their hash was compared */
export function decodeIndex(bytes: Uint8Array): SegmentIndex {
  const json = JSON.parse(zstdDecompressSync(bytes).toString('utf8')) as IndexJson;
  const proof: SegmentProof | undefined =
    json.proof === undefined
      ? undefined
      : { checkpoint: json.proof.checkpoint, before: json.proof.before.map(fromBase64), after: json.proof.after.map(fromBase64) };
  return {
    ...json,
    first: BigInt(json.first),
    end: BigInt(json.end),
    blocks: json.blocks.map((block) => ({ ...block, lastOffset: BigInt(block.lastOffset) })),
    roots: json.roots.map(fromBase64),
    proof,
    previous: json.previous,
  };
}

export function trailerOf(index: Uint8Array): Buffer {
  const trailer = Buffer.alloc(trailerBytes);
  trailer.writeUInt32LE(index.length, 0);
  trailerMagic.copy(trailer, 4);
  return trailer;
}
