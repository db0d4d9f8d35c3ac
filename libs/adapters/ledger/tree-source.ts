import type { BundledRecord, HeldRecords, TileAt } from '#core/ledger';
import type { LedgerTreeAt } from '#ports';

/** What there is of one tree, wherever it lies. */
export interface TreeSource extends LedgerTreeAt {
  /** Signed notes of the ledger, the newest first. */
  readonly checkpoints: readonly string[];
  /** Signed notes that others have kept, witnesses and earlier audits: what the ledger once said, it must stand by. */
  readonly seen: readonly SeenCheckpoint[];
  /** Of one of an earlier bundle that is not here: where the one in its place begins. */
  readonly succeededAt?: bigint | undefined;
  /** A tile, read before; undefined when it is not there. */
  tile(at: TileAt): Uint8Array | undefined;
  /** The records, in order; undefined when only hashes are to be verified. */
  readonly records: RecordSource | undefined;
  /** Of a bundle on disk, in the place of `records`: its files, of which only the ledger can say that they are all. */
  readonly copy?: RecordCopy | undefined;
  /** What `copy` has of it, when records of elsewhere stand in its place. */
  readonly exportedAs?: string | undefined;
}

export interface RecordCopy {
  /** What the ledger has signed that it holds; undefined when it does not say. */
  readonly holding: string | undefined;
  /** Paths of all files of records. */
  readonly files: readonly string[];
  read(path: string): Promise<Uint8Array | undefined>;
}

export interface SeenCheckpoint {
  /** Who kept it, for people. */
  readonly by: string;
  readonly note: string;
}

/** The name of its file in a bundle. */
export function seenName(by: string): string {
  return by.replaceAll(/[^A-Za-z0-9_.-]/g, '_');
}

export interface RecordSource {
  /** The leaf that the first record is; undefined when it has to be found by its hash, because earlier ones are removed. */
  readonly firstLeaf: number | undefined;
  /** Where these are to be the records and no others; else what comes behind the tree's last record is of no interest. */
  readonly exact?: HeldRecords;
  read(): AsyncIterable<BundledRecord>;
}
