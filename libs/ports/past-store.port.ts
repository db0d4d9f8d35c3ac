import type { ProjectionPartition } from './projection-partition.ts';

/** Whose past it is: a version of a projection, folded from one log. */
export interface PastModel {
  /** `EventLog.identity()`: offsets of another log mean nothing. */
  readonly log: string;
  readonly projection: string;
  readonly version: number;
}

/** Of which events a piece is. */
export interface PastPart extends ProjectionPartition {
  /** The part of the partition: from the first offset up to, but without, the other. */
  readonly first: bigint;
  readonly next: bigint;
  /** When the last record of the part was recorded, ms since the Unix epoch; null for a part without records. */
  readonly lastRecordedAtMs: number | null;
  /** Nobody knows what was there: it was removed from the log before it was folded, and what it did is in no row of the piece. All of it was recorded by then. */
  readonly gone?: true;
}

/** What the events of a part of one partition do to the rows: joined with what was before, it gives what was after. */
export interface PastPiece extends PastPart {
  /** Where events lie that the projection could not take when it was folded, those left out for good aside; none in a piece that was joined of others. */
  readonly lacks: readonly bigint[];
}

export interface StoredPiece extends PastPart {
  readonly id: string;
}

export interface LackingPiece extends ProjectionPartition {
  readonly id: string;
  readonly first: bigint;
  readonly lacks: readonly bigint[];
}

/** Some rows of one table of a piece, in the order of their keys (`keyText` of the kernel). */
export interface PastBlock {
  readonly table: string;
  readonly firstKey: string;
  readonly lastKey: string;
  readonly rows: number;
  readonly bytes: Uint8Array;
}

/** Rows of a table between two keys, both inclusive. */
export interface PastRange {
  readonly table: string;
  readonly from: string;
  readonly to: string;
  /** Of one piece at most; the first by key. */
  readonly blocksMax?: number;
}

/** A place, and how much of it is asked for: what is before an offset. */
export interface PastCut extends ProjectionPartition {
  readonly before: bigint;
}

/** How much is kept. */
export interface PastSize {
  readonly pieces: number;
  readonly blocks: number;
  readonly bytes: number;
}

/**
 * The past of read models, in pieces. A piece holds what the events between two offsets do to rows; since rows join, the
 * rows as of an offset are the join of the pieces before it. Small pieces stand beside the larger ones that cover them, so
 * that every beginning of a partition is a short chain of pieces, and a rest of events.
 */
export abstract class PastStore {
  /**
   * For each cut the chain of pieces from the first that is kept, each as large as fits before the offset; one array per cut,
   * in their order. Empty when nothing is kept before it.
   */
  abstract chains(model: PastModel, cuts: readonly PastCut[]): Promise<ReadonlyArray<readonly StoredPiece[]>>;
  /** Blocks of pieces that may hold rows of a range, by piece in the order given, then by key. */
  abstract blocks(pieces: readonly string[], range: PastRange): Promise<ReadonlyArray<PastBlock & { readonly piece: string }>>;
  /**
   * Keeps a piece, in one transaction: all of its blocks, or nothing.
   * @returns false, and nothing is written, when it is there already, or begins neither where the pieces of its place end nor at one of them.
   */
  abstract add(model: PastModel, piece: PastPiece, blocks: AsyncIterable<readonly PastBlock[]>): Promise<boolean>;
  /** Pieces that lack events, in the order in which they were added, behind the one of that id; from the first for ''. */
  abstract lacking(model: PastModel, after: string, limit: number): Promise<readonly LackingPiece[]>;
  abstract size(model: PastModel): Promise<PastSize>;
  /** Forgets what is of another log than these models', and of older versions of their projections. */
  abstract forgetOlder(models: readonly PastModel[]): Promise<void>;
  /**
   * Forgets the pieces that end behind an offset, of one place of every version: whoever keeps them folds anew from there. Those that begin
   * before `low`, where the log does, cannot be folded anew, and stay unless others are kept up to there.
   */
  abstract forgetFrom(projection: string, cut: PastCut, low: bigint): Promise<void>;
}
