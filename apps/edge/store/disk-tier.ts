import type { PurgeSubject, PurgeVerdict } from '#core/http-cache';
import type { CachedObject } from '../cache/cached-object.ts';

export interface Varying {
  field(name: string): string | undefined;
}

/** What lies below the memory: larger, slower, and still there after a restart. Nothing here throws or rejects. */
export interface DiskTier {
  /** An object came from the origin. It is written at once if its key was seen before, else when it is used. */
  filled(object: CachedObject): void;
  /** An object in memory that is not on the disk was asked for again. */
  used(object: CachedObject): void;
  /** Whether it is worth a look: something lies under the key. */
  mayHold(key: string): boolean;
  /** The newest variant that fits, if it can be read and was not purged. */
  recall(key: string, request: Varying): Promise<CachedObject | undefined>;
  /**
   * The same at once, where nothing has to be waited for; undefined says nothing.
   * @param stays whether the object is to stay in memory, or is for one answer only
   */
  recallNow(key: string, request: Varying, stays: boolean): CachedObject | undefined;
  /** The variant is outdated. */
  forget(object: CachedObject): void;
  /** Forgets every variant of a key; how many there were. */
  purge(key: string): number;
  purgeAll(): number;
  /** Resolves when what was forgotten stays so after a crash, or when the disk will not be asked again. */
  flush(): Promise<void>;
  status(): DiskStatus;
}

export interface DiskStatus {
  /** `paused`: nothing is written for a while. `off`: nothing is read or written any more. */
  readonly state: 'on' | 'paused' | 'off';
  /** Why it is not on. */
  readonly reason: string | undefined;
  readonly objects: number;
  readonly bytes: number;
  readonly bytesMax: number;
  readonly segments: number;
  readonly hits: number;
  readonly written: number;
  /** Reads and writes that failed, and records that were not what they should be. */
  readonly faults: number;
}

/** What of the purge ledger is kept: the store takes it as bytes. */
export interface KeptLedger {
  /** All that it remembers. */
  snapshot(): Uint8Array;
  /** Takes back a snapshot, or entries in their order. @throws when they cannot be understood: then nothing on the disk may be used. */
  restore(bytes: Uint8Array): void;
  judge(subject: PurgeSubject, since: number): PurgeVerdict;
}
