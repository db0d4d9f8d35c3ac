import { encodeFrame, encodePlaces, type Checksum, type RecordIndex, type RecordPlace } from '#core/edge-store';
import type { PurgeJournal } from '../purge/purge-journal.ts';
import type { KeptLedger } from './disk-tier.ts';
import { frameKinds, Journal, type FrameKind } from './journal.ts';
import { headerOf, journalName, numbered, snapshotName } from './load-store.ts';
import { encodeNames, type NameLists } from './name-lists.ts';
import type { StoreFile, StoreFolder } from './store-folder.ts';

/** Places looked at before others get a turn. */
const placesAtOnce = 8192;
const text = new TextEncoder();

export interface StoreJournalInit {
  readonly storeId: string;
  /** A journal that is longer is replaced by a snapshot and a new one, bytes. */
  readonly journalBytesMax: number;
}

export interface StoreJournalDeps {
  readonly folder: StoreFolder;
  readonly index: RecordIndex;
  readonly names: NameLists;
  readonly ledger: KeptLedger;
  readonly checksum: Checksum;
  readonly makeRoom: () => Promise<boolean>;
  readonly onFault: (error: unknown) => void;
}

/**
 * Keeps on the disk what the index and the purge ledger hold in memory: a snapshot from time to time, and in journals what
 * came since. A snapshot is taken while the store goes on; what changes meanwhile stands in the journal that was begun
 * before it, and to apply that to a snapshot which knows it already changes nothing.
 */
export class StoreJournal implements PurgeJournal {
  storeId: string | undefined;
  readonly #init: StoreJournalInit;
  readonly #deps: StoreJournalDeps;
  #journal: Journal | undefined;
  #earlier: Promise<void> = Promise.resolve();
  #number = 0;
  #rotating: Promise<void> | undefined;

  constructor(init: StoreJournalInit, deps: StoreJournalDeps) {
    this.#init = init;
    this.#deps = deps;
    this.storeId = init.storeId;
  }

  /** @param journals the greatest number that there is */
  async begin(journals: number): Promise<void> {
    this.#number = journals;
    await this.#beginJournal();
  }

  append(entry: Uint8Array): void {
    this.#append(frameKinds.ledger, entry);
  }

  flush(): Promise<void> {
    const { storeId } = this;
    const journal = this.#journal;
    if (storeId === undefined || journal === undefined) return Promise.resolve();
    // What cannot be kept makes the store void: that is said by `onFault`, and by the name that is gone afterwards.
    return Promise.all([this.#earlier, journal.flush()]).then(
      () => undefined,
      (error: unknown) => this.#fault(error),
    );
  }

  async places(places: readonly RecordPlace[]): Promise<void> {
    this.#append(frameKinds.places, encodePlaces(places));
    if ((this.#journal?.bytes ?? 0) > this.#init.journalBytesMax) void this.snapshot();
    await this.#journal?.write().catch((error: unknown) => this.#fault(error));
  }

  gone(place: RecordPlace): void {
    this.#append(frameKinds.gone, encodePlaces([place]));
  }

  keyGone(hash: RecordPlace['hash']): void {
    const place = { hash, segment: 0, offset: 0, length: 0, uselessAtS: 0, variant: 0, names: 0 };
    this.#append(frameKinds.keyGone, encodePlaces([place]));
  }

  allGone(): void {
    this.#append(frameKinds.allGone, new Uint8Array());
  }

  segmentGone(number: number): void {
    this.#append(frameKinds.segmentGone, text.encode(String(number)));
  }

  newNames(number: number, list: string): void {
    this.#append(frameKinds.names, encodeNames(number, list));
  }

  /** Begins a new journal, writes down what there is, and removes what is older. */
  snapshot(): Promise<void> {
    this.#rotating ??= this.#rotate()
      .catch((error: unknown) => this.#fault(error))
      .finally(() => (this.#rotating = undefined));
    return this.#rotating;
  }

  async close(): Promise<void> {
    await this.#rotating;
    await this.#earlier.catch(() => undefined);
    await this.#journal?.close().catch(() => undefined);
    this.#journal = undefined;
  }

  /** What is on the disk is worth nothing from now on. */
  withdraw(): void {
    this.storeId = undefined;
    const journal = this.#journal;
    this.#journal = undefined;
    void journal?.close().catch(() => undefined);
  }

  #append(kind: FrameKind, payload: Uint8Array): void {
    this.#journal?.append(kind, payload);
  }

  #fault(error: unknown): void {
    this.#deps.onFault(error);
  }

  async #beginJournal(): Promise<void> {
    const { folder } = this.#deps;
    const number = this.#number + 1;
    const file = await folder.create(`${journalName(number)}.new`);
    await folder.rename(`${journalName(number)}.new`, journalName(number));
    const { storeId } = this;
    if (storeId === undefined) return file.close();
    const before = this.#journal;
    this.#earlier = before === undefined ? Promise.resolve() : before.flush().then(() => before.close());
    // Whoever flushes hears of it.
    this.#earlier.catch(() => undefined);
    // Nothing is written to the new one before the old one is whole: what is lost in a crash is the end of all that was said.
    this.#journal = new Journal(file, this.#deps, this.#earlier);
    this.#journal.append(frameKinds.header, headerOf(storeId));
    this.#number = number;
  }

  async #rotate(): Promise<void> {
    if (this.storeId === undefined) return;
    if (this.#journal === undefined || this.#journal.bytes > 0) await this.#beginJournal();
    const number = this.#number;
    const { folder } = this.#deps;
    const file = await folder.create(`${snapshotName(number)}.new`);
    try {
      await this.#dump(file);
      await file.sync();
    } finally {
      await file.close();
    }
    // What the snapshot holds must not be newer than the purges that the journal does.
    await this.#journal?.flush();
    await folder.rename(`${snapshotName(number)}.new`, snapshotName(number));
    await this.#earlier;
    await this.#removeBefore(number);
  }

  async #dump(file: StoreFile): Promise<void> {
    const { checksum, index, ledger, names } = this.#deps;
    let position = 0;
    const write = async (frames: readonly (readonly [FrameKind, Uint8Array])[]): Promise<void> => {
      const bytes = Buffer.concat(frames.map(([kind, payload]) => encodeFrame(kind, payload, checksum)));
      await file.write(bytes, position);
      position += bytes.length;
    };
    const lists = [...names.entries()].map(([number, list]) => [frameKinds.names, encodeNames(number, list)] as const);
    await write([[frameKinds.header, headerOf(this.#init.storeId)], ...lists, [frameKinds.ledger, ledger.snapshot()]]);
    for (let at = 0; at < index.capacity;) {
      const places: RecordPlace[] = [];
      at = index.look(at, placesAtOnce, (place) => places.push(place));
      if (places.length > 0) await write([[frameKinds.places, encodePlaces(places)]]);
      else await new Promise((resolve) => setImmediate(resolve));
    }
    await write([[frameKinds.end, new Uint8Array()]]);
  }

  async #removeBefore(number: number): Promise<void> {
    const { folder } = this.#deps;
    const files = await folder.list();
    for (const old of numbered(files, 'snapshot').filter((one) => one < number)) await folder.remove(snapshotName(old));
    for (const old of numbered(files, 'journal').filter((one) => one < number)) await folder.remove(journalName(old));
  }
}
