import { OperatingError } from '#kernel';
import { close, constants, fdatasync, open, read, write } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { open as openHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openReadCached, type ReadCached } from './cached-read.ts';
import { faultOf, type FolderEntry, type StoreFile, type StoreFolder } from './store-folder.ts';

const lockName = 'lock';

/** By number and callback: half the cost of a file handle's promises. */
class DiskFile implements StoreFile {
  readonly #fd: number;
  readonly #readCached: ReadCached | undefined;

  constructor(fd: number, readCached: ReadCached | undefined) {
    this.#fd = fd;
    this.#readCached = readCached;
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    let at = 0;
    while (at < into.length) {
      const count = await this.#readSome(into, at, position + at);
      if (count === 0) break;
      at += count;
    }
    return at;
  }

  readNow(into: Uint8Array, position: number): number | undefined {
    const count = this.#readCached?.(this.#fd, into, position);
    // Whatever is wrong is found out by the read that waits.
    return count === into.length ? count : undefined;
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.#writeSome(bytes, at, position + at);
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => fdatasync(this.#fd, (error) => (error === null ? resolve() : reject(error))));
  }

  close(): Promise<void> {
    return new Promise((resolve, reject) => close(this.#fd, (error) => (error === null || error === undefined ? resolve() : reject(error))));
  }

  #readSome(into: Uint8Array, at: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      read(this.#fd, into, at, into.length - at, position, (error, count) => (error === null ? resolve(count) : reject(error)));
    });
  }

  #writeSome(bytes: Uint8Array, at: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      write(this.#fd, bytes, at, bytes.length - at, position, (error, count) => (error === null ? resolve(count) : reject(error)));
    });
  }
}

function openFile(path: string, flags: number, readCached?: ReadCached): Promise<StoreFile> {
  return new Promise((resolve, reject) => open(path, flags, 0o600, (error, fd) => (error === null ? resolve(new DiskFile(fd, readCached)) : reject(error))));
}

class DiskFolder implements StoreFolder {
  readonly #path: string;
  readonly #lock: DatabaseSync;
  readonly #readCached: ReadCached | undefined;

  constructor(path: string, lock: DatabaseSync, readCached: ReadCached | undefined) {
    this.#path = path;
    this.#lock = lock;
    this.#readCached = readCached;
  }

  async list(): Promise<readonly FolderEntry[]> {
    const names = (await readdir(this.#path)).filter((name) => !name.startsWith(lockName));
    return Promise.all(names.map(async (name) => ({ name, bytes: (await stat(join(this.#path, name))).size })));
  }

  create(name: string): Promise<StoreFile> {
    return openFile(join(this.#path, name), constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC, this.#readCached);
  }

  open(name: string): Promise<StoreFile> {
    return openFile(join(this.#path, name), constants.O_RDONLY, this.#readCached);
  }

  async rename(from: string, to: string): Promise<void> {
    await rename(join(this.#path, from), join(this.#path, to));
    const folder = await openHandle(this.#path, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }

  remove(name: string): Promise<void> {
    return rm(join(this.#path, name), { force: true });
  }

  async close(): Promise<void> {
    this.#lock.close();
  }
}

/**
 * Opens a folder for one store, making it if need be. The lock is SQLite's, since Node has none for files: the system
 * drops it together with the process that held it.
 * @throws OperatingError `STORE_TAKEN` when another process has it, `STORE_UNWRITABLE` when it cannot be written.
 */
export async function openFolder(path: string): Promise<StoreFolder> {
  let lock: DatabaseSync | undefined;
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    lock = new DatabaseSync(join(path, lockName));
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return new DiskFolder(path, lock, await openReadCached());
  } catch (error) {
    lock?.close();
    const taken = /locked|busy/i.test(String(error));
    throw taken
      ? new OperatingError(`Another process uses the folder ${path}.`, { code: 'STORE_TAKEN', retryable: false, cause: error })
      : new OperatingError(`The folder ${path} cannot be written: ${faultOf(error)}.`, { code: 'STORE_UNWRITABLE', retryable: false, cause: error });
  }
}
