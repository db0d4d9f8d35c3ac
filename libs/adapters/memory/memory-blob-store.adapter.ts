import { createHash } from 'node:crypto';
import { OperatingError } from '#kernel';
import { blobBytesMax, blobCid, BlobStore, type BlobInfo, type ByteRange } from '#ports';

const pieceBytes = 65_536;

/** Blobs that live as long as their object. */
export class MemoryBlobStore extends BlobStore {
  readonly #blobs = new Map<string, Uint8Array>();

  override async put(bytes: Uint8Array): Promise<BlobInfo> {
    const cid = blobCid(createHash('sha256').update(bytes).digest());
    // A Buffer's slice would be the same memory.
    if (!this.#blobs.has(cid)) this.#blobs.set(cid, new Uint8Array(bytes));
    return { cid, sizeBytes: bytes.length };
  }

  override async putStream(source: AsyncIterable<Uint8Array>): Promise<BlobInfo> {
    const parts: Uint8Array[] = [];
    let sizeBytes = 0;
    for await (const part of source) {
      sizeBytes += part.length;
      if (sizeBytes > blobBytesMax) throw new OperatingError(`A blob has at most ${blobBytesMax} bytes.`, { code: 'BLOB_TOO_LARGE', retryable: false });
      parts.push(part.slice());
    }
    return this.put(Buffer.concat(parts));
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

  override async *readStream(cid: string, range?: ByteRange): AsyncGenerator<Uint8Array> {
    const bytes = await this.read(cid, range);
    for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
  }

  override async delete(cid: string): Promise<void> {
    this.#blobs.delete(cid);
  }
}
