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

/** Most bytes of one blob: a segment, a picture or a short film. */
export const blobBytesMax = 1_073_741_824;

/**
 * Immutable bytes by their content identifier. The same bytes give the same CID; writing them again changes nothing.
 * Errors: `BLOB_NOT_FOUND` (also for text that is no such CID), `BLOB_RANGE_INVALID`, `BLOB_CORRUPT` (the bytes do not hash to the CID), `BLOB_TOO_LARGE` (more than {@link blobBytesMax}), `BLOB_STORE_FULL` and `BLOB_STORE_UNAVAILABLE` (both retryable),
 * `BLOB_STORE_REFUSED` (credentials or rights are wrong).
 */
export abstract class BlobStore {
  /** Stores bytes durably before it returns. */
  abstract put(bytes: Uint8Array): Promise<BlobInfo>;
  /** Stores what a source yields, as {@link put}; it is asked for more only when that can be stored. What it throws is thrown on, and nothing is stored. */
  abstract putStream(source: AsyncIterable<Uint8Array>): Promise<BlobInfo>;
  abstract stat(cid: string): Promise<BlobInfo | undefined>;
  /** The whole blob or a part of it. */
  abstract read(cid: string, range?: ByteRange): Promise<Uint8Array>;
  /**
   * The same in pieces, read no faster than they are taken, with bounded memory. Nothing happens before the first is asked
   * for. A whole blob is checked when its last piece was given: the iteration then ends with `BLOB_CORRUPT`.
   */
  abstract readStream(cid: string, range?: ByteRange): AsyncIterable<Uint8Array>;
  /** Forgets the blob; does nothing when it is not there. */
  abstract delete(cid: string): Promise<void>;
}
