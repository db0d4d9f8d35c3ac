/** Secrets that all processes of the platform share, made at their first use. */
export abstract class SecretStore {
  /** The 32 random bytes of that name: the same for everybody who asks, for ever. */
  abstract secret(name: string): Promise<Uint8Array>;
}
