import { decodeRecord, encodeRecord, GhostList, hashKey, recordBytes, RecordIndex, type Checksum, type ReadRecord, type RecordPlace } from '#core/edge-store';
import { matchesVariant } from '#core/http-cache';
import { BoundedMemo } from '../cache/bounded-memo.ts';
import { CachedObject } from '../cache/cached-object.ts';
import { HitHead } from '../cache/hit-head.ts';
import type { BytesOf, KeepBytes, LendBytes } from '../server/exchange.ts';
import type { PurgeJournal } from '../purge/purge-journal.ts';
import type { DiskStatus, DiskTier, KeptLedger, Varying } from './disk-tier.ts';
import { loadStore, numbered } from './load-store.ts';
import { NameLists } from './name-lists.ts';
import { decodeHead, encodeHead, type RecordHead } from './object-record.ts';
import { ReadBuffers } from './read-buffers.ts';
import { ReadGate } from './read-gate.ts';
import { Segments, segmentNumber } from './segments.ts';
import { faultOf, type StoreFolder } from './store-folder.ts';
import { StoreJournal } from './store-journal.ts';
import { WriteQueue } from './write-queue.ts';

export interface DiskStoreInit {
  /** Hard bound for all segments together, bytes; eviction begins at 90 % of it. */
  readonly bytesMax: number;
  readonly segmentBytes: number;
  /** Objects at most; each takes 35 bytes of memory. */
  readonly objectsMax: number;
  /** Keys remembered that were asked for once. */
  readonly ghostsMax: number;
  readonly objectBytesMax: number;
  /** What is good for less than that is not worth a write, ms. */
  readonly lifetimeMinMs: number;
  readonly journalBytesMax: number;
  readonly readTimeoutMs: number;
  /** After the disk was full, nothing is written for so long, ms. */
  readonly pauseMs: number;
  /** So many faults of the disk in a row, and it is used no more. */
  readonly faultsMax: number;
}

export interface DiskStoreDeps {
  readonly folder: StoreFolder;
  readonly checksum: Checksum;
  readonly keep: KeepBytes;
  /** For bytes that are sent once. */
  readonly lend: LendBytes;
  readonly bytesOf: BytesOf;
  readonly now: () => number;
  readonly newId: () => string;
  /** Is kept together with the objects, so that it can judge them after a restart. */
  readonly ledger: KeptLedger;
  readonly onTrouble: (what: string, error: unknown) => void;
}

const indexShare = 0.85;
const readsMax = 1024;
/** What may be on its way from the disk at once: it is in no other account yet. */
const readingBytesMax = 128 * 1024 * 1024;
/** What can be revalidated is of use for longer than it is fresh, ms. */
const validatorsWorthMs = 7 * 86_400_000;
const secondMs = 1000;
/** Heads of records that were read lately, decoded: about a kilobyte each. */
const headsMax = 8192;
/** Between two words on damaged records, ms. */
const damageToldMs = 60_000;
const newestSecond = 0xffff_ffff;

/** The head of a record, read and decoded. */
interface KnownHead {
  /** By which it is known again. */
  readonly headSum: number;
  readonly head: RecordHead;
  readonly hitHead: HitHead;
}

/** The disk tier: segments that are only appended to, an index in memory, a journal. */
export class DiskStore implements DiskTier {
  readonly #init: DiskStoreInit;
  readonly #deps: DiskStoreDeps;
  readonly #index: RecordIndex;
  readonly #names: NameLists;
  readonly #ghosts: GhostList;
  readonly #segments: Segments;
  readonly #gate: ReadGate;
  readonly #buffers = new ReadBuffers();
  /** By place, which never holds another record. */
  readonly #heads = new BoundedMemo<KnownHead, number>(headsMax, Number.POSITIVE_INFINITY);
  readonly #reading = new Map<string, Promise<CachedObject | undefined>>();
  readonly #queue: WriteQueue;
  #journal: StoreJournal;
  #state: 'on' | 'off' = 'on';
  #reason: string | undefined;
  #faultsInRow = 0;
  #faults = 0;
  #damages = 0;
  #tellsDamageAtMs = 0;
  #hits = 0;
  #readingBytes = 0;

  private constructor(init: DiskStoreInit, deps: DiskStoreDeps) {
    this.#init = init;
    this.#deps = deps;
    this.#index = new RecordIndex(Math.ceil(init.objectsMax / indexShare));
    this.#names = new NameLists((number, list) => this.#journal.newNames(number, list));
    this.#ghosts = new GhostList(init.ghostsMax);
    this.#segments = new Segments(deps.folder);
    this.#gate = new ReadGate({ readsMax, timeoutMs: init.readTimeoutMs });
    this.#journal = this.#newJournal(deps.newId());
    this.#queue = new WriteQueue(init, {
      ...{ segments: this.#segments, index: this.#index, now: deps.now },
      journal: () => this.#journal,
      read: (place) => this.#segments.read(place),
      checksum: deps.checksum,
      encode: (object) => this.#encode(object),
      isWanted: (object) => object.atDisk !== 'void' && deps.ledger.judge(object, object.generation).kind !== 'purged',
      onFault: (what, error) => this.#fault(what, error),
      onFull: (error) => deps.onTrouble('the disk is full: what is new stays in memory, until there is room', error),
    });
  }

  /** Takes over what an earlier process left, if it can be relied on; else begins with nothing. Never fails: a folder that is no good leaves a store that is off. */
  static async open(init: DiskStoreInit, deps: DiskStoreDeps): Promise<DiskStore> {
    const store = new DiskStore(init, deps);
    try {
      await store.#load();
    } catch (error) {
      store.#turnOff('the store cannot be opened', error);
    }
    return store;
  }

  get journal(): PurgeJournal {
    return this.#journal;
  }

  filled(object: CachedObject): void {
    if (this.#state === 'off') return;
    const hash = hashKey(object.key);
    const mark = this.#names.markOf(object.response.variant);
    if (mark !== undefined)
      this.#drop(
        hash,
        this.#index.find(hash, (names, variant) => names === mark.names && variant === mark.variant),
      );
    if (this.#ghosts.seen(hash)) this.used(object);
  }

  used(object: CachedObject): void {
    object.atDisk = 'asked';
    if (this.#state === 'off' || object.body.size > this.#init.objectBytesMax) return;
    if (this.#uselessAtMs(object) - this.#deps.now() < this.#init.lifetimeMinMs) return;
    this.#queue.push(object);
  }

  mayHold(key: string): boolean {
    return this.#state === 'on' && this.#index.has(hashKey(key));
  }

  async recall(key: string, request: Varying): Promise<CachedObject | undefined> {
    if (this.#state === 'off' || !this.#gate.open) return undefined;
    const hash = hashKey(key);
    const place = this.#index.find(hash, (names, variant) => this.#names.fits(request, names, variant));
    if (place === undefined) return undefined;
    if (place.uselessAtS * secondMs < this.#deps.now()) return this.#drop(hash, place);
    const id = `${place.segment} ${place.offset}`;
    let reading = this.#reading.get(id);
    if (reading === undefined) {
      if (this.#readingBytes + place.length > readingBytesMax) return undefined;
      reading = this.#begin(id, place);
    }
    const object = await reading.catch(() => undefined);
    // Another key or variant may share the hash.
    if (object === undefined || object.key !== key || !matchesVariant(object.response.variant, request)) return undefined;
    this.#index.visit(place);
    this.#hits++;
    return object;
  }

  recallNow(key: string, request: Varying, stays: boolean): CachedObject | undefined {
    if (this.#state === 'off') return undefined;
    const hash = hashKey(key);
    const place = this.#index.find(hash, (names, variant) => this.#names.fits(request, names, variant));
    if (place === undefined || place.uselessAtS * secondMs < this.#deps.now()) return undefined;
    const object = stays ? this.#objectNow(place) : this.#lentNow(place);
    if (object === undefined || object.key !== key || !matchesVariant(object.response.variant, request)) return undefined;
    this.#index.visit(place);
    this.#hits++;
    return object;
  }

  /** What is not as it was written is left to the read that waits: it is read again, and given up. */
  #objectNow(place: RecordPlace): CachedObject | undefined {
    // Need not be cleared: it is filled, or not used.
    const bytes = Buffer.allocUnsafeSlow(place.length);
    return this.#segments.readNow(place, bytes) ? this.#objectOf(place, bytes, this.#deps.keep) : undefined;
  }

  /** The same for one answer. */
  #lentNow(place: RecordPlace): CachedObject | undefined {
    const buffer = this.#buffers.take(place.length);
    const bytes = buffer.subarray(0, place.length);
    const giveBack = (): void => this.#buffers.giveBack(buffer);
    const object = this.#segments.readNow(place, bytes) ? this.#objectOf(place, bytes, (body) => this.#deps.lend(body, giveBack)) : undefined;
    if (object === undefined) giveBack();
    return object;
  }

  forget(object: CachedObject): void {
    object.atDisk = 'void';
    if (this.#state === 'off') return;
    const hash = hashKey(object.key);
    const mark = this.#names.markOf(object.response.variant);
    if (mark !== undefined)
      this.#drop(
        hash,
        this.#index.find(hash, (names, variant) => names === mark.names && variant === mark.variant),
      );
  }

  purge(key: string): number {
    if (this.#state === 'off') return 0;
    const hash = hashKey(key);
    const count = this.#index.removeKey(hash);
    if (count > 0) this.#journal.keyGone(hash);
    return count;
  }

  purgeAll(): number {
    const { size } = this.#index;
    if (size === 0) return 0;
    this.#index.clear();
    this.#journal.allGone();
    this.#queue.dropSegments();
    return size;
  }

  flush(): Promise<void> {
    return this.#journal.flush();
  }

  status(): DiskStatus {
    const paused = this.#queue.paused;
    return {
      state: this.#state === 'off' ? 'off' : paused ? 'paused' : 'on',
      reason: this.#reason ?? (paused ? 'the disk is full' : undefined),
      objects: this.#index.size,
      bytes: this.#segments.bytes,
      bytesMax: this.#init.bytesMax,
      segments: this.#segments.count,
      hits: this.#hits,
      written: this.#queue.written,
      faults: this.#faults,
    };
  }

  /** Resolves when nothing waits to be written. */
  settled(): Promise<void> {
    return this.#queue.settled();
  }

  /** Writes down what there is, for a quick start. Never fails: what cannot be written is not needed by a successor that knows its name. */
  async close(): Promise<void> {
    await this.#queue.close();
    if (this.#state === 'on') {
      await this.#journal.flush();
      await this.#journal.snapshot();
    }
    await this.#journal.close();
    await this.#segments.close();
    await this.#deps.folder.close().catch((error: unknown) => this.#deps.onTrouble('the folder of the store cannot be closed', error));
  }

  async #load(): Promise<void> {
    const { checksum, folder, ledger } = this.#deps;
    const loaded = await loadStore({ folder, checksum, ledger, index: this.#index, names: this.#names });
    if (loaded === undefined) {
      this.#index.clear();
      await this.#removeAll();
    } else {
      this.#journal = this.#newJournal(loaded.storeId);
      for (const [number, bytes] of loaded.segments) this.#segments.adopt(number, bytes);
    }
    await this.#journal.begin(loaded?.journals ?? 0);
    // The snapshot makes the new journal one that counts.
    const snapshot = this.#journal.snapshot();
    if (loaded === undefined) await snapshot;
  }

  async #removeAll(): Promise<void> {
    const { folder } = this.#deps;
    const files = await folder.list();
    // Snapshots first: without one, the rest is nothing.
    const order = [...numbered(files, 'snapshot').map((number) => `snapshot-${number}`), ...files.map(({ name }) => name)];
    for (const name of new Set(order))
      if (/^(snapshot|journal|segment)-\d+(\.dat|\.new)?$/.test(name) || segmentNumber(name) !== undefined) await folder.remove(name);
  }

  #newJournal(storeId: string): StoreJournal {
    const { checksum, folder, ledger } = this.#deps;
    const { journalBytesMax } = this.#init;
    return new StoreJournal(
      { storeId, journalBytesMax },
      {
        ...{ folder, checksum, ledger, index: this.#index, names: this.#names },
        makeRoom: () => this.#queue.makeRoom(),
        onFault: (error) => this.#turnOff('the journal of the store cannot be written', error),
      },
    );
  }

  #begin(id: string, place: RecordPlace): Promise<CachedObject | undefined> {
    this.#readingBytes += place.length;
    const reading = this.#gate.pass(() => this.#read(place).finally(() => (this.#readingBytes -= place.length))).finally(() => this.#reading.delete(id));
    this.#reading.set(id, reading);
    return reading;
  }

  async #read(place: RecordPlace): Promise<CachedObject | undefined> {
    let bytes: Uint8Array | undefined;
    try {
      bytes = await this.#segments.read(place);
    } catch (error) {
      this.#fault('a record cannot be read', error);
      return this.#drop(place.hash, place);
    }
    this.#faultsInRow = 0;
    const object = bytes === undefined ? undefined : this.#objectOf(place, bytes, this.#deps.keep);
    if (object !== undefined) return object;
    // What was evicted meanwhile is not in the index any more; what is was damaged, or never came to the disk.
    if (this.#index.holds(place)) this.#damaged();
    return this.#drop(place.hash, place);
  }

  /** Undefined when anything about the record is not as it was written. */
  #objectOf(place: RecordPlace, bytes: Uint8Array, keep: KeepBytes): CachedObject | undefined {
    const record = decodeRecord(bytes, this.#deps.checksum);
    if (record === undefined) return undefined;
    const { head, hitHead } = this.#headOf(place, record);
    const object = new CachedObject(head, keep(record.body), hitHead);
    object.atDisk = 'asked';
    return object;
  }

  /** What its bytes were found to say the last time, as long as they are the same. */
  #headOf({ offset, segment }: RecordPlace, { head, headSum }: ReadRecord): KnownHead {
    const at = segment * 2 ** 32 + offset;
    const known = this.#heads.get(at, 0);
    if (known !== undefined && known.headSum === headSum) return known;
    const decoded = { headSum, head: decodeHead(head), hitHead: new HitHead() };
    this.#heads.set(at, decoded, 0);
    return decoded;
  }

  #drop(hash: RecordPlace['hash'], place: RecordPlace | undefined): undefined {
    if (place !== undefined && this.#index.remove({ ...place, hash })) this.#journal.gone(place);
  }

  async #encode(object: CachedObject): Promise<{ readonly bytes: Uint8Array; readonly place: Omit<RecordPlace, 'segment' | 'offset'> } | undefined> {
    const mark = this.#names.markOf(object.response.variant);
    if (mark === undefined) return undefined;
    const uselessAtS = Math.min(newestSecond, Math.ceil(this.#uselessAtMs(object) / secondMs));
    const parts = { head: encodeHead(object), body: await this.#deps.bytesOf(object.body) };
    const bytes = new Uint8Array(recordBytes(parts));
    encodeRecord(parts, bytes, 0, this.#deps.checksum);
    return { bytes, place: { ...mark, hash: hashKey(object.key), length: bytes.length, uselessAtS } };
  }

  #uselessAtMs({ response: { freshness, validators } }: CachedObject): number {
    const validated = validators.etag !== undefined || validators.lastModified !== undefined;
    const kept = Math.max(freshness.freshUntilMs, freshness.staleWhileRevalidateUntilMs, freshness.staleIfErrorUntilMs);
    // What is stale at once is no better from the disk, whatever it can be revalidated with.
    const lifetimeMs = freshness.freshUntilMs - this.#deps.now();
    return validated && lifetimeMs >= this.#init.lifetimeMinMs ? Math.max(kept, freshness.freshUntilMs + validatorsWorthMs) : freshness.freshUntilMs;
  }

  /** Told of the first, and then of how many there were, once a minute. */
  #damaged(): void {
    this.#faults++;
    this.#damages++;
    const nowMs = this.#deps.now();
    if (nowMs < this.#tellsDamageAtMs) return;
    this.#tellsDamageAtMs = nowMs + damageToldMs;
    this.#deps.onTrouble(`damaged records on the disk are left out, and the origin is asked again: ${this.#damages} so far`, undefined);
  }

  #fault(what: string, error: unknown): void {
    this.#faults++;
    this.#faultsInRow++;
    if (this.#faultsInRow >= this.#init.faultsMax) this.#turnOff(what, error);
    else this.#deps.onTrouble(`${what}: ${faultOf(error)}`, error);
  }

  /** The memory goes on alone. The name of the store is gone before anything else: no offset is stored with it any more. */
  #turnOff(what: string, error: unknown): void {
    if (this.#state === 'off') return;
    this.#state = 'off';
    this.#reason = `${what}: ${faultOf(error)}`;
    this.#journal.withdraw();
    this.#index.clear();
    this.#queue.stop();
    // Whatever of it can still be removed cannot be found by a successor either.
    void this.#removeAll().catch(() => undefined);
    this.#deps.onTrouble(`the disk is used no more, the memory goes on alone: ${this.#reason}`, error);
  }
}
