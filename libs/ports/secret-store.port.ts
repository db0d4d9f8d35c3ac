/** Secrets that all processes of the platform share, made at their first use. */
export abstract class SecretStore {
  /** The 32 random bytes of that name: the same for everybody who asks, until it is forgotten. */
  abstract secret(name: string): Promise<Uint8Array>;
  /** Forgets it: whoever asks for the name afterwards gets others. */
  abstract forget(name: string): Promise<void>;
}
