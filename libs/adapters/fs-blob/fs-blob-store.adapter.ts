import { createHash, hash as hashAtOnce } from 'node:crypto';
import { statSync } from 'node:fs';
import { open, readFile, rm, stat, type FileHandle } from 'node:fs/promises';
import { assert } from '#kernel';
import { blobBytesMax, blobCid, blobDigest, BlobStore, type BlobInfo, type ByteRange } from '#ports';
import { corrupt, isMissing, notFound, rangeInvalid, tooLarge, translated } from './blob-errors.ts';
import { BlobFolder } from './blob-folder.ts';

/** So many bytes are read ahead of who takes them. */
const pieceBytes = 262_144;

export interface FsBlobStoreInit {
  /** Made if it is not there. Several processes may share it. */
  readonly folder: string;
  /** The folder is somebody else's: nothing is made or removed at the opening. */
  readonly readOnly?: boolean;
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
    if (init.readOnly === true) return store;
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
      // Nearly always new, and then told from what the system has in memory: handing that to another thread takes far longer.
      if (statSync(this.#folder.pathOf(cid), { throwIfNoEntry: false })?.size === bytes.length) return info;
      const writing = this.#writing.get(cid) ?? this.#folder.write(cid, bytes).finally(() => this.#writing.delete(cid));
      this.#writing.set(cid, writing);
      await writing;
      return info;
    });
  }

  override async putStream(source: AsyncIterable<Uint8Array>): Promise<BlobInfo> {
    const failures: unknown[] = [];
    try {
      return await this.#guarded(() => this.#folder.writeUnnamed((file) => fill(file, noting(source, failures))));
    } catch (error) {
      throw failures.length > 0 ? failures[0] : error;
    }
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

  override async *readStream(cid: string, range?: ByteRange): AsyncGenerator<Uint8Array> {
    const digest = blobDigest(cid);
    if (digest === undefined) throw notFound(cid);
    const path = this.#folder.pathOf(cid);
    const file = await this.#guarded(() =>
      open(path, 'r').catch((error: unknown) => {
        throw isMissing(error) ? notFound(cid) : error;
      }),
    );
    try {
      const { size } = await this.#guarded(() => file.stat());
      const { first, last } = range === undefined ? { first: 0, last: size - 1 } : within(cid, range, size);
      const hash = createHash('sha256');
      for (let at = first; at <= last;) {
        const piece = new Uint8Array(Math.min(pieceBytes, last - at + 1));
        const { bytesRead } = await this.#guarded(() => file.read(piece, 0, piece.length, at));
        if (bytesRead === 0) throw corrupt(cid, path);
        if (range === undefined) hash.update(piece.subarray(0, bytesRead));
        at += bytesRead;
        yield piece.subarray(0, bytesRead);
      }
      if (range === undefined && !hash.digest().equals(digest)) throw corrupt(cid, path);
    } finally {
      await file.close();
    }
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

  async #readRange(cid: string, range: ByteRange): Promise<Uint8Array> {
    const path = this.#folder.pathOf(cid);
    const file = await open(path, 'r');
    try {
      const { first, last } = within(cid, range, (await file.stat()).size);
      const part = new Uint8Array(last - first + 1);
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

/** The range as far as there are bytes. */
function within(cid: string, { first, last }: ByteRange, size: number): ByteRange {
  if (!Number.isInteger(first) || !Number.isInteger(last) || first < 0 || last < first || first >= size) throw rangeInvalid(cid, first, last, size);
  return { first, last: Math.min(last, size - 1) };
}

/** What a source throws is no failure of this store: it is noted, so that it stays as it is. */
async function* noting(source: AsyncIterable<Uint8Array>, failures: unknown[]): AsyncGenerator<Uint8Array> {
  try {
    yield* source;
  } catch (error) {
    failures.push(error);
    throw error;
  }
}

/** Writes what comes, piece by piece, and says what it was. */
async function fill(file: FileHandle, source: AsyncIterable<Uint8Array>): Promise<BlobInfo> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const piece of source) {
    sizeBytes += piece.length;
    if (sizeBytes > blobBytesMax) throw tooLarge();
    hash.update(piece);
    await file.writeFile(piece);
  }
  return { cid: blobCid(hash.digest()), sizeBytes };
}

/** More is hashed off the event loop; handing over what takes a tenth of a millisecond costs as much as hashing it. */
const hashedAtOnceMax = 256 * 1024;

async function sha256(bytes: Uint8Array): Promise<Uint8Array> {
  if (bytes.length <= hashedAtOnceMax) return hashAtOnce('sha256', bytes, 'buffer');
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
}
