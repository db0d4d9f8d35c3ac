import { ledgerGap, nodeLedgerHash } from '#adapters/ledger';
import { hashLeaf } from '#adapters/sealed-log';
import { hashBytes, idPrint, idPrintBytes, idTimeMs, LedgerTree, sameHash, tileWidth, tileWidthIn, type TreeHead } from '#core/ledger';
import type { StoredRecord } from '#events';
import type { LeafTilePlace, LedgerGrowth, LedgerPartition, LedgerProgress, LedgerStore, LedgerTreeAt, PartitionHead, ReadBatch } from '#ports';
import { ledgerErrors } from './ledger.errors.ts';

/** Where the records of a tile of level 0 are, while it grows. */
interface OpenPlace {
  readonly index: number;
  readonly firstOffset: bigint;
  firstIdMs: number;
  lastIdMs: number;
  /** Room for a whole tile's. */
  readonly prints: Uint8Array;
}

function openPlace({ index, firstOffset, firstIdMs, lastIdMs, idPrints }: LeafTilePlace): OpenPlace {
  const prints = new Uint8Array(tileWidth * idPrintBytes);
  prints.set(idPrints);
  return { index, firstOffset, firstIdMs, lastIdMs, prints };
}

function closedPlace({ index, firstOffset, firstIdMs, lastIdMs, prints }: OpenPlace, size: number): LeafTilePlace {
  return { index, firstOffset, firstIdMs, lastIdMs, idPrints: prints.slice(0, tileWidthIn(size, { level: 0, index }) * idPrintBytes) };
}

/** The tree of one partition, as far as it has to be in memory: its right edge. */
export class PartitionLedger {
  readonly #place: LedgerPartition;
  readonly #epoch: bigint;
  readonly #tree: LedgerTree;
  readonly #last = new Uint8Array(hashBytes);
  /** Of the tiles of level 0 that changed, and the one at the edge. */
  readonly #places = new Map<number, OpenPlace>();
  #beginsAt: bigint;
  #position: bigint;
  #lastOffset: bigint | undefined;
  #givenSize: number;

  private constructor(at: LedgerPartition, epoch: bigint, progress: LedgerProgress, tree: LedgerTree) {
    this.#place = { topic: at.topic, partition: at.partition };
    this.#beginsAt = progress.beginsAt;
    this.#epoch = epoch;
    this.#tree = tree;
    this.#position = progress.position;
    this.#lastOffset = progress.lastOffset;
    this.#givenSize = progress.size;
  }

  /**
   * Takes a partition over, as the ledger left it.
   * @throws OperatingError `LEDGER_FENCED`, `LEDGER_INCOMPLETE`
   */
  static async claim(at: LedgerPartition, epoch: bigint, store: LedgerStore): Promise<PartitionLedger> {
    const progress = await store.claim(at, epoch);
    const { size } = progress;
    const wanted: Array<{ level: number; index: number }> = [];
    for (let level = 0, hashes = size; hashes > 0; level++, hashes = Math.floor(hashes / tileWidth))
      wanted.push({ level, index: Math.floor(hashes / tileWidth) });
    // The last leaf may stand in a tile that is full.
    if (size > 0) wanted.push({ level: 0, index: Math.floor((size - 1) / tileWidth) });
    const tiles = new Map((await store.tiles(at, wanted)).map((tile) => [`${tile.level}/${tile.index}`, tile.hashes]));
    const tree = LedgerTree.from(size, ({ level, index }) => tiles.get(`${level}/${index}`), nodeLedgerHash);
    const last = tiles.get(`0/${Math.floor((size - 1) / tileWidth)}`);
    if (tree === undefined || (size > 0 && last === undefined)) throw ledgerErrors.treeIncomplete(at);
    const ledger = new PartitionLedger(at, epoch, progress, tree);
    const place = size % tileWidth === 0 ? undefined : await store.place(at, Math.floor(size / tileWidth));
    if (place !== undefined) ledger.#places.set(place.index, openPlace(place));
    if (last !== undefined) ledger.#remember(last, ((size - 1) % tileWidth) * hashBytes);
    return ledger;
  }

  get at(): LedgerTreeAt {
    return { ...this.#place, beginsAt: this.#beginsAt };
  }

  get size(): number {
    return this.#tree.size;
  }

  get progress(): LedgerProgress {
    return { ...this.#place, beginsAt: this.#beginsAt, size: this.size, position: this.#position, lastOffset: this.#lastOffset };
  }

  /** Offset of the first record that is not in the tree. */
  get position(): bigint {
    return this.#position;
  }

  /**
   * Where to read: at the last record that is in the tree, as long as the log holds it, to see that it is still the one.
   * @throws OperatingError `LEDGER_LOG_CHANGED` when the log ends before it, `LEDGER_GAP` when it begins behind what comes next.
   */
  from({ low, high }: PartitionHead): bigint {
    const gap = ledgerGap(this.progress, { low });
    // Signed all the same, the tree would be another one than whoever has seen more of the log knows.
    if (gap !== undefined) throw ledgerErrors.gap(gap);
    if (high < this.#position) throw ledgerErrors.logChanged(this.at, `offset ${high} is next, but ${this.#position} was`);
    if (this.#lastOffset !== undefined && this.#lastOffset >= low) return this.#lastOffset;
    // Of a log that has forgotten its beginning a tree is another one than those that have it, and has another origin.
    if (this.size === 0 && low > this.#position) [this.#beginsAt, this.#position] = [low, low];
    return this.#position;
  }

  /**
   * Takes records into the tree.
   * @throws OperatingError `LEDGER_LOG_CHANGED` when the last record that is in it is not there any more.
   */
  take(from: bigint, { records, next }: ReadBatch): void {
    const overlaps = from === this.#lastOffset;
    if (overlaps) this.#checkLast(records[0]);
    for (let number = overlaps ? 1 : 0; number < records.length; number++) this.#append(records[number] as StoredRecord);
    if (next > this.#position) this.#position = next;
  }

  #checkLast(record: StoredRecord | undefined): void {
    if (record === undefined || record.offset !== this.#lastOffset) throw ledgerErrors.logChanged(this.at, `the record at offset ${this.#lastOffset} is gone`);
    const hash = new Uint8Array(hashBytes);
    hashLeaf(record, nodeLedgerHash, hash);
    if (!sameHash(hash, this.#last)) throw ledgerErrors.logChanged(this.at, `the record at offset ${record.offset} is another one`);
  }

  #append(record: StoredRecord): void {
    const index = Math.floor(this.#tree.size / tileWidth);
    const id = record.headers['ce_id'] ?? '';
    const idMs = idTimeMs(id);
    const place = this.#places.get(index) ?? this.#begin(index, record.offset, idMs);
    if (idMs < place.firstIdMs) place.firstIdMs = idMs;
    if (idMs > place.lastIdMs) place.lastIdMs = idMs;
    const print = idPrint(id);
    const at = (this.#tree.size % tileWidth) * idPrintBytes;
    place.prints[at] = print >>> 8;
    place.prints[at + 1] = print & 0xff;
    hashLeaf(record, nodeLedgerHash, this.#last);
    this.#tree.appendHash(this.#last);
    this.#lastOffset = record.offset;
  }

  #begin(index: number, firstOffset: bigint, idMs: number): OpenPlace {
    const place = { index, firstOffset, firstIdMs: idMs, lastIdMs: idMs, prints: new Uint8Array(tileWidth * idPrintBytes) };
    this.#places.set(index, place);
    return place;
  }

  #remember(hashes: Uint8Array, at: number): void {
    for (let byte = 0; byte < hashBytes; byte++) this.#last[byte] = hashes[at + byte] as number;
  }

  /** What is new since this was last asked; undefined when nothing is. */
  growth(): LedgerGrowth | undefined {
    const { size } = this.#tree;
    if (size === this.#givenSize) return undefined;
    const growth: LedgerGrowth = {
      ...this.#place,
      beginsAt: this.#beginsAt,
      fromSize: this.#givenSize,
      size,
      position: this.#position,
      lastOffset: this.#lastOffset,
      epoch: this.#epoch,
      tiles: this.#tree.takeChanged(),
      places: [...this.#places.values()].map((place) => closedPlace(place, size)),
    };
    // The one at the edge goes on.
    for (const index of this.#places.keys()) if (tileWidthIn(size, { level: 0, index }) === tileWidth) this.#places.delete(index);
    this.#givenSize = size;
    return growth;
  }

  /** Size and root of the tree as it is now. */
  head(): TreeHead {
    return { size: this.#tree.size, root: this.#tree.root() };
  }
}
