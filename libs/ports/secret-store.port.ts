/** Secrets that all processes of the platform share, made at their first use. */
export abstract class SecretStore {
  /** The 32 random bytes of that name: the same for everybody who asks, until it is forgotten. */
  abstract secret(name: string): Promise<Uint8Array>;
  /** The same, of a name that somebody has asked for before; undefined when nobody has, or the database that knew it is lost. */
  abstract known(name: string): Promise<Uint8Array | undefined>;
  /** Forgets it: whoever asks for the name afterwards gets others. */
  abstract forget(name: string): Promise<void>;
}
