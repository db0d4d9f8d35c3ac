import { open, readFile, rm, stat } from 'node:fs/promises';
import { assert } from '#kernel';
import { blobCid, blobDigest, BlobStore, type BlobInfo, type ByteRange } from '#ports';
import { corrupt, isMissing, notFound, rangeInvalid, translated } from './blob-errors.ts';
import { BlobFolder } from './blob-folder.ts';

/** Most bytes of one blob: a segment or a picture, not a film. */
const blobBytesMax = 1_073_741_824;

export interface FsBlobStoreInit {
  /** Made if it is not there. Several processes may share it. */
  readonly folder: string;
}

/**
 * Blobs as files on a local disk. A full read is checked against the CID (`BLOB_CORRUPT`); a read of a range is not.
 * Errors besides the port's: `BLOB_STORE_UNAVAILABLE` (retryable).
 */
export class FsBlobStore extends BlobStore {
  readonly #path: string;
  readonly #folder: BlobFolder;
  /** Puts under way, so that the same bytes at the same time are written once. */
  readonly #writing = new Map<string, Promise<void>>();

  private constructor(path: string) {
    super();
    this.#path = path;
    this.#folder = new BlobFolder(path);
  }

  /** Opens the store and removes what killed writers have left. @throws OperatingError `BLOB_STORE_FULL`, `BLOB_STORE_UNAVAILABLE` */
  static async open(init: FsBlobStoreInit): Promise<FsBlobStore> {
    const store = new FsBlobStore(init.folder);
    await store.#guarded(async () => {
      await store.#folder.prepare();
      await store.#folder.sweep();
    });
    return store;
  }

  /** `bytes` must not change until it returns. */
  override put(bytes: Uint8Array): Promise<BlobInfo> {
    assert(bytes.length <= blobBytesMax, `a blob has at most ${blobBytesMax} bytes`);
    return this.#guarded(async () => {
      const cid = blobCid(await sha256(bytes));
      const info = { cid, sizeBytes: bytes.length };
      if ((await this.#size(cid)) === bytes.length) return info;
      const writing = this.#writing.get(cid) ?? this.#folder.write(cid, bytes).finally(() => this.#writing.delete(cid));
      this.#writing.set(cid, writing);
      await writing;
      return info;
    });
  }

  override stat(cid: string): Promise<BlobInfo | undefined> {
    return this.#guarded(async () => {
      const sizeBytes = await this.#size(cid);
      return sizeBytes === undefined ? undefined : { cid, sizeBytes };
    });
  }

  override read(cid: string, range?: ByteRange): Promise<Uint8Array> {
    return this.#guarded(async () => {
      const digest = blobDigest(cid);
      if (digest === undefined) throw notFound(cid);
      try {
        return range === undefined ? await this.#readWhole(cid, digest) : await this.#readRange(cid, range);
      } catch (error) {
        throw isMissing(error) ? notFound(cid) : error;
      }
    });
  }

  override delete(cid: string): Promise<void> {
    return this.#guarded(async () => {
      if (blobDigest(cid) !== undefined) await rm(this.#folder.pathOf(cid), { force: true });
    });
  }

  async #readWhole(cid: string, digest: Uint8Array): Promise<Uint8Array> {
    const path = this.#folder.pathOf(cid);
    const bytes = await readFile(path);
    if (Buffer.compare(await sha256(bytes), digest) !== 0) throw corrupt(cid, path);
    return bytes;
  }

  async #readRange(cid: string, { first, last }: ByteRange): Promise<Uint8Array> {
    const path = this.#folder.pathOf(cid);
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      if (!Number.isInteger(first) || !Number.isInteger(last) || first < 0 || last < first || first >= size) throw rangeInvalid(cid, first, last, size);
      const part = new Uint8Array(Math.min(last, size - 1) - first + 1);
      for (let filled = 0; filled < part.length;) {
        const { bytesRead } = await file.read(part, filled, part.length - filled, first + filled);
        if (bytesRead === 0) throw corrupt(cid, path);
        filled += bytesRead;
      }
      return part;
    } finally {
      await file.close();
    }
  }

  async #size(cid: string): Promise<number | undefined> {
    if (blobDigest(cid) === undefined) return undefined;
    try {
      return (await stat(this.#folder.pathOf(cid))).size;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async #guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw translated(error, this.#path);
    }
  }
}

/** Hashed off the event loop: a segment takes milliseconds. */
async function sha256(bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
}
