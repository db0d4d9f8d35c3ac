/** The right to act for something, held by one owner at a time. Fencing is by epoch, not by the clock. */
export interface Lease {
  readonly name: string;
  readonly owner: string;
  /** Grows with every acquisition by anybody, the same owner included. */
  readonly epoch: bigint;
}

export interface LeaseView extends Lease {
  readonly expired: boolean;
}

export abstract class LeaseStore {
  /**
   * Takes the lease if it is free, expired, or already held by `owner` (a restarted process takes over from itself at
   * once). Undefined when somebody else holds it. The epoch is greater than any before of this store, and than `above`: of
   * who knows of epochs that the store has lost, being older than what they were used for.
   */
  abstract acquire(name: string, owner: string, ttlMs: number, above?: bigint): Promise<Lease | undefined>;
  /** Extends the lease; false when it was taken by an other epoch in the meantime. */
  abstract renew(lease: Lease, ttlMs: number): Promise<boolean>;
  /** Extends many at once; true or false for each, in order, as `renew` would say. */
  abstract renewAll(leases: readonly Lease[], ttlMs: number): Promise<readonly boolean[]>;
  /** Gives it up; does nothing when it was lost already. */
  abstract release(lease: Lease): Promise<void>;
  /**
   * Gives it up, and that it ever was, unless it was lost already: its epochs begin anew. Only for a name that stands for
   * something that is gone and does not come again.
   */
  abstract forget(lease: Lease): Promise<void>;
  /** All leases whose name begins with `prefix`. */
  abstract list(prefix: string): Promise<readonly LeaseView[]>;
}
