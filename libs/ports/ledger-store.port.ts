import type { ProjectionPartition } from './projection-partition.ts';

/** A partition whose records a tree holds. */
export type LedgerPartition = ProjectionPartition;

/** The tree of a partition. */
export interface LedgerTreeAt extends LedgerPartition {
  /** Offset at which it begins, where what was before is gone: then it is another tree than that of the whole partition. Else 0, or left out. */
  readonly beginsAt?: bigint | undefined;
}

/** How far the ledger has come in a partition. */
export interface LedgerProgress extends LedgerTreeAt {
  readonly beginsAt: bigint;
  /** Records in the tree. */
  readonly size: number;
  /** Where to read on. */
  readonly position: bigint;
  /** Offset of the last record in the tree; undefined before the first. */
  readonly lastOffset: bigint | undefined;
}

/** 256 hashes of a level of the tree, or fewer at its right edge (C2SP tlog-tiles). */
export interface LedgerTile {
  /** 0 holds hashes of records. */
  readonly level: number;
  readonly index: number;
  readonly width: number;
  /** 32 bytes each. */
  readonly hashes: Uint8Array;
}

/** Which records a tile of level 0 holds. */
export interface LeafTilePlace {
  readonly index: number;
  /** Of its first record. */
  readonly firstOffset: bigint;
  /** The earliest and the latest time that ids of its records name, ms since the Unix epoch; 0 for an id without one. */
  readonly firstIdMs: number;
  readonly lastIdMs: number;
  /** Two bytes of a hash of each record's id, in the order of the records: finds a record by its id without reading the log. */
  readonly idPrints: Uint8Array;
}

/** What a partition's tree has grown by. */
export interface LedgerGrowth extends LedgerProgress {
  /** Compare-and-swap: the size that the tree must still have, and the epoch under which it was claimed. */
  readonly fromSize: number;
  readonly epoch: bigint;
  /** Every tile that changed; a full one comes for the last time. */
  readonly tiles: readonly LedgerTile[];
  /** Of the tiles of level 0 among them, as they are now. */
  readonly places: readonly LeafTilePlace[];
}

export interface LedgerCheckpoint extends LedgerPartition {
  readonly size: number;
  /** The signed note. */
  readonly note: string;
}

/** A leaf's tile: by its index, or by the offset of a record in it. */
export type LeafTileAt = { readonly index: number } | { readonly offset: bigint };

/** What a proof about a leaf is made of, all as of one moment. */
export interface LedgerEvidence {
  /** The leaf's tile of level 0; undefined when the tree has none. */
  readonly place: Pick<LeafTilePlace, 'index' | 'firstOffset'> | undefined;
  /** The checkpoint of the greatest size. */
  readonly checkpoint: LedgerCheckpoint | undefined;
  /** That tile, those above it, and those at the right edge of the signed tree, as far as they are there. */
  readonly tiles: readonly LedgerTile[];
}

/** The key of a witness, as it said it first. */
export interface LedgerWitness {
  /** The edge that it is. */
  readonly edgeId: string;
  /** C2SP signed-note. */
  readonly verifierKey: string;
}

/**
 * The audit ledger: a Merkle tree per partition in tiles, and what was signed of it. Tiles and progress move together, so
 * that every record is in the tree once, whatever process dies when.
 */
export abstract class LedgerStore {
  /**
   * How far the ledger has come; nowhere, for a partition that it does not know. From now on the growth of older epochs is refused.
   * @throws OperatingError `LEDGER_FENCED` when a greater epoch has claimed it.
   */
  abstract claim(at: LedgerPartition, epoch: bigint): Promise<LedgerProgress>;
  /**
   * Writes the growth of several trees: all of it or nothing.
   * @throws OperatingError `LEDGER_FENCED` when size or epoch of any of them are not as expected.
   */
  abstract grow(growths: readonly LedgerGrowth[]): Promise<void>;
  /**
   * Gives up a tree, its tiles and what was signed of it, for one that begins at that offset.
   * @returns false where it is not as large any more: somebody was first
   */
  abstract beginAnew(tree: LedgerPartition & { readonly size: number }, beginsAt: bigint): Promise<boolean>;
  /** Every tree, by topic and partition. */
  abstract progress(): Promise<readonly LedgerProgress[]>;
  /** The tiles asked for, as far as they are there, in no order. */
  abstract tiles(at: LedgerPartition, tiles: ReadonlyArray<Pick<LedgerTile, 'level' | 'index'>>): Promise<readonly LedgerTile[]>;
  /** A tile of level 0 by its index; undefined when there is none. */
  abstract place(at: LedgerPartition, index: number): Promise<LeafTilePlace | undefined>;
  /** The tile of level 0 that holds the record at that offset, if any does: the last one that begins there or before. */
  abstract placeOf(at: LedgerPartition, offset: bigint): Promise<LeafTilePlace | undefined>;
  /** All that an inclusion proof of a leaf takes, at once: it is asked for with somebody waiting. */
  abstract evidence(at: LedgerPartition, leaf: LeafTileAt): Promise<LedgerEvidence>;
  /** The tiles of level 0 that may hold a record whose id names that time, oldest first; 0 for an id that names none. */
  abstract placesAt(idMs: number, limit: number): Promise<ReadonlyArray<LedgerPartition & LeafTilePlace>>;
  /** Keeps checkpoints; one of a size that has one already takes its place, because it carries more signatures. */
  abstract keep(checkpoints: readonly LedgerCheckpoint[]): Promise<void>;
  /** The checkpoint of the greatest size; undefined when there is none. */
  abstract checkpoint(at: LedgerPartition): Promise<LedgerCheckpoint | undefined>;
  /** The newest checkpoints, the largest first: the last of every hour is kept for ever, all of the last hour. */
  abstract checkpoints(at: LedgerPartition, limit: number): Promise<readonly LedgerCheckpoint[]>;
  /** How many keys the ledger has had; the last of them signs. At least 1. */
  abstract keyCount(): Promise<number>;
  /** One key more, if there are `count` now; false when somebody else was first. */
  abstract addKey(count: number): Promise<boolean>;
  /** Keeps the list of the first `count` keys, signed by all of them. */
  abstract keepKeyList(count: number, note: string): Promise<void>;
  /** The signed list of the most keys that there is; undefined before the first. */
  abstract keyList(): Promise<string | undefined>;
  /** Keeps the signed list of all trees, which hold so many records together, those before trees that were begun anew included; one of fewer than are kept already is older, and is not. */
  abstract keepTreeList(records: number, note: string): Promise<void>;
  /** The signed list of all trees; undefined before the first. */
  abstract treeList(): Promise<string | undefined>;
  /** The keys of witnesses. */
  abstract witnesses(): Promise<readonly LedgerWitness[]>;
  /** Remembers the key of a witness that has none yet, and answers the one that counts: the first. */
  abstract meet(witness: LedgerWitness): Promise<LedgerWitness>;
  /** Puts another key in the place of a witness's, if that is still the one that is known; answers the one that counts. */
  abstract replaceWitness(wrong: LedgerWitness, verifierKey: string): Promise<LedgerWitness>;
}
