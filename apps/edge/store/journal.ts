import { encodeFrame, type Checksum } from '#core/edge-store';
import { faultOf, type StoreFile } from './store-folder.ts';

/** What a frame of the journal, or of a snapshot, says. */
export const frameKinds = {
  /** The first of every file: JSON with the version and the store's name. */
  header: 1,
  /** Records that are there, 32 bytes each. */
  places: 2,
  /** A record that is not there any more: one place. */
  gone: 3,
  /** All variants of a key are gone: one place, of which only the hash counts. */
  keyGone: 4,
  /** All is gone. */
  allGone: 5,
  /** A segment is gone: its number. */
  segmentGone: 6,
  /** The number and the text of a list of field names. */
  names: 7,
  /** What the purge ledger wants kept. */
  ledger: 8,
  /** The last of a snapshot. */
  end: 9,
} as const;

export type FrameKind = (typeof frameKinds)[keyof typeof frameKinds];

/** Entries that nobody waits for are written together after so long, ms: what a killed process had not written is lost. */
const writeAfterMs = 20;

export interface JournalDeps {
  readonly checksum: Checksum;
  /** The disk is full; true when there may be room now. */
  readonly makeRoom: () => Promise<boolean>;
  /** What was appended cannot be written, now or ever. */
  readonly onFault: (error: unknown) => void;
}

/** An append-only file of frames. Entries are written in their order, soon; those that somebody waits for are synced. */
export class Journal {
  readonly #file: StoreFile;
  readonly #deps: JournalDeps;
  #position = 0;
  #waiting: Uint8Array[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** Writes go one after the other. */
  #writes: Promise<void>;
  #running: Promise<void> = Promise.resolve();
  #queued: Promise<void> | undefined;
  #unsynced = false;

  /** @param after nothing is written before */
  constructor(file: StoreFile, deps: JournalDeps, after: Promise<void>) {
    this.#file = file;
    this.#deps = deps;
    this.#writes = after;
  }

  get bytes(): number {
    return this.#position;
  }

  append(kind: FrameKind, payload: Uint8Array): void {
    this.#unsynced = true;
    this.#waiting.push(encodeFrame(kind, payload, this.#deps.checksum));
    this.#timer ??= setTimeout(() => void this.#write().catch(this.#deps.onFault), writeAfterMs).unref();
  }

  /** Resolves when what was appended before is written: a process that is killed does not take it along any more. */
  write(): Promise<void> {
    return this.#write();
  }

  /** Resolves when what was appended before is written and synced. A flush that has begun may be too early: the next one counts. */
  flush(): Promise<void> {
    this.#queued ??= this.#running
      .catch(() => undefined)
      .then(() => {
        this.#queued = undefined;
        this.#running = this.#sync();
        return this.#running;
      });
    return this.#queued;
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#writes.catch(() => undefined);
    await this.#file.close();
  }

  async #sync(): Promise<void> {
    if (!this.#unsynced) return;
    this.#unsynced = false;
    try {
      await this.#write();
      await this.#file.sync();
    } catch (error) {
      this.#unsynced = true;
      throw error;
    }
  }

  #write(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writes = this.#writes.then(() => this.#writeWaiting());
    return this.#writes;
  }

  async #writeWaiting(): Promise<void> {
    if (this.#waiting.length === 0) return;
    const bytes = Buffer.concat(this.#waiting);
    this.#waiting = [];
    try {
      await this.#file.write(bytes, this.#position);
    } catch (error) {
      // The same bytes at the same place: what was written in part is written over.
      if (faultOf(error) !== 'ENOSPC' || !(await this.#deps.makeRoom())) throw error;
      await this.#file.write(bytes, this.#position);
    }
    this.#position += bytes.length;
  }
}
