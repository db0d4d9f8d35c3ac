import { createHash } from 'node:crypto';
import { CopyObjectCommand, DeleteObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import { assert, hasCode } from '#kernel';
import { blobBytesMax, blobCid, blobDigest, BlobStore, type BlobInfo, type ByteRange } from '#ports';
import { ensureBucket, sweep } from './bucket.ts';
import { download } from './download.ts';
import { withRetries } from './retries.ts';
import { corrupt, isMissing, notFound, rangeInvalid } from './s3-errors.ts';
import { placeOf, type S3BlobStoreInit, type S3Place } from './s3-place.ts';
import { sha256 } from './signed-body.ts';
import { uploadParts, uploadUnnamed, uploadWhole } from './uploads.ts';

/** An open waits no longer than this for a store that is away. */
const openWithinMs = 5000;

/**
 * Blobs as objects of an S3 bucket, each under its CID. A whole read is checked against the CID; a range is not. Calls
 * are tried again, with jitter, until their deadline; a download goes on where it broke.
 * Errors besides the port's: `BLOB_BUCKET_MISSING`, `BLOB_STORE_FAILED`.
 */
export class S3BlobStore extends BlobStore {
  readonly #place: S3Place;
  #isPrepared = false;
  #preparing: Promise<void> | undefined;

  private constructor(place: S3Place) {
    super();
    this.#place = place;
  }

  /**
   * Opens the store, makes its bucket where there is none, and removes what unfinished uploads left. A store that is away
   * is no error here: its bucket is then looked after by the first call that reaches it.
   * @throws OperatingError `BLOB_STORE_REFUSED`, `BLOB_BUCKET_MISSING`
   */
  static async open(init: S3BlobStoreInit): Promise<S3BlobStore> {
    const store = new S3BlobStore(placeOf(init));
    if (init.readOnly === true) {
      store.#isPrepared = true;
      return store;
    }
    try {
      await store.#prepared({ ...store.#place, deadlineMs: Math.min(openWithinMs, store.#place.deadlineMs) });
      await sweep(store.#place, AbortSignal.timeout(openWithinMs)).catch(() => undefined); // the next open tries again
    } catch (error) {
      if (hasCode(error, 'BLOB_STORE_UNAVAILABLE')) return store;
      store.close();
      throw error;
    }
    return store;
  }

  /** `bytes` must not change until it returns. */
  override async put(bytes: Uint8Array): Promise<BlobInfo> {
    assert(bytes.length <= blobBytesMax, `a blob has at most ${blobBytesMax} bytes`);
    await this.#prepared();
    const digest = await sha256(bytes);
    const info = { cid: blobCid(digest), sizeBytes: bytes.length };
    if (bytes.length <= this.#place.partBytes) {
      await uploadWhole(this.#place, info.cid, bytes, digest);
    } else if (!(await this.#holds(info))) {
      await uploadParts(this.#place, info.cid, bytes);
    }
    return info;
  }

  override async putStream(source: AsyncIterable<Uint8Array>): Promise<BlobInfo> {
    await this.#prepared();
    const sent = await uploadUnnamed(this.#place, source);
    if (sent.kind === 'small') return this.put(sent.bytes);
    try {
      if (!(await this.#holds(sent.info))) await this.#name(sent.key, sent.info);
    } finally {
      await this.#remove(sent.key).catch(() => undefined); // swept later
    }
    return sent.info;
  }

  /** The store copies by itself; no byte of it comes by here. */
  async #name(key: string, { cid, sizeBytes }: BlobInfo): Promise<void> {
    const { client, bucket: Bucket, prefix } = this.#place;
    const command = new CopyObjectCommand({ Bucket, Key: prefix + cid, CopySource: encodeURI(`${Bucket}/${key}`) });
    await withRetries(this.#place, (abortSignal) => client.send(command, { abortSignal }), sizeBytes);
  }

  override async stat(cid: string): Promise<BlobInfo | undefined> {
    if (blobDigest(cid) === undefined) return undefined;
    await this.#prepared();
    const { client, bucket: Bucket, prefix } = this.#place;
    return withRetries(this.#place, async (abortSignal) => {
      try {
        const { ContentLength } = await client.send(new HeadObjectCommand({ Bucket, Key: prefix + cid }), { abortSignal });
        return { cid, sizeBytes: ContentLength ?? 0 };
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    });
  }

  override async read(cid: string, range?: ByteRange): Promise<Uint8Array> {
    const digest = digestOf(cid, range);
    await this.#prepared();
    const pieces: Uint8Array[] = [];
    for await (const piece of download(this.#place, cid, range, { isHurried: true })) pieces.push(piece);
    const { buffer, byteOffset, length } = Buffer.concat(pieces);
    const bytes = new Uint8Array(buffer, byteOffset, length);
    if (range === undefined && Buffer.compare(await sha256(bytes), digest) !== 0) throw corrupt(cid, this.#place);
    return bytes;
  }

  override async *readStream(cid: string, range?: ByteRange): AsyncGenerator<Uint8Array> {
    const digest = digestOf(cid, range);
    await this.#prepared();
    const hash = createHash('sha256');
    for await (const piece of download(this.#place, cid, range, { isHurried: false })) {
      if (range === undefined) hash.update(piece);
      yield piece;
    }
    if (range === undefined && !hash.digest().equals(digest)) throw corrupt(cid, this.#place);
  }

  override async delete(cid: string): Promise<void> {
    if (blobDigest(cid) === undefined) return;
    await this.#prepared();
    await this.#remove(this.#place.prefix + cid);
  }

  /** Ends the connections. */
  close(): void {
    this.#place.client.destroy();
  }

  async #remove(Key: string): Promise<void> {
    const command = new DeleteObjectCommand({ Bucket: this.#place.bucket, Key });
    await withRetries(this.#place, (abortSignal) => this.#place.client.send(command, { abortSignal }));
  }

  async #holds({ cid, sizeBytes }: BlobInfo): Promise<boolean> {
    return (await this.stat(cid))?.sizeBytes === sizeBytes;
  }

  /** The bucket is looked after once, by whoever comes first. */
  async #prepared(place = this.#place): Promise<void> {
    if (this.#isPrepared) return;
    this.#preparing ??= ensureBucket(place)
      .then(() => void (this.#isPrepared = true))
      .finally(() => (this.#preparing = undefined));
    await this.#preparing;
  }
}

/** @throws OperatingError `BLOB_NOT_FOUND`, `BLOB_RANGE_INVALID` for what no store could answer */
function digestOf(cid: string, range: ByteRange | undefined): Uint8Array {
  const digest = blobDigest(cid);
  if (digest === undefined) throw notFound(cid);
  if (range === undefined) return digest;
  const { first, last } = range;
  if (!Number.isInteger(first) || !Number.isInteger(last) || first < 0 || last < first) throw rangeInvalid(cid, first, last);
  return digest;
}
