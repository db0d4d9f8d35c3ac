import type { LeafRange } from '#core/ledger';

/** A range of a partition that lies in the blob store, as the catalogue knows it. */
export interface SealedSegment {
  readonly topic: string;
  readonly partition: number;
  /** Counts the segments of the partition, from 1. */
  readonly number: number;
  /** First offset that it covers. */
  readonly first: bigint;
  /** One behind the last offset that it covers: where the next one begins. */
  readonly end: bigint;
  readonly records: number;
  /** When its first and its last record were recorded, ms since the Unix epoch. */
  readonly firstMs: number;
  readonly lastMs: number;
  /** The blob. */
  readonly cid: string;
  readonly sizeBytes: number;
  /** Of its blocks before they were compressed. */
  readonly rawBytes: number;
  /** Where its index begins, in bytes of the blob, and the index's SHA-256 in base64. */
  readonly indexAt: number;
  readonly indexSha256: string;
  /** Index of its first record in the partition's tree. */
  readonly firstLeaf: number;
  /** When it was sealed, ms since the Unix epoch. */
  readonly sealedMs: number;
}

/** Where a block lies in a segment and what it holds. */
export interface BlockPlace {
  /** Bytes of the blob before it. */
  readonly at: number;
  /** Compressed. */
  readonly sizeBytes: number;
  /** SHA-256 of the compressed bytes, base64. */
  readonly sha256: string;
  readonly records: number;
  readonly lastOffset: bigint;
  readonly lastMs: number;
}

/** What ties a segment to what the audit ledger has signed. */
export interface SegmentProof {
  /** Signed note of a tree that holds all of the segment. */
  readonly checkpoint: string;
  /** Roots of the perfect subtrees before and behind the segment's leaves in that tree. */
  readonly before: readonly Uint8Array[];
  readonly after: readonly Uint8Array[];
}

/** The end of a segment's blob: with it the blob can be read and proven without anything else. */
export interface SegmentIndex {
  /** Identity of the log that it was part of. */
  readonly log: string;
  readonly topic: string;
  readonly partition: number;
  readonly number: number;
  readonly first: bigint;
  readonly end: bigint;
  readonly blocks: readonly BlockPlace[];
  /** Events by their type. */
  readonly types: Readonly<Record<string, number>>;
  readonly leaves: LeafRange;
  /** Roots of the perfect subtrees of its leaves. */
  readonly roots: readonly Uint8Array[];
  readonly proof: SegmentProof | undefined;
  /** Blob of the segment before it: from the newest one, all can be found. */
  readonly previous: string | undefined;
}
