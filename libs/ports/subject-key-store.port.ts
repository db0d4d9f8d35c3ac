import type { AggregateCommit } from './aggregate-store.port.ts';
import type { WrappedKey } from './master-key.port.ts';

export interface NewSubjectKey extends WrappedKey {
  /** Random; what is encrypted names it. */
  readonly keyId: string;
  /** Whose events these are: what two tenants call alike are two subjects. */
  readonly tenant: string;
  /** Stands for the subject: a keyed hash of its name. */
  readonly subject: string;
  /** Its name, encrypted under this very key: it is gone with the key, and until then who has the key can name the subject by another secret. */
  readonly sealedName: string | undefined;
}

export interface SubjectKey {
  readonly keyId: string;
  readonly tenant: string;
  readonly subject: string;
  /** Undefined once it is erased. */
  readonly key: WrappedKey | undefined;
  /** Undefined once it is erased, and for keys from before names were kept. */
  readonly sealedName: string | undefined;
  readonly createdAtMs: number;
  readonly erasedAtMs: number | undefined;
}

/** Keys erased since, in the order of their erasures. */
export interface Erasures {
  /** Ask on from here. */
  readonly last: bigint;
  readonly keyIds: readonly string[];
}

export interface SubjectLink {
  /** What stands for a subject in all regions of one secret. */
  readonly shared: string;
  /** What stands for that secret. */
  readonly check: string;
  /** What stands for it here. */
  readonly subject: string;
}

export interface SubjectKeyCounts {
  readonly live: number;
  readonly erased: number;
  /** Live keys by the master key that wraps them. */
  readonly byMaster: Readonly<Record<string, number>>;
  /** Live keys from before names were kept, which no other region's erasure finds until somebody writes of their subjects. */
  readonly unnamed: number;
}

/** Where to go on: behind the key of that id. */
export interface UnlinkedQuery {
  readonly check: string;
  readonly after: string;
  readonly limit: number;
}

/** The keys under which the personal fields of each subject are encrypted: one live key per tenant and subject at most, and what became of those before. */
export abstract class SubjectKeyStore {
  /** The live keys of these subjects, of every tenant, as far as there are any. */
  abstract live(subjects: readonly string[]): Promise<readonly SubjectKey[]>;
  /** Of each tenant and subject the live key: the one given, unless there was one already. Of many who ask at once all get the same. */
  abstract ensure(keys: readonly NewSubjectKey[]): Promise<readonly SubjectKey[]>;
  /** Live or erased; those that are unknown are left out. */
  abstract byId(keyIds: readonly string[]): Promise<readonly SubjectKey[]>;
  /** All keys that a subject ever had, the oldest first. */
  abstract ofSubject(subject: string): Promise<readonly SubjectKey[]>;
  /**
   * Destroys these keys and commits what the command decided, both or neither. Where a subject has no live key then, what stands for it in
   * all regions is gone with them: whoever knows their secret could try names on it.
   * Keys that were destroyed before stay as they are.
   * @throws OperatingError `VERSION_CONFLICT` (retryable) when the head has moved on; nothing was destroyed.
   */
  abstract erase(keyIds: readonly string[], atMs: number, commit: AggregateCommit): Promise<void>;
  /**
   * Destroys these keys once more: it is on record that they were, and the store is of a time before. Those that are destroyed, or
   * not known, stay as they are.
   * @returns how many were destroyed by it
   */
  abstract eraseAgain(keyIds: readonly string[], atMs: number): Promise<number>;
  /** Erasures after `last`; from the beginning for 0n. */
  abstract erasures(last: bigint): Promise<Erasures>;
  /** Live keys that another master key than this one wraps. */
  abstract wrappedByOthers(masterId: string, limit: number): Promise<readonly SubjectKey[]>;
  /** Live keys that this master key wraps. */
  abstract wrappedBy(masterId: string, limit: number): Promise<readonly SubjectKey[]>;
  /** Puts a live key under another master key; false when it was erased, or rewrapped by somebody else, meanwhile. */
  abstract rewrap(keyId: string, fromMasterId: string, to: WrappedKey): Promise<boolean>;
  abstract counts(): Promise<SubjectKeyCounts>;
  /** Notes what stands for subjects in all regions. Twice does no harm. */
  abstract link(links: readonly SubjectLink[]): Promise<void>;
  /** What stands here for whom this stands in all regions; nothing for somebody who is not known. */
  abstract linked(shared: string): Promise<readonly string[]>;
  /** Keeps the names of live keys that have none. */
  abstract name(keys: ReadonlyArray<Pick<NewSubjectKey, 'keyId' | 'sealedName'>>): Promise<void>;
  /** Live keys with a name whose subjects are not linked by this secret, by their ids. */
  abstract unlinked(query: UnlinkedQuery): Promise<readonly SubjectKey[]>;
  /** Notes keys that another region has destroyed, so that what they encrypt counts as erased. Keys of this region stay as they are. */
  abstract noteErased(keys: ReadonlyArray<Pick<SubjectKey, 'keyId' | 'tenant' | 'subject'>>, atMs: number): Promise<void>;
}
