import { createHash } from 'node:crypto';
import { OperatingError } from '#kernel';
import { blobCid, BlobStore, type BlobInfo, type ByteRange } from '#ports';

/** Blobs that live as long as their object. */
export class MemoryBlobStore extends BlobStore {
  readonly #blobs = new Map<string, Uint8Array>();

  override async put(bytes: Uint8Array): Promise<BlobInfo> {
    const cid = blobCid(createHash('sha256').update(bytes).digest());
    if (!this.#blobs.has(cid)) this.#blobs.set(cid, bytes.slice());
    return { cid, sizeBytes: bytes.length };
  }

  override async stat(cid: string): Promise<BlobInfo | undefined> {
    const blob = this.#blobs.get(cid);
    return blob === undefined ? undefined : { cid, sizeBytes: blob.length };
  }

  override async read(cid: string, range?: ByteRange): Promise<Uint8Array> {
    const blob = this.#blobs.get(cid);
    if (blob === undefined) throw new OperatingError(`There is no blob ${cid}.`, { code: 'BLOB_NOT_FOUND', retryable: false });
    if (range === undefined) return blob.slice();
    const { first, last } = range;
    if (!Number.isInteger(first) || !Number.isInteger(last) || first < 0 || last < first || first >= blob.length) {
      throw new OperatingError(`Bytes ${first} to ${last} are not within the ${blob.length} bytes of ${cid}.`, {
        code: 'BLOB_RANGE_INVALID',
        retryable: false,
      });
    }
    return blob.slice(first, last + 1);
  }

  override async delete(cid: string): Promise<void> {
    this.#blobs.delete(cid);
  }
}
