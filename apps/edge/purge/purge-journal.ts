/** Where purges are kept beside the objects on disk: what was purged must not come back after a restart. */
export interface PurgeJournal {
  /** Takes the entry of a purge, in the order of the purges. */
  append(entry: Uint8Array): void;
  /** Done when all that was appended is on the disk: a purge is acknowledged, and its offset stored, only after that. */
  flush(): Promise<void>;
}
