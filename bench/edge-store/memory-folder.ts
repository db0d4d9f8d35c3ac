import type { StoredBytes } from '../../apps/edge/server/exchange.ts';
import type { FolderEntry, StoreFile, StoreFolder } from '../../apps/edge/store/store-folder.ts';

interface Held {
  bytes: Uint8Array;
  size: number;
}

function fileOf(held: Held): StoreFile {
  return {
    read: async (into, position) => {
      const bytes = held.bytes.subarray(position, Math.min(held.size, position + into.length));
      into.set(bytes);
      return bytes.length;
    },
    readNow: () => undefined,
    write: async (bytes, position) => {
      const end = position + bytes.length;
      if (end > held.bytes.length) {
        const grown = new Uint8Array(end * 2);
        grown.set(held.bytes);
        held.bytes = grown;
      }
      held.bytes.set(bytes, position);
      held.size = Math.max(held.size, end);
    },
    sync: async () => undefined,
    close: async () => undefined,
  };
}

/** A folder that is no disk at all: for what is measured apart from one. */
export class MemoryFolder implements StoreFolder {
  readonly #files = new Map<string, Held>();

  async list(): Promise<readonly FolderEntry[]> {
    return [...this.#files].map(([name, { size }]) => ({ name, bytes: size }));
  }

  async create(name: string): Promise<StoreFile> {
    const held = { bytes: new Uint8Array(4096), size: 0 };
    this.#files.set(name, held);
    return fileOf(held);
  }

  async open(name: string): Promise<StoreFile> {
    return fileOf(this.#files.get(name) as Held);
  }

  async rename(from: string, to: string): Promise<void> {
    this.#files.set(to, this.#files.get(from) as Held);
    this.#files.delete(from);
  }

  async remove(name: string): Promise<void> {
    this.#files.delete(name);
  }

  async close(): Promise<void> {
    this.#files.clear();
  }
}

interface Kept extends StoredBytes {
  readonly bytes: Uint8Array;
}

export const keptInMemory = (bytes: Uint8Array): StoredBytes =>
  ({ size: bytes.length, bytes, slice: (start: number, end: number) => keptInMemory(bytes.subarray(start, end)) }) as Kept;

export const bytesInMemory = async (stored: StoredBytes): Promise<Uint8Array> => (stored as Kept).bytes;
