import { evictAboveShare } from '#core/eviction';
import { decodeRecord, type Checksum, type RecordIndex, type RecordPlace } from '#core/edge-store';
import type { CachedObject } from '../cache/cached-object.ts';
import type { Segments } from './segments.ts';
import { faultOf } from './store-folder.ts';
import type { StoreJournal } from './store-journal.ts';

export interface WriteQueueInit {
  readonly bytesMax: number;
  readonly segmentBytes: number;
  readonly pauseMs: number;
}

export interface Encoded {
  readonly bytes: Uint8Array;
  readonly place: Omit<RecordPlace, 'segment' | 'offset'>;
}

export interface WriteQueueDeps {
  readonly segments: Segments;
  readonly index: RecordIndex;
  readonly journal: () => StoreJournal;
  readonly read: (place: RecordPlace) => Promise<Uint8Array | undefined>;
  readonly checksum: Checksum;
  readonly encode: (object: CachedObject) => Promise<Encoded | undefined>;
  /** False for what was purged, replaced or found outdated meanwhile. */
  readonly isWanted: (object: CachedObject) => boolean;
  readonly now: () => number;
  readonly onFault: (what: string, error: unknown) => void;
  /** The disk is full; not told again before something could be written. */
  readonly onFull: (error: unknown) => void;
}

/** What waits to be written: beyond that, objects are not written and may be another time. */
const waitingMax = 1024;
const waitingBytesMax = 64 * 1024 * 1024;
const batchBytes = 1024 * 1024;
/** Of an evicted segment, so much is written again at most: else a disk full of visited objects would only copy itself. */
const carriedShare = 0.5;
/** Places looked at before others get a turn. */
const placesAtOnce = 65_536;

interface Writing extends Encoded {
  readonly isWanted: () => boolean;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Writes records behind the answers: one writer, in batches; makes room by evicting the oldest segment. */
export class WriteQueue {
  written = 0;
  readonly #init: WriteQueueInit;
  readonly #deps: WriteQueueDeps;
  #waiting: CachedObject[] = [];
  #waitingBytes = 0;
  #working: Promise<void> | undefined;
  #stopped = false;
  #pausedUntilMs = 0;
  #isFull = false;
  #dropBefore = 0;

  constructor(init: WriteQueueInit, deps: WriteQueueDeps) {
    this.#init = init;
    this.#deps = deps;
  }

  get paused(): boolean {
    return this.#deps.now() < this.#pausedUntilMs;
  }

  push(object: CachedObject): void {
    if (this.#stopped || this.paused) return;
    if (this.#waiting.length >= waitingMax || this.#waitingBytes + object.body.size > waitingBytesMax) {
      // There will be another use, and perhaps room.
      object.atDisk = 'no';
      return;
    }
    this.#waiting.push(object);
    this.#waitingBytes += object.body.size;
    this.#start();
  }

  /** Everything that is there now goes, behind whatever is being written. */
  dropSegments(): void {
    const { segments } = this.#deps;
    segments.seal();
    this.#dropBefore = segments.last + 1;
    this.#start();
  }

  async settled(): Promise<void> {
    while (this.#working !== undefined) await this.#working;
  }

  async close(): Promise<void> {
    this.stop();
    await this.settled();
  }

  stop(): void {
    this.#stopped = true;
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  /** Gives up the oldest segment at once, for a journal that has no room. */
  async makeRoom(): Promise<boolean> {
    const { oldest } = this.#deps.segments;
    if (oldest === undefined) return false;
    try {
      await this.#removeSegment(oldest);
      return true;
    } catch {
      return false;
    }
  }

  #start(): void {
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
      if (this.#waiting.length > 0) this.#start();
    });
  }

  async #work(): Promise<void> {
    // What comes in the same turn goes into the same batch.
    await turn();
    try {
      await this.#dropOld();
      while (this.#waiting.length > 0) await this.#writeBatch(await this.#batch());
      this.#isFull = false;
    } catch (error) {
      this.#waiting = [];
      this.#waitingBytes = 0;
      this.#deps.segments.seal();
      await this.#failed(error);
    }
  }

  /** A full disk is no fault of its own: room is made, and nothing is written for a while. */
  async #failed(error: unknown): Promise<void> {
    if (faultOf(error) !== 'ENOSPC' && faultOf(error) !== 'EDQUOT') return this.#deps.onFault('a segment cannot be written', error);
    if (!this.#isFull) this.#deps.onFull(error);
    this.#isFull = true;
    this.#pausedUntilMs = this.#deps.now() + this.#init.pauseMs;
    await this.makeRoom();
  }

  async #batch(): Promise<Writing[]> {
    const batch: Writing[] = [];
    for (let bytes = 0; bytes < batchBytes;) {
      const object = this.#waiting.shift();
      if (object === undefined) break;
      this.#waitingBytes -= object.body.size;
      const isWanted = (): boolean => this.#deps.isWanted(object);
      const encoded = isWanted() ? await this.#deps.encode(object) : undefined;
      if (encoded === undefined || encoded.bytes.length > this.#init.segmentBytes) continue;
      batch.push({ ...encoded, isWanted });
      bytes += encoded.bytes.length;
    }
    return batch;
  }

  async #writeBatch(batch: readonly Writing[]): Promise<void> {
    if (batch.length === 0) return;
    const bytes = Buffer.concat(batch.map((one) => one.bytes));
    await this.#makeSpace(bytes.length);
    if (this.#stopped) return;
    const { segment, offset } = await this.#deps.segments.append(bytes);
    if (this.#stopped || segment < this.#dropBefore) return;
    await this.#register(batch, segment, offset);
  }

  async #register(batch: readonly Writing[], segment: number, offset: number): Promise<void> {
    const { index, journal } = this.#deps;
    const places: RecordPlace[] = [];
    let at = offset;
    for (const { bytes, isWanted, place } of batch) {
      const here = { ...place, segment, offset: at };
      at += bytes.length;
      if (index.full || !isWanted()) continue;
      index.put(here);
      places.push(here);
    }
    if (places.length > 0) await journal().places(places);
    this.written += places.length;
  }

  /** Seals a segment that is full, and evicts from 90 % on; what was used of the evicted goes to the new end. */
  async #makeSpace(bytes: number): Promise<void> {
    const { index, segments } = this.#deps;
    const { bytesMax, segmentBytes } = this.#init;
    if ((segments.openBytes ?? 0) + bytes > segmentBytes) segments.seal();
    while (segments.bytes + bytes > bytesMax * evictAboveShare || index.full) {
      if (segments.oldest === undefined) segments.seal();
      const { oldest } = segments;
      if (oldest === undefined) return;
      await this.#evict(oldest);
    }
  }

  /**
   * What was used is written to the new end before the old is given up, so that there is no moment at which a purge would
   * not find it.
   */
  async #evict(number: number): Promise<void> {
    const { segments } = this.#deps;
    const carried = await this.#visitedOf(number);
    if (carried.length > 0) {
      const bytes = Buffer.concat(carried.map((one) => one.bytes));
      if ((segments.openBytes ?? 0) + bytes.length > this.#init.segmentBytes) segments.seal();
      const { segment, offset } = await segments.append(bytes);
      if (!this.#stopped && segment >= this.#dropBefore) await this.#register(carried, segment, offset);
    }
    await this.#removeSegment(number);
  }

  /** The records of a segment that were used since they were written and are still good, up to the share that may be carried on. */
  async #visitedOf(number: number): Promise<Writing[]> {
    const { checksum, index, now, read, segments } = this.#deps;
    const visited: RecordPlace[] = [];
    for (let at = 0; at < index.capacity;) {
      at = index.look(at, placesAtOnce, (place) => index.isVisited(place) && visited.push(place), number);
      await turn();
    }
    const carried: Writing[] = [];
    let left = segments.sizeOf(number) * carriedShare;
    for (const place of visited) {
      if (place.uselessAtS * 1000 < now() || place.length > left) continue;
      const bytes = await read(place);
      if (bytes === undefined || decodeRecord(bytes, checksum) === undefined) continue;
      left -= place.length;
      carried.push({ bytes, place, isWanted: () => index.holds(place) });
    }
    return carried;
  }

  async #removeSegment(number: number): Promise<void> {
    const { index, journal, segments } = this.#deps;
    for (let at = 0; at < index.capacity;) {
      at = index.sweep(at, placesAtOnce, (segment) => segment === number);
      await turn();
    }
    journal().segmentGone(number);
    await segments.remove(number);
  }

  async #dropOld(): Promise<void> {
    const { segments } = this.#deps;
    for (let { oldest } = segments; oldest !== undefined && oldest < this.#dropBefore; { oldest } = segments) await segments.remove(oldest);
  }
}
