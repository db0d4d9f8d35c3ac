export interface BlobInfo {
  /** CIDv1, raw codec, SHA-256, base32. */
  readonly cid: string;
  readonly sizeBytes: number;
}

/** Inclusive on both ends, as in RFC 9110 section 14.1.2: a `last` beyond the end means the end, a `first` there is invalid. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/**
 * Immutable bytes by their content identifier. The same bytes give the same CID; writing them again changes nothing.
 * Errors: `BLOB_NOT_FOUND` (also for text that is no such CID), `BLOB_RANGE_INVALID`, `BLOB_CORRUPT` (the bytes do not hash to the CID), `BLOB_STORE_FULL` (retryable).
 */
export abstract class BlobStore {
  /** Stores bytes durably before it returns. */
  abstract put(bytes: Uint8Array): Promise<BlobInfo>;
  abstract stat(cid: string): Promise<BlobInfo | undefined>;
  /** The whole blob or a part of it. */
  abstract read(cid: string, range?: ByteRange): Promise<Uint8Array>;
  /** Forgets the blob; does nothing when it is not there. */
  abstract delete(cid: string): Promise<void>;
}
