/** Where purges are kept beside the objects on disk: what was purged must not come back after a restart. */
export interface PurgeJournal {
  /** Takes the entry of a purge, in the order of the purges. */
  append(entry: Uint8Array): void;
  /** Done when all that was appended is on the disk, or when it can never be, and the store is void: a purge is acknowledged, and its offset stored, only after that. */
  flush(): Promise<void>;
  /**
   * The store that the entries are about; undefined when there is none any more. Offsets are stored together with it: they
   * say nothing about a store of another name, and what lies there counts as purged.
   */
  readonly storeId: string | undefined;
}
