import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

/** A temporary file of another machine, or of a process id that was given again, is an orphan after this. */
const orphanAgeMs = 3_600_000;

/**
 * Files of the store: `<folder>/<shard>/<cid>`, written under `<folder>/tmp` and renamed when their bytes are on the
 * disk, so that a file under its final name is always whole.
 */
export class BlobFolder {
  readonly #root: string;
  readonly #temporary: string;
  readonly #shards = new Set<string>();

  constructor(root: string) {
    this.#root = root;
    this.#temporary = join(root, 'tmp');
  }

  /** 1,024 shards by two characters near the end of the CID; its very last one has fewer values. */
  pathOf(cid: string): string {
    return join(this.#root, cid.slice(-3, -1), cid);
  }

  async prepare(): Promise<void> {
    await mkdir(this.#temporary, { recursive: true });
  }

  /** Writes the file whole and durably, or not at all. */
  async write(cid: string, bytes: Uint8Array): Promise<void> {
    await this.writeUnnamed(async (file) => {
      await file.writeFile(bytes);
      return { cid };
    });
  }

  /** The same for a file whose CID is known only when it is written. */
  async writeUnnamed<T extends { readonly cid: string }>(fill: (file: FileHandle) => Promise<T>): Promise<T> {
    const temporary = join(this.#temporary, `${hostname()}.${process.pid}.${randomUUID()}`);
    try {
      const file = await open(temporary, 'wx');
      let written: T;
      try {
        written = await fill(file);
        await file.datasync();
      } finally {
        await file.close();
      }
      const shard = await this.#shard(written.cid);
      await rename(temporary, this.pathOf(written.cid));
      await syncFolder(shard);
      return written;
    } catch (error) {
      // Should somebody have removed the shard, the next write makes it again.
      this.#shards.clear();
      await rm(temporary, { force: true });
      throw error;
    }
  }

  async #shard(cid: string): Promise<string> {
    const shard = join(this.#root, cid.slice(-3, -1));
    if (this.#shards.has(shard)) return shard;
    if ((await mkdir(shard, { recursive: true })) !== undefined) await syncFolder(this.#root);
    this.#shards.add(shard);
    return shard;
  }

  /** Removes what writers left that were killed; those that live keep theirs. */
  async sweep(): Promise<void> {
    for (const name of await readdir(this.#temporary)) {
      const path = join(this.#temporary, name);
      const written = await stat(path).catch(() => undefined);
      if (written === undefined) continue;
      if (writerIsGone(name) || Date.now() - written.mtimeMs > orphanAgeMs) await rm(path, { force: true });
    }
  }
}

function writerIsGone(name: string): boolean {
  const prefix = `${hostname()}.`;
  const pid = name.startsWith(prefix) ? Number.parseInt(name.slice(prefix.length), 10) : Number.NaN;
  if (!Number.isInteger(pid)) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as { code?: string }).code === 'ESRCH';
  }
}

/** A rename is on the disk only when its folder is. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
