/** A key of a subject as it is kept: encrypted under a master key. */
export interface WrappedKey {
  readonly masterId: string;
  readonly wrapped: Uint8Array;
}

/**
 * The key that encrypts the keys of subjects; it never leaves its place. Wrapped keys name the master key that wrapped them,
 * so that a new one can take over while those before still unwrap.
 */
export abstract class MasterKey {
  /** Wraps 32 bytes under the newest key. @throws OperatingError `MASTER_KEY_UNAVAILABLE` (retryable), `MASTER_KEY_MISSING` */
  abstract wrap(key: Uint8Array): Promise<WrappedKey>;
  /**
   * @throws OperatingError `MASTER_KEY_MISSING` when the master key is not to be had, or is another than the one that wrapped it;
   * `MASTER_KEY_UNAVAILABLE` (retryable)
   */
  abstract unwrap(key: WrappedKey): Promise<Uint8Array>;
  /** The one that wraps now. */
  abstract newest(): Promise<string>;
  /** Makes a new one, which wraps from now on, and answers its id. @throws OperatingError `MASTER_KEY_READ_ONLY` where others make them */
  abstract renew(): Promise<string>;
  /** Destroys those before this one, once nothing is wrapped by them; does nothing where others see to it. */
  abstract forgetBefore(masterId: string): Promise<void>;
}
