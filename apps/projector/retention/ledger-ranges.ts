import { nodeLedgerHash } from '#adapters/ledger';
import { hashLeaf, type SegmentProof } from '#adapters/sealed-log';
import {
  hashBytes,
  parseCheckpoint,
  rangeParts,
  rangeRoots,
  sameHash,
  tilesFor,
  tileWidth,
  verifyRange,
  type LeafRange,
  type RangeTree,
  type TileSource,
} from '#core/ledger';
import type { StoredRecord } from '#events';
import type { LedgerCheckpoint, LedgerPartition, LedgerProgress, LedgerStore } from '#ports';
import { retentionErrors } from './retention.errors.ts';

/** What the audit ledger says about ranges of a partition. */
export class LedgerRanges {
  readonly #at: LedgerPartition;
  readonly #store: LedgerStore;

  constructor(at: LedgerPartition, store: LedgerStore) {
    this.#at = at;
    this.#store = store;
  }

  /** The newest signed checkpoint; what lies behind it is not sealed. */
  checkpoint(): Promise<LedgerCheckpoint | undefined> {
    return this.#store.checkpoint(this.#at);
  }

  /** Whether the tree begins behind the first record of the partition. */
  async isBegunAnew(): Promise<boolean> {
    return ((await this.#progress())?.beginsAt ?? 0n) > 0n;
  }

  /** Whether the tree has come as far as that offset. */
  async has(offset: bigint): Promise<boolean> {
    return offset < ((await this.#progress())?.position ?? 0n);
  }

  async #progress(): Promise<LedgerProgress | undefined> {
    const { topic, partition } = this.#at;
    return (await this.#store.progress()).find((tree) => tree.topic === topic && tree.partition === partition);
  }

  /** Which leaf a record is, by its offset and its hash. @throws OperatingError `LEDGER_MISMATCH` when it is none */
  async leafOf(record: StoredRecord): Promise<number> {
    const place = await this.#store.placeOf(this.#at, record.offset);
    const [tile] = place === undefined ? [] : await this.#store.tiles(this.#at, [{ level: 0, index: place.index }]);
    const leaf = new Uint8Array(hashBytes);
    hashLeaf(record, nodeLedgerHash, leaf);
    for (let at = 0; tile !== undefined && at < tile.width; at++) {
      if (sameHash(tile.hashes.subarray(at * hashBytes, (at + 1) * hashBytes), leaf)) return tile.index * tileWidth + at;
    }
    throw retentionErrors.notAsSigned(this.#at, `the record at offset ${record.offset} is not the one that the ledger has signed`);
  }

  /**
   * Ties records to what was signed: each of them hashes to its leaf of the signed tree.
   * @throws OperatingError `LEDGER_MISMATCH` when they do not
   */
  async prove(range: RangeTree, { note }: LedgerCheckpoint): Promise<SegmentProof> {
    const { size, root } = parseCheckpoint(note);
    const leaves = range.range;
    const [before, after] = [
      { from: 0, to: leaves.from },
      { from: leaves.to, to: size },
    ] as const;
    const tiles = await this.#tiles([before, leaves, after], size);
    const signed = rangeRoots(leaves, tiles, nodeLedgerHash);
    const roots = range.roots();
    if (signed === undefined || signed.length !== roots.length || !signed.every((one, at) => sameHash(one, roots[at] as Uint8Array)))
      throw retentionErrors.notAsSigned(this.#at, `its records ${leaves.from} to ${leaves.to - 1} are not the ones that the ledger has signed`);
    const proof = { before: rangeRoots(before, tiles, nodeLedgerHash) ?? [], after: rangeRoots(after, tiles, nodeLedgerHash) ?? [] };
    if (!verifyRange(leaves, roots, { size, root }, proof, nodeLedgerHash))
      throw retentionErrors.notAsSigned(this.#at, `the tiles of the ledger do not give the root that was signed for ${size} records`);
    return { checkpoint: note, ...proof };
  }

  async #tiles(ranges: readonly LeafRange[], size: number): Promise<TileSource> {
    const wanted = tilesFor(ranges.flatMap(rangeParts), size);
    const tiles = new Map((await this.#store.tiles(this.#at, wanted)).map(({ level, index, hashes }) => [`${level}/${index}`, hashes]));
    return ({ level, index }) => tiles.get(`${level}/${index}`);
  }
}
